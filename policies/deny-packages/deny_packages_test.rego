package deny_packages_test

import data.deny_packages
import data.purl
import data.versions

denied(purls, rules) := {entry.purl | some entry in entries} if {
	entries := deny_packages.deny with input as evidence(purls) with data.denied_packages.rules as rules
}

evidence(purls) := {"components": [
{
	"at": {"report": 0, "index": index},
	"component": {"name": text, "purl": text, "scope": "runtime", "relation": "direct"},
} |
	some index, text in purls
]}

rule(pattern) := {"id": "r", "purl": pattern, "reason": "so"}

test_the_type_counts if {
	denied(["pkg:npm/rope", "pkg:pypi/rope"], [rule("pkg:npm/rope")]) == {"pkg:npm/rope"}
}

test_a_star_stands_for_a_whole_name if {
	purls := ["pkg:npm/%40sandbox/a@1", "pkg:npm/@sandbox/b", "pkg:npm/a", "pkg:npm/%40sandbox2/a"]
	denied(purls, [rule("pkg:npm/%40sandbox/*")]) == {"pkg:npm/%40sandbox/a@1", "pkg:npm/@sandbox/b"}
}

test_no_namespace_is_no_wildcard if {
	denied(["pkg:maven/org.example/rope", "pkg:maven/rope"], [rule("pkg:maven/rope")]) == {"pkg:maven/rope"}
}

test_spellings_of_one_package_are_one if {
	denied(["pkg:pypi/Yaml_Reader@1"], [rule("pkg:pypi/yaml-reader")]) == {"pkg:pypi/Yaml_Reader@1"}
	denied(["pkg:maven/org.example/Rope"], [rule("pkg:maven/org.example/rope")]) == set()
}

test_a_version_in_the_pattern_is_equal if {
	denied(["pkg:npm/rope@1.0.0", "pkg:npm/rope@1.0.1", "pkg:npm/rope"], [rule("pkg:npm/rope@1.0.0")]) == {"pkg:npm/rope@1.0.0"}
}

test_qualifiers_of_the_pattern_are_there if {
	purls := ["pkg:deb/debian/rope@1?arch=amd64&distro=trixie", "pkg:deb/debian/rope@1?arch=arm64"]
	denied(purls, [rule("pkg:deb/debian/rope?arch=amd64")]) == {"pkg:deb/debian/rope@1?arch=amd64&distro=trixie"}
}

test_a_version_outside_of_all_ranges_passes if {
	ranged := object.union(rule("pkg:npm/rope"), {"versions": ["<1.2", ">=2.0.0, <2.3"]})
	purls := [
		"pkg:npm/rope@1.1.9", "pkg:npm/rope@1.2", "pkg:npm/rope@2.0.0",
		"pkg:npm/rope@2.3.0", "pkg:npm/rope@2.3.0-rc.1",
	]
	denied(purls, [ranged]) == {"pkg:npm/rope@1.1.9", "pkg:npm/rope@2.0.0", "pkg:npm/rope@2.3.0-rc.1"}
}

test_a_version_that_cannot_be_compared_is_denied_and_says_so if {
	ranged := object.union(rule("pkg:npm/rope"), {"versions": ["<1.2"]})
	entries := deny_packages.deny with input as evidence(["pkg:npm/rope@latest", "pkg:npm/rope"])
		with data.denied_packages.rules as [ranged]
	{entry.msg | some entry in entries} == {
		"pkg:npm/rope@latest is denied: so (its version cannot be compared)",
		"pkg:npm/rope is denied: so (its version cannot be compared)",
	}
}

test_a_rule_that_nobody_can_read_is_denied_itself if {
	broken := [
		{"id": "a", "purl": "npm/rope", "reason": "so"},
		{"id": "b", "purl": "pkg:npm/rope", "versions": ["~> 5"], "reason": "so"},
	]
	entries := deny_packages.deny with input as evidence([]) with data.denied_packages.rules as broken
	{entry.msg | some entry in entries} == {
		"the rule a cannot be read: \"npm/rope\" is no package URL",
		"the rule b cannot be read: \"~> 5\" is no range of versions",
	}
}

test_what_is_no_package_url_is_undefined if {
	not purl.parse("rope")
	not purl.parse("pkg:npm")
	not purl.parse("pkg:npm/@1")
}

test_a_plus_in_a_version_stays if {
	purl.parse("pkg:deb/debian/rope@1.0+dfsg-1").version == "1.0+dfsg-1"
}

test_versions_are_padded if {
	versions.padded("5") == "5.0.0"
	versions.padded("5.4-rc1") == "5.4.0-rc1"
	versions.padded("v1.2.3+b") == "v1.2.3+b"
	not versions.comparable("1.2.3.4")
}

test_a_document_of_another_kind_is_undefined if {
	not deny_packages.deny with input as {"packages": []}
	not deny_packages.warn with input as {"packages": []}
}
