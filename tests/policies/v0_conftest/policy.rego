# Version 0 of Rego, as many policies are still written: no `if`, no `contains`.
package main

deny[message] {
	container := input.spec.containers[_]
	not container.limits
	message := sprintf("container %s has no limits", [container.name])
}

deny[message] {
	input.kind == "Deployment"
	input.replicas < 2
	message = "fewer than two replicas"
}

warn[message] {
	not input.labels.owner
	message := "nobody owns it"
}

violation[{"msg": message, "container": container.name}] {
	container := input.spec.containers[_]
	container.privileged
	message := sprintf("container %s is privileged", [container.name])
}

is_deployment {
	input.kind == "Deployment"
}
