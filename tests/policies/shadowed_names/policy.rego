# A name inside a comprehension that is a name outside too: inside it is another one.
package shadowed_names

first := name if {
	name := sort([name | some name, _ in input.scores])[0]
}

all_named if {
	name := "all"
	count([name | some name, _ in input.scores; name != ""]) == count(input.scores)
	name == "all"
}
