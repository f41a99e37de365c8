# Sets: union, difference, intersection, and a set as the result.
package sets

missing := required - present if present

extra := present - required if present

both := present & required if present

all_seen := present | required if present

present := {label | some label in input.labels} if is_array(input.labels)

required := {"owner", "tier", "region"}
