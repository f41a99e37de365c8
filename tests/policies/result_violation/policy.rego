# Conftest's `violation`: objects with `msg` and `details`, as constraint templates give them.
package violations

violation contains {"msg": message, "details": {"missing": missing}} if {
	provided := {label | some label, _ in input.review.labels}
	required := {label | some label in input.parameters.labels}
	missing := required - provided
	count(missing) > 0
	message := sprintf("you must provide labels: %v", [missing])
}

name := input.review.name
