//! Templates: Go's `text/template` over Rego values. As in OPA there are no functions beside Go's own, numbers are
//! strings of digits (Go's `json.Number`), and what is missing prints as `<undefined>`.

mod datum;
mod execute;
mod functions;
mod parse;
mod words;

use datum::Datum;

use crate::{Builtin, Context, Fault, Value, operands};

pub const BUILTINS: &[(&str, Builtin)] = &[("strings.render_template", render_template)];

fn render_template(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let text = operands::string(arguments, 0)?;
    operands::object(arguments, 1)?;
    let data = Datum::of(operands::any(arguments, 1)?)?;
    let rendered = execute::execute(&parse::parse(text)?, data)?;
    Ok(rendered.replace("<no value>", "<undefined>").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    fn rendered(template: &str, data: &str) -> Option<String> {
        let arguments = [template.into(), text::parse(data).expect(data)];
        match render_template(&Context::at(0), &arguments) {
            Ok(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    #[test]
    fn a_template_that_calls_itself_or_never_ends_is_undefined() {
        assert_eq!(rendered(r#"{{define "t"}}{{template "t"}}{{end}}{{template "t"}}"#, "{}"), None);
        assert_eq!(rendered("{{range 100000}}{{range 100000}}x{{end}}{{end}}", "{}"), None);
        assert_eq!(rendered(&format!("{{{{{}", "(".repeat(100_000)), "{}"), None);
        assert_eq!(rendered(&"{{if .a}}".repeat(100_000), "{}"), None);
    }

    #[test]
    fn what_go_does_not_parse_is_undefined() {
        for template in
            ["{{", "{{.a", "{{end}}", "{{if}}x{{end}}", "{{nope .a}}", "{{$x}}", "{{else}}", "{{break}}", "{{.a | 1}}"]
        {
            assert_eq!(rendered(template, r#"{"a": 1}"#), None, "{template}");
        }
    }
}
