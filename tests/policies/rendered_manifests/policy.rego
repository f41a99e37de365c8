# A list of Kubernetes objects, judged as admission policies do.
package rendered_manifests

import data.rendered_manifests.settings

deny contains {"msg": message, "resource": resource_name(object)} if {
	some object in input.objects
	some container in containers(object)
	some name, test in problems(container)
	test
	message := sprintf("%s: container %q %s", [resource_name(object), container.name, name])
}

problems(container) := {
	"runs as root": object.get(container, ["securityContext", "runAsNonRoot"], false) == false,
	"has no limits": object.get(container, ["resources", "limits"], {}) == {},
	"comes from an unknown registry": not_trusted(container.image),
}

not_trusted(image) := count([registry | some registry in settings.registries; startswith(image, registry)]) == 0

containers(object) := array.concat(
	object_get(object, ["spec", "template", "spec", "containers"]),
	object_get(object, ["spec", "template", "spec", "initContainers"]),
)

object_get(value, path) := object.get(value, path, [])

resource_name(object) := sprintf("%s/%s", [object.kind, object.metadata.name])

kinds := {object.kind | some object in input.objects} if input.objects
