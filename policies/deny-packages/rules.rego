# The rules of the data, held against each package URL.
package rules

import data.inventory
import data.purl
import data.versions

denied := {entry |
	some number, rule in data.denied_packages.rules
	pattern := purl.parse(rule.purl)
	some text, package_url in inventory.package_urls
	purl.matches(pattern, package_url)
	note := version_note(rule, package_url)
	entry := {
		"msg": sprintf("%s is denied: %s%s", [text, reason(rule), note]),
		"rule": name(number, rule),
		"purl": text,
		"how_to_fix": way_out(rule),
		"evidence": inventory.places[text],
	}
}

# A rule that nobody can read denies nothing, and would do so silently.
unreadable := {entry |
	some number, rule in data.denied_packages.rules
	some problem in problems(rule)
	entry := {
		"msg": sprintf("the rule %s cannot be read: %s", [name(number, rule), problem]),
		"rule": "packages/unreadable-rule",
	}
}

problems(rule) := {"it is no object"} if not is_object(rule)

problems(rule) := (wrong_texts(rule) | wrong_pattern(rule)) | wrong_versions(rule) if is_object(rule)

wrong_texts(rule) := {sprintf("`%s` is no text", [member]) |
	some member in ({"id", "purl", "reason"} | ({"instead"} & object.keys(rule)))
	not is_string(object.get(rule, member, null))
}

wrong_pattern(rule) := {sprintf("%q is no package URL", [rule.purl])} if {
	is_string(rule.purl)
	not inventory.is_identified(rule)
} else := {sprintf("%q holds a glob that cannot be read", [rule.purl])} if {
	pattern := purl.parse(rule.purl)
	not purl.has_readable_globs(pattern)
} else := set()

wrong_versions(rule) := {"`versions` is no list of ranges"} if {
	"versions" in object.keys(rule)
	not is_list_of_texts(rule.versions)
} else := {text |
	some range in object.get(rule, "versions", [])
	some comparison in split(range, ",")
	not versions.is_readable(trim_space(comparison))
	text := sprintf("%q is no range of versions", [range])
}

is_list_of_texts(value) if {
	is_array(value)
	count(value) > 0
	every item in value {
		is_string(item)
	}
}

# Undefined where the rule's versions leave this one out. Versions that cannot be read leave none out.
version_note(rule, _) := "" if not has_ranges(rule)

version_note(rule, package_url) := "" if {
	has_ranges(rule)
	versions.any_range_holds(rule.versions, package_url.version)
}

version_note(rule, package_url) := " (its version cannot be compared)" if {
	has_ranges(rule)
	not versions.comparable(object.get(package_url, "version", ""))
}

has_ranges(rule) if is_list_of_texts(rule.versions)

# Where it has no name, by its place in the data, counted from 1.
name(number, rule) := rule.id if {
	is_string(rule.id)
} else := sprintf("number %d", [number + 1])

reason(rule) := rule.reason if {
	is_string(rule.reason)
} else := "the rule does not say why"

way_out(rule) := sprintf("use %s", [rule.instead]) if {
	is_string(rule.instead)
} else := "remove it"
