# Palisade's own verdict document: outcome, violations with their evidence, what was looked at.
package result_verdict

verdict := {
	"outcome": outcome,
	"title": sprintf("%d of %d findings block", [count(blocking), count(input.findings)]),
	"violations": array.concat(blocking, advice),
	"judged": {"vulnerabilities": count(input.findings)},
} if {
	count(input.reports) > 0
}

verdict := {"outcome": "not_applicable", "title": "there is no report to judge"} if input.reports == []

default outcome := "pass"

outcome := "fail" if {
	count(blocking) > 0
} else := "warn" if {
	count(advice) > 0
}

blocking := [violation(entry, "deny") |
	some entry in input.findings
	entry.finding.severity in {"high", "critical"}
]

advice := [violation(entry, "warn") |
	some entry in input.findings
	not entry.finding.severity
]

violation(entry, effect) := {
	"rule": sprintf("severity/%s", [object.get(entry.finding, "severity", "unknown")]),
	"effect": effect,
	"message": entry.finding.title,
	"subject": entry.finding.package.name,
	"evidence": [{"finding": entry.at}],
}
