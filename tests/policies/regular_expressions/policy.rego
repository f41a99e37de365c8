# Regular expressions, inside the module and from outside it.
package regular_expressions

ticket := regex.find_n(`[A-Z]+-[0-9]+`, input.title, 1)[0]

tickets := regex.find_n(`[A-Z]+-[0-9]+`, input.title, -1)

parts := regex.split(`[,;] *`, input.list)

masked := regex.replace(input.title, `([A-Z]+)-[0-9]+`, "$1-x")

groups := regex.find_all_string_submatch_n(`(\w+)=(\w+)`, input.list, -1)

valid if regex.match(`^(feat|fix): .+$`, input.title)

known contains pattern if {
	some pattern in input.patterns
	regex.is_valid(pattern)
}
