# Functions: several definitions, patterns as arguments, results that are undefined, calls in calls.
package functions

kind(file) := "rust" if endswith(file, ".rs")

kind(file) := "docs" if endswith(file, ".md")

scope(["src", name]) := name

scope(["tests", _]) := "test"

weight("high") := 3

weight("low") := 1

double(number) := number * 2

kinds := [kind(file) | some file in input.files] if input.files

scopes := [scope(split(file, "/")) | some file in input.files] if input.files

score := sum([double(weight(level)) | some level in input.levels])

is_docs_only if {
	input.files
	every file in input.files {
		kind(file) == "docs"
	}
}
