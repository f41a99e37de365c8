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
	every name in ["yaml.reader", "YAML--reader", "yaml_._reader", "yaml-_.reader@2"] {
		denied([concat("", ["pkg:pypi/", name])], [rule("pkg:pypi/Yaml_Reader")]) == {concat("", ["pkg:pypi/", name])}
	}
	denied(["pkg:pypi/yamlreader", "pkg:pypi/yaml-reader-2"], [rule("pkg:pypi/yaml-reader")]) == set()
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

test_each_operator_holds_where_it_says if {
	held := {range |
		some range in ["<1.0", "<=1.0", "=1.0", "1.0", ">=1.0", ">1.0", "<= 1.0.0"]
		versions.any_range_holds([range], "1.0.0")
	}
	held == {"<=1.0", "=1.0", "1.0", ">=1.0", "<= 1.0.0"}
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
		{"id": "c", "purl": "pkg:npm/rop[e", "reason": "so"},
		{"id": "d", "purl": "pkg:npm/rope", "versions": "<2", "reason": "so"},
		{"id": "e", "purl": "pkg:npm/rope", "versions": [], "reason": "so"},
		{"id": "f", "purl": "pkg:npm/rope", "versions": [1], "reason": "so"},
		{"reason": "so"},
		"pkg:npm/rope",
	]
	entries := deny_packages.deny with input as evidence([]) with data.denied_packages.rules as broken
	{entry.msg | some entry in entries} == {
		"the rule a cannot be read: \"npm/rope\" is no package URL",
		"the rule b cannot be read: \"~> 5\" is no range of versions",
		"the rule c cannot be read: \"pkg:npm/rop[e\" holds a glob that cannot be read",
		"the rule d cannot be read: `versions` is no list of ranges",
		"the rule e cannot be read: `versions` is no list of ranges",
		"the rule f cannot be read: `versions` is no list of ranges",
		"the rule number 7 cannot be read: `id` is no text",
		"the rule number 7 cannot be read: `purl` is no text",
		"the rule number 8 cannot be read: it is no object",
	}
}

test_a_package_url_is_decoded_before_it_is_split if {
	plain := purl.parse("pkg:npm/@sandbox/a@1")
	plain.namespace == "@sandbox"
	plain.version == "1"
	every text in ["pkg:npm/%40sandbox%2Fa@1", "pkg:npm/%40sandbox//a@1", "pkg:npm/./@sandbox/a/@1", "PKG:npm/@sandbox%2fa@1"] {
		purl.parse(text) == plain
	}
	purl.parse("pkg:npm/rope@1/2").version == "1/2"
}

test_a_qualifier_may_be_there_twice if {
	purls := ["pkg:npm/rope@1?x=1&x=2", "pkg:npm/rope@1?x=2", "pkg:npm/rope@1?x=1=2"]
	denied(purls, [rule("pkg:npm/rope?x=1")]) == {"pkg:npm/rope@1?x=1&x=2"}
	denied(purls, [rule("pkg:npm/rope?x=1=2")]) == {"pkg:npm/rope@1?x=1=2"}
}

test_a_revision_of_a_distribution_cannot_be_compared if {
	every version in ["6.0.0-1", "6.0-1ubuntu2", "6.0.0-1.el9", "v6.0.0-0"] {
		not versions.comparable(version)
	}
	every version in ["6.0.0-rc.1", "6.0.0+1", "v0.0.0-20260102030405-0123456789ab", "v1.2.4-0.20260102030405-0123456789ab"] {
		versions.comparable(version)
	}
	versions.any_range_holds(["<6.0.2-0"], "6.0.1")
	versions.is_readable("<6.0.2-0")
}

test_what_is_no_package_url_is_undefined if {
	not purl.parse(7)
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

test_missing_data_is_undefined if {
	every missing in [{}, {"rules": []}, {"scopes": []}, {"rules": {}, "scopes": []}] {
		not deny_packages.deny with input as evidence([]) with data.denied_packages as missing
		not deny_packages.warn with input as evidence([]) with data.denied_packages as missing
	}
}

test_a_document_of_another_kind_is_undefined if {
	not deny_packages.deny with input as {"packages": []}
	not deny_packages.warn with input as {"packages": []}
}
