# Settings in data, which a deployment lays its own over.
package data_overlay

deny contains sprintf("%s may use at most %d, not %d", [name, most, used]) if {
	some name, used in input.usage
	most := data.settings.limits[name]
	used > most
}

deny contains sprintf("%s is on the list", [name]) if {
	some name, _ in input.usage
	name in data.settings.forbidden
}

setting := data.settings.mode
