# Rules whose heads are paths: a tree of rules, asked at a leaf or as a whole.
package nested_rules

report.name := input.name

report.limits.cpu := input.cpu

report.limits.memory := 512 if not input.memory

report.limits.memory := input.memory

report.flags contains "large" if input.cpu > 4

report.flags contains "named" if input.name

report.tags[name].length := count(name) if some name in input.tags

large if report.limits.cpu > 4
