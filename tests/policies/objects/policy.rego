# Objects: read with defaults, joined, filtered, compared.
package objects

defaults := {"replicas": 1, "resources": {"cpu": 1, "memory": 512}}

settings := object.union(defaults, input.settings)

joined := object.union_n([defaults, input.settings, {"name": input.name}])

facts := {
	"memory": object.get(settings, ["resources", "memory"], 0),
	"disk": object.get(settings, ["resources", "disk"], "none"),
	"keys": object.keys(settings),
	"filtered": object.filter(settings, ["replicas"]),
	"removed": object.remove(settings, {"replicas"}),
	"subset": object.subset(settings, {"resources": {"cpu": 1}}),
}

missing contains key if {
	some key in ["name", "owner"]
	not input[key]
}

complete if {
	input.settings
	count(missing) == 0
}
