//! What a document breaks, and where.

use crate::Value;

/// A value, and where it stands.
#[derive(Clone, Copy)]
pub struct Item<'v> {
    pub value: &'v Value,
    pub field: &'v str,
    pub depth: usize,
}

pub const ROOT: &str = "(Root)";

pub struct Error {
    pub kind: &'static str,
    pub field: String,
    pub description: String,
}

/// What was found wrong, and how well the document fits nevertheless.
#[derive(Default)]
pub struct Findings {
    pub errors: Vec<Error>,
    pub score: i64,
}

impl Findings {
    pub fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    pub fn fits_better_than(&self, other: Option<&Self>) -> bool {
        other.is_none_or(|other| self.score > other.score)
    }

    pub fn take_over(&mut self, other: Self) {
        self.errors.extend(other.errors);
        self.score += other.score;
    }

    pub fn add(&mut self, field: &str, kind: &'static str, description: impl Into<String>) {
        self.errors.push(Error { kind, field: field.to_owned(), description: description.into() });
        self.score -= 2;
    }
}
