# The components that are held against the rules. A package of its own, so that `deny_packages` as a whole holds nothing but
# its rules.
package inventory

import data.purl

# What is inventoried itself is nobody's choice of a package.
judged := [entry |
	some entry in input.components
	entry.component.scope in data.denied_packages.scopes
	entry.component.relation != "root"
]

# Each package URL once, however many reports name it.
package_urls := {entry.component.purl: package_url |
	some entry in judged
	package_url := purl.parse(entry.component.purl)
}

# A function, because `not purl.parse(component.purl)` would itself be undefined where there is no `purl`.
is_identified(component) if purl.parse(component.purl)
