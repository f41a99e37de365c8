# References: through variables, into arrays from the end, with keys that are no identifiers.
package references

label := input.labels["app.example/name"]

last := input.items[count(input.items) - 1]

chosen := input.by_name[input.name].value

matrix contains [row, column] if input.rows[row][column] == "x"

deep := data.references.tree["a-b"].c[0]["d e"]

labelled if label
