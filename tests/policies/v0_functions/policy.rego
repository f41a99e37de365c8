# Version 0 of Rego with functions, defaults, else, objects, and `in` from the future keywords.
package v0_functions

import future.keywords.in

default allow = false

allow {
	input.user in data.v0_functions.users
}

level(score) = "high" {
	score >= 7
} else = "low" {
	score >= 0
}

levels[name] = result {
	score := input.scores[name]
	result := level(score)
}

names = {name | input.scores[name]}

first = name {
	name := sort([name | input.scores[name]])[0]
}
