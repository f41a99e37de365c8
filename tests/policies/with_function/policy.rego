# `with` replaces a function of the policy and a builtin.
package with_function

price(item) := data.with_function.prices[item]

total := sum([price(item) | some item in input.items]) if input.items

flat_price(_) := 1

flat_total := result if result := total with price as flat_price

quiet(text) := "ssh" if text

shout := upper(input.word)

hushed := result if result := shout with upper as quiet
