# The components that are held against the rules. A package of its own, so that `deny_packages` as a whole holds nothing but
# its rules.
package inventory

import data.purl

# Without these nothing can be judged, and nothing would be denied.
is_judgeable if {
	is_array(input.components)
	is_array(data.denied_packages.rules)
	is_array(data.denied_packages.scopes)
}

# What is inventoried itself is nobody's choice of a package.
judged := [entry |
	some entry in input.components
	entry.component.scope in data.denied_packages.scopes
	entry.component.relation != "root"
]

# Each package URL once, however many reports name it.
package_urls := {text: package_url |
	some text, _ in places
	package_url := purl.parse(text)
}

# Where each package URL stands.
places[text] contains {"component": entry.at} if {
	some entry in judged
	text := entry.component.purl
}

# A function, because `not purl.parse(component.purl)` would itself be undefined where there is no `purl`.
is_identified(component) if purl.parse(component.purl)
