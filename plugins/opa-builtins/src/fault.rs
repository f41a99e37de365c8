//! Why a builtin gave nothing. For OPA this is *undefined*; the sentence goes to the log, for the policy's author.

/// A builtin that failed. Never ends the evaluation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(String);

impl Fault {
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// The operand at `position` (from 1) is not of the type that the builtin takes.
    pub fn operand(position: usize, expected: &str, found: &str) -> Self {
        Self(format!("operand {position} must be {expected} but got {found}"))
    }
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Self(message)
    }
}

impl From<&str> for Fault {
    fn from(message: &str) -> Self {
        Self(message.to_owned())
    }
}
