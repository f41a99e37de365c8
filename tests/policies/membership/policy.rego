# `in`: of arrays, sets and objects, with keys, and in bodies.
package membership

known if input.name in ["web", "api"]

valued if input.name in {"first": "web", "second": "api"}

placed if "first", input.name in {"first": "web", "second": "api"}

positions contains index if {
	some index, name in input.names
	name == input.name
}

others := [name | some name in input.names; not name in {input.name}] if input.names

nested := [[outer, inner] |
	some outer, list in input.lists
	some inner in list
]
