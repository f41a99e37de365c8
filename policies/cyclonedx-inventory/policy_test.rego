package main_test

import data.main

good := {
	"id": "rope", "name": "rope", "version": "1.0.0", "purl": "pkg:npm/rope@1.0.0", "component_type": "library",
	"supplier": "Example Works", "licenses": [{"source": "declared", "value": {"expression": "MIT"}}],
	"scope": "runtime", "relation": "direct", "locations": [], "hashes": ["sha-256:00"], "cpes": [], "properties": [],
}

evidence(component) := evidence_in("cyclonedx-json", component)

evidence_in(format, component) := {
	"reports": [{"format": {"name": format}, "completeness": "unknown"}],
	"components": [{"at": {"report": 0, "index": 0}, "component": component}],
}

test_a_whole_component_is_fine if {
	main.deny == set() with input as evidence(good)
	main.violation == set() with input as evidence(good)
	main.warn == set() with input as evidence(good)
}

test_a_missing_version_is_denied if {
	{entry.rule | some entry in main.deny} == {"inventory/version"} with input as evidence(object.remove(good, ["version"]))
}

test_a_cpe_is_an_identity if {
	without := object.remove(good, ["purl"])
	{entry.rule | some entry in main.deny} == {"inventory/identity"} with input as evidence(without)
	named := object.union(without, {"cpes": ["cpe:2.3:a:rope:rope:1.0.0:*:*:*:*:*:*:*"]})
	main.deny == set() with input as evidence(named)
}

test_no_assertion_is_no_licence if {
	silent := object.union(good, {"licenses": [{"source": "declared", "value": "no-assertion"}]})
	count(main.violation) == 1 with input as evidence(silent)
	main.violation == set() with input as evidence(silent) with data.inventory.max_unlicensed as 1
}

test_a_weak_hash_is_a_warning if {
	weak := object.union(good, {"hashes": ["md5:00", "sha-1:00"]})
	{entry.rule | some entry in main.warn} == {"inventory/hash"} with input as evidence(weak)
}

test_reports_in_other_formats_are_left_alone if {
	main.deny == set() with input as evidence_in("spdx-json", object.remove(good, ["version"]))
}

test_the_root_is_left_alone if {
	root := object.union(object.remove(good, ["version"]), {"relation": "root"})
	main.deny == set() with input as evidence(root)
}

test_missing_data_is_undefined if {
	every member in ["types", "allowed_hashes", "max_unlicensed"] {
		missing := object.remove(data.inventory, [member])
		not main.deny with input as evidence(good) with data.inventory as missing
		not main.violation with input as evidence(good) with data.inventory as missing
		not main.warn with input as evidence(good) with data.inventory as missing
		not main.judged with input as evidence(good) with data.inventory as missing
	}
}

test_a_document_of_another_kind_is_undefined if {
	not main.deny with input as {"packages": []}
}
