# Partial rules that are sets: several definitions add to one.
package partial_set

import rego.v1

problems contains "no owner" if not input.owner

problems contains "no tests" if {
	count(object.get(input, "tests", [])) == 0
}

problems contains text if {
	some dependency in input.dependencies
	not dependency.version
	text := sprintf("%s has no version", [dependency.name])
}

found if count(problems) > 0

ready if {
	input.name
	not found
}
