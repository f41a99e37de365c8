# Set comprehensions: members that are objects and sets themselves.
package set_comprehension

owners := {owner |
	some service in input.services
	some owner in service.owners
}

groups := {members |
	some service in input.services
	members := {owner | some owner in service.owners}
}

pairs := {{"owner": owner, "service": service.name} |
	some service in input.services
	some owner in service.owners
}

shared if {
	some service in input.services
	{owner | some owner in service.owners} == owners
}
