# Packages that nobody may use, by patterns of package URLs. Every component is held against every rule of the data.
package deny_packages

import data.inventory
import data.rules

# METADATA
# description: Undefined without lists of components, rules and scopes, so that what was not judged is never a pass.
# entrypoint: true
deny := rules.denied | rules.unreadable if inventory.is_judgeable

# METADATA
# description: What could not be held against the rules.
# entrypoint: true
warn := {entry |
	some judged in inventory.judged
	not inventory.is_identified(judged.component)
	entry := {
		"msg": sprintf("%s has no package URL that can be read: not checked", [judged.component.name]),
		"rule": "packages/not-checked",
		"subject": judged.component.name,
		"evidence": [{"component": judged.at}],
	}
} if {
	inventory.is_judgeable
}
