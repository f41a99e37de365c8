# `walk`: every path and value of a document.
package walk_tree

secrets contains path_text(path) if {
	some path, value
	walk(input, [path, value])
	is_string(value)
	startswith(value, "token:")
}

numbers := sum([value | walk(input, [_, value]); is_number(value)]) if input.limits

depth := max([count(path) | walk(input, [path, _])])

under_limits[path_text(path)] := value if {
	walk(input.limits, [path, value])
	is_number(value)
}

path_text(path) := concat("/", [sprintf("%v", [part]) | some part in path])
