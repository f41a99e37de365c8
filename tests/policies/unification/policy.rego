# Unification: arrays and objects taken apart, variables bound on either side.
package unification

parts := {"owner": owner, "name": name} if [owner, name] = split(input.repository, "/")

host := name if {"host": name, "port": 443} = input.endpoint

equal_ends if {
	[first, _, first] = input.triple
}

swapped contains [second, first] if {
	some pair in input.pairs
	[first, second] = pair
}
