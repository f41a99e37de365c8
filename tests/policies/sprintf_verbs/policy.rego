# sprintf, whose verbs are Go's.
package sprintf_verbs

texts := [
	sprintf("%s and %v", [input.name, input.name]),
	sprintf("%d|%5d|%-5d|%05d", [input.count, input.count, input.count, input.count]),
	sprintf("%v %v %v", [input.list, input.object, {input.name, "z"}]),
	sprintf("%.2f|%8.3f|%e|%g", [input.ratio, input.ratio, input.ratio, input.ratio]),
	sprintf("%q %x %X %o %b %c %U", [input.name, input.count, 255, 8, 5, 65, 65]),
	sprintf("%t %v %v", [true, null, false]),
	sprintf("100%%, %[2]d then %[1]d", [1, 2]),
	sprintf("%s", [3]),
	sprintf("%d", ["x"]),
	sprintf("%d %d", [1]),
	sprintf("%d", [1, "more"]),
	sprintf("%d", [3.5]),
]

message := sprintf("%s uses %d of %d (%.0f%%)", [input.name, input.count, input.most, (100 * input.count) / input.most])

warn contains message if input.count < input.most
