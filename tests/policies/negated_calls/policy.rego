# `not` before a call: its arguments are looked up outside of the negation, so a missing one leaves the rule undefined. Asked
# through a function of one's own, it is the call that is missing.
package negated_calls

plain contains item.name if {
	some item in input.items
	not startswith(item.tag, "v")
}

careful contains item.name if {
	some item in input.items
	not is_tagged(item)
}

is_tagged(item) if startswith(item.tag, "v")

all_tagged if {
	input.items
	count(careful) == 0
}
