# Version ranges such as `>=6.0.0, <6.0.2`, for versions of up to three numbers.
package versions

any_range_holds(ranges, version) if {
	some range in ranges
	comparable(version)
	every comparison in split(range, ",") {
		holds(trim_space(comparison), version)
	}
}

comparable(version) if semver.is_valid(padded(version))

# Whether a comparison can be held against anything.
is_readable(comparison) if comparable(parts(comparison)[1])

holds(comparison, version) if {
	[operator, bound] := parts(comparison)
	order := semver.compare(padded(version), padded(bound))
	order in orders[operator]
}

orders := {"<": {-1}, "<=": {-1, 0}, "=": {0}, ">=": {0, 1}, ">": {1}}

# The operator is the longest that fits; without one it is equality.
parts(comparison) := ["<=", trim_space(trim_prefix(comparison, "<="))] if {
	startswith(comparison, "<=")
} else := [">=", trim_space(trim_prefix(comparison, ">="))] if {
	startswith(comparison, ">=")
} else := ["<", trim_space(trim_prefix(comparison, "<"))] if {
	startswith(comparison, "<")
} else := [">", trim_space(trim_prefix(comparison, ">"))] if {
	startswith(comparison, ">")
} else := ["=", trim_space(trim_prefix(comparison, "="))]

# `5.4` is `5.4.0`, `5.4-rc1` is `5.4.0-rc1`.
padded(version) := concat("", [numbers, zeros, rest]) if {
	numbers := regex.find_n(`^v?[0-9]+(\.[0-9]+)*`, version, 1)[0]
	rest := trim_prefix(version, numbers)
	zeros := array.slice([".0.0", ".0", ""], count(split(numbers, ".")) - 1, 3)[0]
} else := version
