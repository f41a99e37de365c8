# Object comprehensions: grouping, counting, turning round.
package object_comprehension

count_by_severity := {severity: count(ids) |
	some severity in {"LOW", "HIGH"}
	ids := [id | some id, finding in input.findings; finding.severity == severity]
}

by_package[name] := ids if {
	some name in {finding.package | some finding in input.findings}
	ids := {id | some id, finding in input.findings; finding.package == name}
}

severity_by_id := {id: finding.severity | some id, finding in input.findings}

too_many := {name: number |
	some name, ids in by_package
	number := count(ids)
	number > 1
}

acceptable if {
	input.findings
	too_many == {}
}
