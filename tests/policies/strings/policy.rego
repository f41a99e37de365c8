# String work that needs nothing from outside.
package strings

words := split(lower(trim_space(input.text)), " ")

joined := concat("-", words)

facts := {
	"length": count(input.text),
	"index": indexof(input.text, "o"),
	"has": contains(input.text, "world"),
	"starts": startswith(input.text, "  He"),
	"ends": endswith(input.text, "  "),
	"replaced": replace(input.text, "l", "L"),
	"part": substring(trim_space(input.text), 1, 3),
	"rest": substring(trim_space(input.text), 6, -1),
	"upper": upper("été"),
	"trimmed": trim("xxhixx", "x"),
	"prefix": trim_prefix("v1.2.3", "v"),
	"suffix": trim_suffix("a.json", ".json"),
	"reversed": strings.reverse("añb"),
	"many": strings.replace_n({"<": "&lt;", ">": "&gt;"}, "<b>"),
	"base2": format_int(10, 2),
}

greeting if startswith(trim_space(input.text), "Hello")
