//! Builtins about letters, which compiled policies carry inside and the interpreter answers otherwise than OPA: a text's
//! length is in letters, and each letter is raised and lowered for one letter, as Go does.

use regorus::{Engine, Value};

type Builtin = fn(&Value) -> Value;

pub fn register(engine: &mut Engine) {
    let builtins: [(&str, Builtin); 3] =
        [("count", count), ("lower", |value| each_letter(value, lower)), ("upper", |value| each_letter(value, upper))];
    for (name, builtin) in builtins {
        let call = move |arguments: Vec<Value>| Ok(arguments.first().map_or(Value::Undefined, builtin));
        engine.add_extension(name.to_owned(), 1, Box::new(call)).expect("each stands here once");
    }
}

fn count(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(text.chars().count()),
        Value::Array(items) => Value::from(items.len()),
        Value::Set(items) => Value::from(items.len()),
        Value::Object(members) => Value::from(members.len()),
        _ => Value::Undefined,
    }
}

fn each_letter(value: &Value, map: fn(char) -> char) -> Value {
    match value {
        Value::String(text) => Value::from(text.chars().map(map).collect::<String>()),
        _ => Value::Undefined,
    }
}

fn lower(letter: char) -> char {
    match letter {
        // The only one that becomes two in Unicode's full mapping.
        'İ' => 'i',
        _ => letter.to_lowercase().next().unwrap_or(letter),
    }
}

fn upper(letter: char) -> char {
    let mut raised = letter.to_uppercase();
    match (raised.next(), raised.next()) {
        (Some(one), None) => one,
        _ => with_iota_below(letter).unwrap_or(letter),
    }
}

/// Greek letters with a small iota below have a raised one of their own beside the two letters of the full mapping.
fn with_iota_below(letter: char) -> Option<char> {
    let distance = match letter {
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => 8,
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => 9,
        _ => return None,
    };
    char::from_u32(u32::from(letter) + distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_raised_and_lowered_one_for_one() {
        let raised: String = "aßéǰﬁᾳᾀⱥ\u{1ff3}".chars().map(upper).collect();
        assert_eq!(raised, "AßÉǰﬁᾼᾈȺ\u{1ffc}");
        let lowered: String = "AİẞΣᾼ".chars().map(lower).collect();
        assert_eq!(lowered, "aißσᾳ");
    }
}
