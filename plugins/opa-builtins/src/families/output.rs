//! What a policy says to the log, and template strings, which put their parts together the same way.

use crate::{Builtin, Context, Fault, Value, context::Level, operands};

pub const BUILTINS: &[(&str, Builtin)] = &[
    ("internal.print", internal_print),
    ("internal.template_string", template_string),
    ("print", print),
    ("trace", trace),
];

/// Lines of one `print`: OPA prints the product of all its arguments' values.
const MAX_LINES: usize = 1_000;

fn trace(context: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    context.log(Level::Info, operands::string(arguments, 0)?);
    Ok(true.into())
}

/// As a compiler that does not rewrite calls of `print` leaves them.
fn print(context: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let shown: Vec<String> = arguments.iter().map(shown).collect();
    context.log(Level::Info, &shown.join(" "));
    Ok(true.into())
}

/// Each argument is a set of the values that it may have, empty where it is undefined.
fn internal_print(context: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    for line in lines(operands::array(arguments, 0)?)? {
        context.log(Level::Info, &line.join(" "));
    }
    Ok(true.into())
}

fn template_string(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let mut lines = lines(operands::array(arguments, 0)?)?;
    match (lines.pop(), lines.pop()) {
        (Some(line), None) => Ok(line.concat().into()),
        _ => Err("template-strings must not produce multiple outputs".into()),
    }
}

/// One line for each way to pick a value of each part.
fn lines(parts: &[Value]) -> Result<Vec<Vec<String>>, Fault> {
    let mut lines = vec![Vec::new()];
    for part in parts {
        let choices = choices(part)?;
        if lines.len() * choices.len() > MAX_LINES {
            return Err(Fault::new(format!("there are more than {MAX_LINES} lines to print")));
        }
        lines = lines
            .iter()
            .flat_map(|line: &Vec<String>| {
                choices.iter().map(move |choice| [line.as_slice(), &[choice.clone()]].concat())
            })
            .collect();
    }
    Ok(lines)
}

fn choices(part: &Value) -> Result<Vec<String>, Fault> {
    match part {
        Value::Set(values) if values.is_empty() => Ok(vec!["<undefined>".to_owned()]),
        Value::Set(values) => Ok(values.iter().map(shown).collect()),
        Value::Array(_) | Value::Object(_) => Err(Fault::new(format!("illegal argument type: {}", part.kind()))),
        plain => Ok(vec![shown(plain)]),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
