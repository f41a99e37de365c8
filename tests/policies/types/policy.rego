# Types of values, and conversions.
package types

named := {name: type_name(value) | some name, value in input.values}

checked := {
	"numbers": {name | some name, value in input.values; is_number(value)},
	"strings": {name | some name, value in input.values; is_string(value)},
	"objects": {name | some name, value in input.values; is_object(value)},
	"nothing": {name | some name, value in input.values; is_null(value)},
	"booleans": {name | some name, value in input.values; is_boolean(value)},
}

numbers := [to_number(value) | some value in input.texts] if input.texts

port := to_number(input.port)

valid if {
	is_number(port)
	port > 0
	port < 65536
}
