# Array comprehensions keep order and repetition.
package array_comprehension

names := [image.name | some image in input.images]

untagged := [image.name |
	some image in input.images
	not image.tag
]

numbered := [sprintf("%d:%s", [index, image.name]) | some index, image in input.images]

pairs := [[left.name, right.name] |
	some left in input.images
	some right in input.images
	left.name < right.name
]

deny if count(untagged) > 0

allow if {
	count(input.images) > 0
	not deny
}
