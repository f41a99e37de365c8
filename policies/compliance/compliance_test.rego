package compliance_test

import data.compliance

test_three_allowed_licenses_are_compliant if {
	compliance.license_report.compliant with input as packages(["MIT", "ISC", "Apache-2.0"])
}

test_a_conditional_license_is_compliant_and_listed if {
	report := compliance.license_report with input as packages(["MIT", "CC-BY-ND-4.0"])
	report.compliant
	count(report.conditional_components) == 1
}

test_a_license_that_is_not_allowed_is_named if {
	report := compliance.license_report with input as packages(["MIT", "GPL-2.0-only"])
	not report.compliant
	report.non_compliant_licenses == {"GPL-2.0-only"}
}

test_each_license_that_is_not_allowed_is_named if {
	report := compliance.license_report with input as packages(["GPL-2.0-only", "GPL-3.0-only"])
	report.non_compliant_licenses == {"GPL-2.0-only", "GPL-3.0-only"}
}

test_a_declared_license_stands_in_for_no_assertion if {
	only := {"name": "a", "licenseConcluded": "NOASSERTION", "licenseDeclared": "MIT"}
	compliance.license_report.compliant with input as {"packages": [only]}
}

test_an_unknown_license_is_a_component_and_no_name if {
	report := compliance.license_report with input as {"packages": [{"name": "a", "licenseConcluded": ""}]}
	not report.compliant
	report.non_compliant_licenses == set()
	report.non_compliant_components == {{"name": "a", "licenseConcluded": ""}}
}

test_an_expression_is_on_no_list if {
	not compliance.license_report.compliant with input as packages(["MIT OR Apache-2.0"])
}

test_equal_packages_count_each if {
	report := compliance.license_report with input as {"packages": [
		{"name": "a", "licenseConcluded": "MIT"},
		{"name": "a", "licenseConcluded": "MIT"},
	]}
	report.compliant_components == 2
}

test_low_and_medium_are_compliant if {
	compliance.vulnerability_report.compliant with input as findings(["LOW", "MEDIUM"])
}

test_high_and_critical_are_not if {
	not compliance.vulnerability_report.compliant with input as findings(["LOW", "HIGH"])
	not compliance.vulnerability_report.compliant with input as findings(["CRITICAL"])
}

test_a_low_finding_with_another_kind_of_identifier_is_compliant if {
	compliance.vulnerability_report.compliant with input as {"vulnerabilities": [{
		"id": "GHSA-2222-3333-4444",
		"severity": "LOW",
		"package": {"name": "rope", "version": "1.0.0"},
	}]}
}

test_the_maximum_is_data if {
	strict := object.union(data.compliance.vulnerabilities, {"maximum": "LOW"})
	not compliance.vulnerability_report.compliant with input as findings(["MEDIUM"])
		with data.compliance.vulnerabilities as strict
}

test_the_blocked_identifiers_are_data if {
	open := object.union(data.compliance.vulnerabilities, {"blocked_ids": []})
	blocked := {"vulnerabilities": [{"id": "CVE-2020-7788", "severity": "LOW", "package": {"name": "rope"}}]}
	not compliance.vulnerability_report.compliant with input as blocked
	compliance.vulnerability_report.compliant with input as blocked with data.compliance.vulnerabilities as open
}

test_a_document_of_another_kind_is_undefined if {
	not compliance.license_report with input as {"vulnerabilities": []}
	not compliance.vulnerability_report with input as {"packages": []}
}

test_missing_lists_of_licenses_are_undefined if {
	every member in ["allowed", "conditional", "blocked"] {
		missing := object.remove(data.compliance.licenses, [member])
		not compliance.license_report with input as packages(["MIT"]) with data.compliance.licenses as missing
	}
}

test_missing_settings_of_vulnerabilities_are_undefined if {
	every member in ["severities", "maximum", "blocked_ids"] {
		missing := object.remove(data.compliance.vulnerabilities, [member])
		not compliance.vulnerability_report with input as findings(["LOW"])
			with data.compliance.vulnerabilities as missing
	}
}

test_a_maximum_that_is_no_severity_is_undefined if {
	unknown := object.union(data.compliance.vulnerabilities, {"maximum": "SEVERE"})
	not compliance.vulnerability_report with input as findings(["LOW"]) with data.compliance.vulnerabilities as unknown
}

packages(licenses) := {"packages": [package_of(number, license) | some number, license in licenses]}

package_of(number, license) := {
	"name": sprintf("package-%d", [number]),
	"SPDXID": sprintf("SPDXRef-%d", [number]),
	"licenseConcluded": license,
	"licenseDeclared": license,
}

findings(severities) := {"vulnerabilities": [finding(number, severity) | some number, severity in severities]}

finding(number, severity) := {
	"id": sprintf("CVE-2026-%d", [1000 + number]),
	"severity": severity,
	"package": {"name": "rope", "version": "1.0.0"},
}
