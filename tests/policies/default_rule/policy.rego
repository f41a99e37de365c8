# Default rules: an answer where no definition holds. Beside it a rule without one.
package default_rule

default decision := "review"

decision := "accept" if input.score >= 8

decision := "reject" if input.score < 3

default details := {"reason": "unknown", "count": 0}

details := {"reason": input.reason, "count": count(input.reason)}

reason := input.reason
