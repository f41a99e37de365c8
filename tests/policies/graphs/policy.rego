# Dependencies as a graph.
package graphs

edges := {name: dependencies | some name, dependencies in input.dependencies}

reached := graph.reachable(edges, {input.root})

paths := graph.reachable_paths(edges, {input.root})

unused contains name if {
	some name, _ in input.dependencies
	not name in reached
}

deny contains sprintf("%s reaches %s", [input.root, name]) if {
	some name in reached
	name in data.forbidden_packages
}

clean if {
	input.root in reached
	count(deny) == 0
}
