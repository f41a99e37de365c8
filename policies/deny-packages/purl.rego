# Package URLs, taken apart and compared: `pkg:type/namespace/name@version?qualifier=value#subpath`.
package purl

# Undefined for what is no package URL. Decoded before it is split, for `%2F` is a slash to whoever installs the package;
# and without the segments that such a tool would pass over.
parse(text) := object.union(parts, {"version": version | version != ""}) if {
	is_string(text)
	startswith(lower(text), "pkg:")
	[path, version] := at_version(trim(split(split(substring(text, 4, -1), "#")[0], "?")[0], "/"))
	segments := [segment | some segment in split(decoded(path), "/"); not segment in {"", ".", ".."}]
	count(segments) > 1
	kind := lower(segments[0])
	last := count(segments) - 1
	parts := {
		"type": kind,
		"namespace": canonical(kind, concat("/", array.slice(segments, 1, last))),
		"name": canonical(kind, segments[last]),
		"qualifiers": qualifiers(text),
	}
}

# Whether a package URL fits a pattern: the type is equal, namespace and name may hold `*`, a version in the pattern is
# equal, and each of the pattern's qualifiers is there.
matches(pattern, package_url) if {
	pattern.type == package_url.type
	glob.match(pattern.namespace, ["/"], package_url.namespace)
	glob.match(pattern.name, ["/"], package_url.name)
	not other_version(pattern, package_url)
	count(pattern.qualifiers - package_url.qualifiers) == 0
}

# A glob that cannot be read matches nothing, neither true nor false.
has_readable_globs(pattern) if {
	is_boolean(glob.match(pattern.namespace, ["/"], ""))
	is_boolean(glob.match(pattern.name, ["/"], ""))
}

other_version(pattern, package_url) if {
	pattern.version
	pattern.version != object.get(package_url, "version", "")
}

# The path, and the version after the last `@`; not after that of a scope, as in `npm/@scope/name`.
at_version(path) := [before, version] if {
	pieces := split(path, "@")
	last := count(pieces) - 1
	last > 0
	before := concat("@", array.slice(pieces, 0, last))
	version := decoded_or_raw(pieces[last])
	not is_scope(before, version)
} else := [path, ""]

is_scope(before, after) if {
	endswith(before, "/")
	contains(after, "/")
}

# Pairs, for one key may be there twice.
qualifiers(text) := {[lower(parts[0]), decoded_or_raw(value)] |
	some pair in split(split(split(text, "#")[0], "?")[1], "&")
	parts := split(pair, "=")
	count(parts) > 1
	value := concat("=", array.slice(parts, 1, count(parts)))
}

# Registries that take two spellings for one package. To PyPI any run of `-`, `_` and `.` is one separator.
canonical("pypi", text) := regex.replace(lower(text), `[-_.]+`, "-")

canonical(kind, text) := lower(text) if kind in {"bitbucket", "composer", "deb", "github", "gitlab", "golang", "npm"}

canonical(kind, text) := text if {
	not kind in {"bitbucket", "composer", "deb", "github", "gitlab", "golang", "npm", "pypi"}
}

# A plus stands for itself in a package URL.
decoded(text) := urlquery.decode(replace(text, "+", "%2B"))

decoded_or_raw(text) := value if {
	value := decoded(text)
} else := text
