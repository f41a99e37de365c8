# Else chains: the first that holds answers; without an end that always holds the chain can be undefined.
package else_chain

level := "critical" if {
	input.score >= 9
} else := "high" if {
	input.score >= 7
} else := sprintf("medium (%v)", [input.score]) if {
	input.score >= 4
}

label(score) := "red" if {
	score >= 7
} else := "green"

labels := [label(score) | some score in input.scores]

# The first that holds answers, although the second would too.
order := 1 if {
	input.score > 0
} else := 2 if {
	input.score > 0
}
