# Conftest's `deny` with strings: the package as a whole, or the rule.
package main

deny contains sprintf("file %s is %d bytes", [name, size]) if {
	some name, size in input.files
	size > 100
}

warn contains sprintf("file %s is empty", [name]) if {
	some name, size in input.files
	size == 0
}

largest := max([size | some size in input.files])
