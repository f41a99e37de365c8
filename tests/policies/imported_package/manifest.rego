# Whoever imports a package in two files has all of it, also what leans on the other file.
package imported_package

import data.cargo

report := {"light": cargo.light, "sealed": cargo.sealed}

heavy if not cargo.light

first_is_light if cargo.light with input as {"crates": [input.crates[0]]}
