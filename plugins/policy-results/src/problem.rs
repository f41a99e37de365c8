//! Why there is no verdict, for people: what, where, and the way out.

use crate::settings::Reading;
use std::fmt;

/// No verdict. Never a judgement of the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A setting is missing or wrong.
    Setting {
        /// `entrypoint`, `result` or `input`.
        key: &'static str,
        message: String,
    },
    /// The entrypoint has no value for this input.
    Undefined { entrypoint: String, document: String },
    /// The policy could not be asked about this input.
    Failed { entrypoint: String, document: String, why: String },
    /// The answer has another shape than its form.
    Shape {
        entrypoint: String,
        document: String,
        /// What the answer was read as.
        form: &'static str,
        /// JSON pointer into the answer; empty for the whole.
        pointer: String,
        /// What stands there and what was expected.
        message: String,
    },
}

impl Problem {
    pub(crate) fn undefined(reading: &Reading, document: &str) -> Problem {
        Problem::Undefined { entrypoint: reading.entrypoint.clone(), document: document.to_owned() }
    }

    pub(crate) fn failed(reading: &Reading, document: &str, why: &str) -> Problem {
        let (entrypoint, document) = (reading.entrypoint.clone(), document.to_owned());
        Problem::Failed { entrypoint, document, why: why.to_owned() }
    }

    pub(crate) fn no_such_entrypoint(wanted: &str, known: &[String]) -> Problem {
        let message = format!("the policy has no entrypoint `{wanted}`; it has {}", listed(known));
        Problem::Setting { key: "entrypoint", message }
    }

    pub(crate) fn which_entrypoint(known: &[String]) -> Problem {
        let message = match known {
            [] => "name the rule or package to ask, such as `compliance/license_report`".to_owned(),
            _ => format!("name one of the policy's entrypoints: {}", listed(known)),
        };
        Problem::Setting { key: "entrypoint", message }
    }

    pub(crate) fn unknown_form(entrypoint: &str) -> Problem {
        let message = format!(
            "nothing tells how the answer of `{entrypoint}` is to be read; set `result` to `compliance`, `conftest` or \
             `verdict`"
        );
        Problem::Setting { key: "result", message }
    }

    pub(crate) fn compliance_of_what() -> Problem {
        let message = "a compliance report is about one kind of report; set `input` to `vulnerability` or `sbom`";
        Problem::Setting { key: "input", message: message.to_owned() }
    }
}

/// `a`, `b`; the first twenty, which is more than anybody reads.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 20;
    if names.is_empty() {
        return "none".to_owned();
    }
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(SHOWN);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Setting { key, message } => write!(formatter, "`{key}`: {message}"),
            Problem::Undefined { entrypoint, document } => write!(
                formatter,
                "`{entrypoint}` is undefined for the document `{document}`: the policy expects another input, or its \
                 data is missing"
            ),
            Problem::Failed { entrypoint, document, why } => {
                write!(formatter, "`{entrypoint}` could not be asked about the document `{document}`: {why}")
            }
            Problem::Shape { entrypoint, document, form, pointer, message } => {
                write!(formatter, "`{entrypoint}` answered for the document `{document}` what is no {form}: ")?;
                match pointer.is_empty() {
                    true => write!(formatter, "{message}"),
                    false => write!(formatter, "at `{pointer}`: {message}"),
                }
            }
        }
    }
}

impl std::error::Error for Problem {}
