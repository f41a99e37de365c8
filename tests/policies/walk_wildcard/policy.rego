# `walk` where the value does not matter, and where the path does not.
package walk_wildcard

paths := {concat("/", [sprintf("%v", [part]) | some part in path]) |
	some path
	walk(input.tree, [path, _])
} if input.tree

depth := max([count(path) | some path; walk(input.tree, [path, _])])

strings contains value if {
	walk(input.tree, [_, value])
	is_string(value)
}
