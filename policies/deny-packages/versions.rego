# Version ranges such as `>=6.0.0, <6.0.2`, for versions of up to three numbers.
package versions

any_range_holds(ranges, version) if {
	some range in ranges
	comparable(version)
	every comparison in split(range, ",") {
		holds(trim_space(comparison), version)
	}
}

comparable(version) if {
	semver.is_valid(padded(version))
	not has_revision(version)
}

# `6.0.0-1` is the first revision of a distribution's package of 6.0.0 as well as a release before it. Only Go's
# `0.0.0-20260102030405-0123456789ab` cannot be mistaken.
has_revision(version) if {
	regex.match(`^v?[0-9.]+-[0-9]`, version)
	not regex.match(`[.-][0-9]{14}-[0-9a-f]{12}(\+|$)`, version)
}

# Whether a comparison can be held against anything. A bound is ours, and `-0` in it says before the release.
is_readable(comparison) if semver.is_valid(padded(parts(comparison)[1]))

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
