# Encodings and digests.
package encodings

facts := {
	"base64": base64.encode(input.text),
	"base64_back": base64.decode(base64.encode(input.text)),
	"base64url": base64url.encode("a?b>c~"),
	"base64url_no_pad": base64url.encode_no_pad("ab"),
	"hex": hex.encode(input.text),
	"hex_back": hex.decode(hex.encode(input.text)),
	"query": urlquery.encode("a b&c=d/é"),
	"query_object": urlquery.decode_object("a=1&b=2&a=3"),
	"sha256": crypto.sha256(input.text),
	"sha1": crypto.sha1(input.text),
	"md5": crypto.md5(input.text),
	"hmac": crypto.hmac.sha256(input.text, "a key for tests"),
}

trusted if crypto.sha256(input.text) in data.encodings.digests

decoded := base64.decode(input.encoded)
