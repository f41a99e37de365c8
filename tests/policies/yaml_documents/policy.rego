# YAML inside the input, as in workflow files.
package yaml_documents

workflow := yaml.unmarshal(input.text)

deny contains sprintf("job %s uses %s without a digest", [name, step.uses]) if {
	some name, job in workflow.jobs
	some step in job.steps
	step.uses
	not regex.match(`@[0-9a-f]{40}$`, step.uses)
}

text := yaml.marshal({"name": workflow.name, "count": count(workflow.jobs)})

valid if yaml.is_valid(input.text)
