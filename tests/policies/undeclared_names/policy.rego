# Names that no `some` declares, and that only a call in the head or in front of the bar makes use of.
package undeclared_names

depth := max([count(path) | walk(input.tree, [path, _])])

size[lower(name)] := count(list) if list := input.lists[name]

named if size.all > 0
