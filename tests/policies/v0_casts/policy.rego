# Casts, which only the first version of Rego knows.
package v0_casts

names = cast_array(cast_set(input.names))

is_named { cast_string(input.name); cast_boolean(true) }

empty { cast_null(input.nothing) == null; cast_object(input.object) == {} }
