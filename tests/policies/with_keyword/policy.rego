# `with` inside rules: the same question asked about another input and other data.
package with_keyword

allowed if {
	input.role in data.with_keyword.roles
	not input.suspended
}

# What would hold if nobody were suspended.
allowed_if_active if allowed with input.suspended as false

# What would hold under stricter data.
allowed_for_admins_only if allowed with data.with_keyword.roles as ["admin"]

comparison := {
	"now": is_allowed(input),
	"active": is_allowed(object.union(input, {"suspended": false})),
} if {
	input.role
}

is_allowed(document) if {
	allowed with input as document
} else := false
