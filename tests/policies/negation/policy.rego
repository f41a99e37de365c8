# `not`: of rules, of calls, of undefined values, of expressions with variables.
package negation

deny contains "nobody approved" if not approved

deny contains "a draft" if input.draft

deny contains sprintf("%s did not sign", [name]) if {
	some name in input.required
	not name in input.signers
}

approved if input.approvals > 0

unprotected if not input.protected

protected_by_nobody if {
	input.protected
	not any_admin
}

any_admin if {
	some person in input.people
	person.role == "admin"
}
