# Addresses and networks.
package networks

public contains rule.name if {
	some rule in input.rules
	net.cidr_contains("0.0.0.0/0", rule.cidr)
	not private(rule.cidr)
}

private(cidr) if {
	some network in ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
	net.cidr_contains(network, cidr)
}

overlapping := {[left.name, right.name] |
	some left in input.rules
	some right in input.rules
	left.name < right.name
	net.cidr_intersects(left.cidr, right.cidr)
}

merged := net.cidr_merge([rule.cidr | some rule in input.rules])

addresses := net.cidr_expand(input.small)

closed if {
	count(input.rules) > 0
	count(public) == 0
}
