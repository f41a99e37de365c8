# What a bill of materials in CycloneDX must say of its components. Written as for Conftest: `deny`, `violation`, `warn`.
# Each is undefined where the lists of the evidence or the settings are missing: `contains` alone would be an empty set then,
# and a pass.
package main

# METADATA
# description: Facts without which nobody can tell what a component is.
# entrypoint: true
deny := unidentified if is_judgeable

# METADATA
# description: One violation for all components without a licence, where there are more than the data allows.
# entrypoint: true
violation := too_many_unlicensed if is_judgeable

# METADATA
# description: Facts that are good to have.
# entrypoint: true
warn := incomplete if is_judgeable

# METADATA
# description: How many components are held against the rules.
# entrypoint: true
judged := count(components) if is_judgeable

is_judgeable if {
	is_array(input.components)
	is_array(input.reports)
	is_array(data.inventory.types)
	is_array(data.inventory.allowed_hashes)
	is_number(data.inventory.max_unlicensed)
}

unidentified contains message("inventory/version", entry, "has no version") if {
	some entry in components
	not entry.component.version
}

unidentified contains message("inventory/identity", entry, "has neither package URL nor CPE") if {
	some entry in components
	not entry.component.purl
	count(entry.component.cpes) == 0
}

unidentified contains message("inventory/deprecated", entry, "is deprecated by its publisher") if {
	some entry in components
	entry.component.deprecated
}

too_many_unlicensed contains {
	"msg": sprintf("%d components have no licence, %d may: %s", [count(unlicensed), most, concat(", ", names)]),
	"rule": "inventory/licence",
	"details": {"components": names},
	"evidence": [{"component": entry.at} | some entry in unlicensed],
} if {
	most := data.inventory.max_unlicensed
	count(unlicensed) > most
	names := sort([label(entry.component) | some entry in unlicensed])
}

incomplete contains message("inventory/hash", entry, "has no hash that still counts as strong") if {
	some entry in components
	entry.component.component_type == "library"
	not has_strong_hash(entry.component)
}

incomplete contains message("inventory/supplier", entry, "names no supplier") if {
	some entry in components
	not entry.component.supplier
}

incomplete contains {"msg": "the document says of itself that it is not complete", "rule": "inventory/completeness"} if {
	some report in input.reports
	is_cyclonedx(report)
	report.completeness == "partial"
}

# Of reports in CycloneDX only; the root is what is inventoried, not a part of it.
components := [entry |
	some entry in input.components
	is_cyclonedx(input.reports[entry.at.report])
	entry.component.component_type in data.inventory.types
	entry.component.relation != "root"
]

is_cyclonedx(report) if startswith(report.format.name, "cyclonedx-")

unlicensed := [entry |
	some entry in components
	not has_license(entry.component)
]

# An expression or a name is an object; `no-assertion` and `none-stated` are words.
has_license(component) if {
	some claim in component.licenses
	is_object(claim.value)
}

has_strong_hash(component) if {
	some hash in component.hashes
	lower(split(hash, ":")[0]) in data.inventory.allowed_hashes
}

message(rule, entry, text) := {
	"msg": sprintf("%s %s", [label(entry.component), text]),
	"rule": rule,
	"subject": object.get(entry.component, "purl", entry.component.name),
	"evidence": [{"component": entry.at}],
}

label(component) := sprintf("%s@%s", [component.name, object.get(component, "version", "?")])
