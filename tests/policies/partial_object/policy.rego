# Partial rules that are objects, with variables and constants as keys.
package partial_object

limit["cpu"] := 2

limit["memory"] := 512

limit[name] := value if some name, value in input.limits

verdict[name] := "over" if {
	some name, most in limit
	input.usage[name] > most
}

verdict[name] := "under" if {
	some name, most in limit
	input.usage[name] <= most
}

over if "over" in verdict
