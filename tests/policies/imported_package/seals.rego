# What is sealed.
package cargo

default sealed := false

sealed if {
	is_array(crates)
	every crate in crates {
		crate.seal != ""
	}
}
