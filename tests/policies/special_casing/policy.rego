# Letters whose capital is more than one letter, where engines are known to go their own ways.
package special_casing

capitals := upper(input.text)

small := lower(input.text)

all_capitals if input.text == upper(input.text)
