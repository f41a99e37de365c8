# A function with a default: never undefined for arguments that are.
package default_function

default rank(_) := 0

rank(severity) := data.default_function.ranks[severity]

ranked := [rank(severity) | some severity in input.severities] if input.severities

highest := max(ranked)

blocked if highest >= 3
