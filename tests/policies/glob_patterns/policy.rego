# Glob patterns with separators.
package glob_patterns

owners contains owner if {
	some pattern, owner in data.code_owners.by_pattern
	some path in input.paths
	glob.match(pattern, ["/"], path)
}

unowned contains path if {
	some path in input.paths
	not owned(path)
}

owned(path) if {
	some pattern, _ in data.code_owners.by_pattern
	glob.match(pattern, ["/"], path)
}

quoted := glob.quote_meta(input.name)

covered if {
	input.paths
	count(unowned) == 0
}
