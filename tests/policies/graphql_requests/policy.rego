# Fields that a GraphQL request asks for.
package graphql_requests

# Undefined where the request does not hold to the schema.
fields := {name |
	[request, _] := graphql.parse(input.request, data.schema)
	some operation in request.Operations
	walk(operation.SelectionSet, [_, selection])
	name := selection.Name
} if {
	graphql.is_valid(input.request, data.schema)
}

denied := fields & {name | some name in data.secret}

arguments := [argument |
	some operation in graphql.parse_query(input.request).Operations
	some selection in operation.SelectionSet
	some argument in selection.Arguments
]
