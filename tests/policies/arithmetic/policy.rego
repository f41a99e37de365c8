# Arithmetic, rounding, aggregates.
package arithmetic

facts := {
	"sum": sum(input.numbers),
	"product": product(input.numbers),
	"max": max(input.numbers),
	"min": min(input.numbers),
	"sorted": sort(input.numbers),
	"mean": sum(input.numbers) / count(input.numbers),
	"rounded": [round(number) | some number in input.numbers],
	"ceiled": [ceil(number) | some number in input.numbers],
	"floored": [floor(number) | some number in input.numbers],
	"absolute": [abs(number) | some number in input.numbers],
	"range": numbers.range(3, 0),
	"remainder": 17 % 5,
	"bits": [bits.and(12, 10), bits.or(12, 10), bits.xor(12, 10), bits.lsh(1, 4), bits.rsh(16, 2)],
	"third": round((1 / 3) * 1000) / 1000,
}

share := input.part / input.whole

few if count(input.numbers) < 3
