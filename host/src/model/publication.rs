//! What GitHub is told: check runs and annotations, rendered and within GitHub's limits.

use super::ids::CheckName;
use super::plan::Conclusion;
use serde::{Deserialize, Serialize};

/// The state of one check, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckPublication {
    pub check: CheckName,
    pub state: CheckState,
    pub title: String,
    /// Markdown, escaped, at most 65,535 bytes.
    pub summary: String,
    /// Markdown, escaped, at most 65,535 bytes; empty means none.
    pub text: String,
    /// Most severe first, at most 300.
    pub annotations: Vec<Annotation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    InProgress,
    Completed(Conclusion),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnnotationLevel {
    Notice,
    Warning,
    Failure,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    pub path: String,
    pub start_line: u32,
    pub end_line: u32,
    /// Only where start and end line are equal.
    pub columns: Option<(u32, u32)>,
    pub level: AnnotationLevel,
    pub title: String,
    pub message: String,
}
