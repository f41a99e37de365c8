# Texts beyond ASCII: counted and cut by characters, not by bytes.
package unicode_text

facts := {
	"length": count(input.text),
	"first": substring(input.text, 0, 1),
	"index": indexof(input.text, input.part),
	"indices": indexof_n(input.text, input.part),
	"upper": upper(input.text),
	"sorted": sort(split(input.text, "")),
	"repeated": strings.count(input.text, input.part),
	"printed": sprintf("%5s|%-5s|%q", [input.part, input.part, input.text]),
}

short if count(input.text) < 5
