# Imports: of a package under another name, of the input, of data.
package imports

import data.helpers.people as directory
import data.people as known
import input.request

summary := {
	"user": request.user,
	"team": directory.team_of(request.user),
	"known": count(known),
}

allowed if request.action in directory.actions_of(request.user)
