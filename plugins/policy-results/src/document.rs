//! Reads an answer into its type, and says where one does not fit. Here also Palisade's own verdict document, which needs
//! nothing but that.

use crate::problem::Problem;
use crate::settings::Reading;
use crate::verdict::{Effect, Outcome, VerdictDocument};
use serde::Deserialize;
use serde_path_to_error::{Path, Segment};

/// How much of a wrong answer is shown: enough to know it again.
const SHOWN: usize = 40;

/// An answer, and what it answers.
pub struct Source<'a> {
    pub reading: &'a Reading,
    pub document: &'a str,
    pub json: &'a str,
}

impl<'a> Source<'a> {
    /// The answer as a type. `form` is the type's name for people.
    pub fn parse<T: Deserialize<'a>>(&self, form: &'static str) -> Result<T, Problem> {
        let mut deserializer = serde_json::Deserializer::from_str(self.json);
        let parsed = serde_path_to_error::deserialize(&mut deserializer);
        let parsed = parsed.map_err(|error| {
            let said = error.inner().to_string();
            // The place is given as a pointer; line and column of a text that nobody wrote would only confuse.
            let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
            let said = said
                .replace("expected u64", "expected a whole number")
                .replace("expected u32", "expected a whole number");
            self.wrong(form, pointer(error.path()), said)
        })?;
        deserializer.end().map_err(|_| self.wrong(form, String::new(), "text follows behind the JSON value"))?;
        Ok(parsed)
    }

    /// The same for a type that is an object: serde would also take `["pass"]` for one, member by member.
    pub fn parse_object<T: Deserialize<'a>>(&self, form: &'static str) -> Result<T, Problem> {
        match self.json.trim_start().starts_with('{') {
            true => self.parse(form),
            false => {
                let shown: String = self.json.trim().chars().take(SHOWN).collect();
                Err(self.wrong(form, "", format!("expected an object, and the answer is `{shown}`")))
            }
        }
    }

    /// The answer has another shape.
    pub fn wrong(&self, form: &'static str, pointer: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem::Shape {
            entrypoint: self.reading.entrypoint.clone(),
            document: self.document.to_owned(),
            form,
            pointer: pointer.into(),
            message: message.into(),
        }
    }
}

/// RFC 6901.
fn pointer(path: &Path) -> String {
    let segments = path.iter().map(|segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", escaped(key)),
        Segment::Enum { variant } => format!("/{}", escaped(variant)),
        Segment::Unknown => String::new(),
    });
    segments.collect()
}

/// A member's name as part of a pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

const VERDICT: &str = "verdict document";

/// Palisade's own form.
pub fn verdict(source: &Source) -> Result<VerdictDocument, Problem> {
    let verdict: VerdictDocument = source.parse_object(VERDICT)?;
    for (index, violation) in verdict.violations.iter().enumerate() {
        if !fits(verdict.outcome, violation.effect) {
            let effect = word(violation.effect);
            let message = format!("the effect is `{effect}`, and the outcome is `{}`", word(verdict.outcome));
            return Err(source.wrong(VERDICT, format!("/violations/{index}/effect"), message));
        }
    }
    Ok(verdict)
}

fn fits(outcome: Outcome, effect: Effect) -> bool {
    match effect {
        Effect::Info => true,
        Effect::Warn => matches!(outcome, Outcome::Warn | Outcome::Fail),
        Effect::Deny => outcome == Outcome::Fail,
    }
}

/// The word that the document has for it.
fn word(value: impl serde::Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}
