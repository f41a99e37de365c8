# How JSON is written as text, where engines are known to go their own ways: signs that HTML knows, and zeros at the end.
package text_of_json

signs := json.marshal({"sign": input.sign})

zeros := json.marshal(json.unmarshal(input.number))

short if count(signs) < 13
