# A helper package that takes what it needs as arguments.
package helpers.people

import data.people

team_of(user) := people[user].team

actions_of(user) := people[user].actions
