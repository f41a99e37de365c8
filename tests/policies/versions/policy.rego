# Semantic versions.
package versions

outdated contains name if {
	some name, version in input.versions
	semver.compare(version, data.versions_wanted[name]) < 0
}

invalid contains name if {
	some name, version in input.versions
	not semver.is_valid(version)
}

newer := semver.compare(input.left, input.right)

up_to_date if {
	input.versions
	count(outdated) == 0
	count(invalid) == 0
}
