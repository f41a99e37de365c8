# Numbers beyond 2^53, which no float holds. Answers of more than 64 bits are given as text.
package large_numbers

next := input.id + 1

same if input.id == 9007199254740993

product_text := format_int(input.id * input.id, 10)

text := json.marshal(input.id)

sorted := sort([9007199254740993, 9007199254740992, 9007199254740994])

distinct := count({9007199254740993, 9007199254740992, input.id})

larger if input.id > 18446744073709551615

difference := input.id - 9007199254740992
