# The smallest policy that answers with a licence report.
package result_license_report

license_report := {
	"compliant": count(wrong) == 0,
	"total_components": count(input.packages),
	"compliant_components": count(input.packages) - count(wrong),
	"allowed_licenses": ["ISC", "MIT"],
	"non_compliant_licenses": {component.licenseConcluded | some component in wrong},
	"non_compliant_components": wrong,
	"conditional_components": [],
} if {
	input.packages
}

wrong := [component |
	some component in input.packages
	not component.licenseConcluded in {"ISC", "MIT"}
]
