# Licence compliance: judges the packages of one software bill of materials by three lists of licences. Licence
# expressions are not taken apart: `MIT OR Apache-2.0` is a licence of its own here, and on no list.
package compliance

# METADATA
# description: Undefined without a list of packages, so that a document of another kind is never "0 of 0"; and without its lists of licences.
# entrypoint: true
license_report := {
	"compliant": licenses_compliant,
	"total_components": count(judged_packages),
	"compliant_components": count(allowed_packages),
	"allowed_licenses": allowed_licenses,
	"non_compliant_licenses": {license |
		some [license, _] in judged_packages
		not license in allowed_licenses
		license != unknown_license
	},
	"non_compliant_components": {component |
		some [license, component] in judged_packages
		not license in allowed_licenses
	},
	"conditional_components": {component |
		some [license, component] in judged_packages
		license in conditional_licenses
	},
} if {
	is_array(input.packages)
	is_array(data.compliance.licenses.allowed)
	is_array(data.compliance.licenses.conditional)
	is_array(data.compliance.licenses.blocked)
}

# Without a package nothing was judged, so nothing is compliant.
default licenses_compliant := false

licenses_compliant if {
	count(judged_packages) > 0
	count(allowed_packages) == count(judged_packages)
}

# Each package beside its licence. A list: equal packages count each.
judged_packages := [[effective_license(component), component] | some component in input.packages]

allowed_packages := [component |
	some [license, component] in judged_packages
	license in allowed_licenses
]

conditional_licenses := to_set(data.compliance.licenses.conditional) - to_set(data.compliance.licenses.blocked)

allowed_licenses := to_set(data.compliance.licenses.allowed) | conditional_licenses

unknown_license := "UNKNOWN"

# What somebody concluded counts before what the package's author declared.
effective_license(component) := component.licenseConcluded if {
	says_something(component.licenseConcluded)
} else := component.licenseDeclared if {
	says_something(component.licenseDeclared)
} else := unknown_license

says_something(license) if {
	is_string(license)
	not license in {"", "NOASSERTION", "NONE"}
}

to_set(list) := {item | some item in list}
