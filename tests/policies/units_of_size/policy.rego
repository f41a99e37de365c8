# Sizes with units.
package units_of_size

deny contains sprintf("%s asks for %s", [name, size]) if {
	some name, size in input.sizes
	units.parse_bytes(size) > units.parse_bytes(data.units_of_size.most)
}

bytes := {name: units.parse_bytes(size) | some name, size in input.sizes}

cores := units.parse(input.cores)
