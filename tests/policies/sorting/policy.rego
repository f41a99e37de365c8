# The order of values: null, booleans, numbers, strings, arrays, objects, sets.
package sorting

sorted := sort(input.values)

as_set := {value | some value in input.values} if input.values

smallest := min(input.values)

in_order if input.values == sorted

less := [["a" < "b", "B" < "a", [1] < [1, 0], {"a": 1} < {"a": 2}, null < false, 9 < "1"]]
