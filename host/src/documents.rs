//! The evidence as JSON, in the shapes that policies are shown; `wit/documents` has a schema and an example of each. Pure:
//! equal evidence gives equal bytes. Never decides who reads them or how long they are kept.

mod capped;
mod compliance;
mod evidence;
mod packages;
mod vulnerabilities;

#[cfg(test)]
mod tests;

use crate::model::Evidence;
use crate::model::evidence::AssessedFinding;
use crate::model::report::Finding;
use bytes::Bytes;
use capped::Capped;

/// A way to write the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One document with everything, in the contract's words.
    Evidence,
    /// One document per report: `vulnerability/<report>` and `sbom/<report>`, as Polly's policies expect them.
    Compliance,
}

/// One document of a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonDocument {
    pub name: String,
    pub json: Bytes,
}

/// The documents of a shape are larger than they may be together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

impl Shape {
    /// By the word that plugins use.
    pub fn from_word(word: &str) -> Option<Shape> {
        match word {
            "evidence" => Some(Shape::Evidence),
            "compliance" => Some(Shape::Compliance),
            _ => None,
        }
    }

    /// Writes all documents of this shape, at most so many bytes together.
    ///
    /// # Errors
    /// Where they would be larger; nothing is left out to make them fit.
    pub fn write(self, evidence: &Evidence, most_bytes: usize) -> Result<Vec<JsonDocument>, TooLarge> {
        let mut room = Capped::new(most_bytes);
        match self {
            Shape::Evidence => Ok(vec![room.write("evidence".to_owned(), &evidence::document(evidence))?]),
            Shape::Compliance => compliance::documents(evidence, &mut room),
        }
    }
}

/// `correlate` writes no reference to nothing.
fn finding_at<'a>(evidence: &'a Evidence, assessed: &AssessedFinding) -> &'a Finding {
    &evidence.reports[assessed.at.report as usize].report.findings[assessed.at.index as usize]
}
