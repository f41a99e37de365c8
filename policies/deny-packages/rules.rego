# The rules of the data, held against each package URL.
package rules

import data.inventory
import data.purl
import data.versions

denied := {entry |
	some rule in data.denied_packages.rules
	pattern := purl.parse(rule.purl)
	some text, package_url in inventory.package_urls
	purl.matches(pattern, package_url)
	note := version_note(rule, package_url)
	entry := {
		"msg": sprintf("%s is denied: %s%s", [text, rule.reason, note]),
		"rule": rule.id,
		"purl": text,
		"how_to_fix": way_out(rule),
		"evidence": [{"component": judged.at} | some judged in inventory.judged; judged.component.purl == text],
	}
}

# A rule that nobody can read denies nothing, and would do so silently.
unreadable := {{"msg": sprintf("the rule %s cannot be read: %s", [rule.id, problem]), "rule": "packages/unreadable-rule"} |
	some rule in data.denied_packages.rules
	some problem in problems(rule)
}

problems(rule) := {sprintf("%q is no package URL", [rule.purl]) | not inventory.is_identified(rule)} | {text |
	some range in object.get(rule, "versions", [])
	some comparison in split(range, ",")
	not versions.is_readable(trim_space(comparison))
	text := sprintf("%q is no range of versions", [range])
}

# Undefined where the rule's versions leave this one out.
version_note(rule, _) := "" if not rule.versions

version_note(rule, package_url) := "" if versions.any_range_holds(rule.versions, package_url.version)

version_note(rule, package_url) := " (its version cannot be compared)" if {
	rule.versions
	not versions.comparable(object.get(package_url, "version", ""))
}

way_out(rule) := sprintf("use %s", [rule.instead]) if rule.instead

way_out(rule) := "remove it" if not rule.instead
