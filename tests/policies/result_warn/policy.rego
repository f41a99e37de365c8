# Conftest's `warn` alone, and a rule whose name only begins so.
package advice

warn contains {"msg": sprintf("%s is deprecated, use %s", [name, better])} if {
	some name in input.calls
	better := data.advice.replacements[name]
}

warn contains "nothing is called" if input.calls == []

warned if count(warn) > 0
