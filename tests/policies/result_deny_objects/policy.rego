# Conftest's `deny` with objects: `msg` and whatever else a reader should see.
package main

deny contains {
	"msg": sprintf("%s is not pinned", [image.name]),
	"details": {"image": image.name, "line": image.line},
	"severity": "HIGH",
} if {
	some image in input.images
	not contains(image.name, "@sha256:")
}

deny contains "no images" if count(input.images) == 0

first := input.images[0].name
