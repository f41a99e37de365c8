# JSON inside the input, filtered, patched, marshalled.
package json_documents

config := json.unmarshal(input.config)

public := json.filter(config, ["name", "owner/team"])

reduced := json.remove(config, ["token", "owner/mail"])

patched := json.patch(config, [
	{"op": "replace", "path": "/name", "value": "masked"},
	{"op": "add", "path": "/tags/-", "value": "new"},
	{"op": "remove", "path": "/token"},
])

text := json.marshal(config)

valid if json.is_valid(input.config)

deny contains "a token in the configuration" if config.token
