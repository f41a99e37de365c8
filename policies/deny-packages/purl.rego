# Package URLs, taken apart and compared: `pkg:type/namespace/name@version?qualifier=value#subpath`.
package purl

# Undefined for what is no package URL.
parse(text) := object.union(parts, version_of(tail)) if {
	startswith(text, "pkg:")
	path := trim(split(split(trim_prefix(text, "pkg:"), "#")[0], "?")[0], "/")
	segments := split(path, "/")
	count(segments) > 1
	kind := lower(segments[0])
	tail := segments[count(segments) - 1]
	parts := {
		"type": kind,
		"namespace": canonical(kind, concat("/", [decoded(part) | some part in array.slice(segments, 1, count(segments) - 1)])),
		"name": canonical(kind, decoded(split(tail, "@")[0])),
		"qualifiers": qualifiers(text),
	}
	parts.name != ""
}

# Whether a package URL fits a pattern: the type is equal, namespace and name may hold `*`, a version in the pattern is
# equal, and each of the pattern's qualifiers is there.
matches(pattern, package_url) if {
	pattern.type == package_url.type
	glob.match(pattern.namespace, ["/"], package_url.namespace)
	glob.match(pattern.name, ["/"], package_url.name)
	not other_version(pattern, package_url)
	object.subset(package_url.qualifiers, pattern.qualifiers)
}

other_version(pattern, package_url) if {
	pattern.version
	pattern.version != object.get(package_url, "version", "")
}

version_of(tail) := {"version": decoded(version)} if {
	version := split(tail, "@")[1]
	version != ""
} else := {}

qualifiers(text) := {key: decoded(value) |
	some pair in split(split(split(text, "#")[0], "?")[1], "&")
	[key, value] := split(pair, "=")
}

# Registries that take two spellings for one package.
canonical("pypi", text) := replace(replace(lower(text), "_", "-"), ".", "-")

canonical(kind, text) := lower(text) if kind in {"bitbucket", "composer", "deb", "github", "gitlab", "golang", "npm"}

canonical(kind, text) := text if {
	not kind in {"bitbucket", "composer", "deb", "github", "gitlab", "golang", "npm", "pypi"}
}

# A plus stands for itself in a package URL.
decoded(text) := urlquery.decode(replace(text, "+", "%2B"))
