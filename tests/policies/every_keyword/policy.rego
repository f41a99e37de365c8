# `every`: over arrays, objects and sets, with key and value, and over nothing.
package every_keyword

default compliant := false

compliant if {
	every container in input.containers {
		container.user != "root"
		every mount in object.get(container, "mounts", []) {
			mount.read_only
		}
	}
}

keys_match if {
	input.by_name
	every name, container in input.by_name {
		container.name == name
	}
}

all_small if {
	every size in {size | some size in input.sizes} {
		size < 10
	}
}

violated if {
	input.containers
	not compliant
}
