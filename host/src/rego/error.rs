//! Why an OPA module cannot become a plugin: a closed set, each a sentence that names the way out where there is one.

use super::Abi;
use super::interpreter::Failure;
use crate::model::{Broken, BrokenKind};

/// Nothing here is the world's failure: every case is the file's, its compiler's or its author's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegoError {
    #[error("this is an OPA module from before OPA 0.27, which has neither ABI globals nor `entrypoints`")]
    TooOld,
    #[error("this is an OPA module of ABI {0}; this host reads 1.0 to 1.3")]
    UnknownAbi(Abi),
    /// Not WebAssembly, or with features that OPA's compiler does not use.
    #[error("this is not a readable OPA module: {0}")]
    Unreadable(String),
    /// Valid, but not of the shape that its ABI promises.
    #[error("this module does not keep OPA's ABI: {0}")]
    Shape(String),
    /// What was asked of it in the interpreter, and how that ended.
    #[error("{asked}: {failure}")]
    Failed { asked: &'static str, failure: Failure },
    /// The module answered, and the answer is no good.
    #[error("{asked}: {problem}")]
    Answer { asked: &'static str, problem: String },
    #[error("the data is not a JSON object: {0}")]
    Data(String),
    #[error("{0}")]
    Builtins(MissingBuiltins),
    /// A library refused what we built of it.
    #[error("wrapping the module failed: {0}")]
    Wrapping(String),
}

/// All builtins that the policy needs and does not get, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MissingBuiltins {
    /// This host does not know them.
    pub unknown: Vec<String>,
    /// They reach outside of the sandbox, and no policy gets them.
    pub refused: Vec<String>,
}

impl std::fmt::Display for MissingBuiltins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        f.write_str("the policy needs builtins that it does not get here; ")?;
        match (self.unknown.is_empty(), self.refused.is_empty()) {
            (false, true) => write!(f, "unknown: {}", list(&self.unknown)),
            (true, _) => write!(f, "refused: {}", list(&self.refused)),
            (false, false) => write!(f, "unknown: {}; refused: {}", list(&self.unknown), list(&self.refused)),
        }
    }
}

impl RegoError {
    /// The same as an answer about the plugin of this name.
    pub fn broken(&self, policy: &str) -> Broken {
        let broken = Broken::new(self.kind(), format!("`{policy}`: {self}"));
        match self.hint() {
            Some(hint) => broken.hint(hint),
            None => broken,
        }
    }

    fn kind(&self) -> BrokenKind {
        match self {
            RegoError::Builtins(missing) if missing.unknown.is_empty() => BrokenKind::Denied,
            RegoError::Builtins(_) => BrokenKind::Unsupported,
            RegoError::Failed { failure, .. } => failure.kind(),
            RegoError::Data(_) => BrokenKind::Malformed,
            RegoError::TooOld | RegoError::UnknownAbi(_) | RegoError::Unreadable(_) => BrokenKind::Abi,
            RegoError::Shape(_) | RegoError::Answer { .. } | RegoError::Wrapping(_) => BrokenKind::Abi,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            RegoError::TooOld | RegoError::UnknownAbi(_) => {
                Some("compile it again with `opa build -t wasm` of OPA 1.x")
            }
            RegoError::Unreadable(_) | RegoError::Shape(_) | RegoError::Answer { .. } => {
                Some("compile the policy with `opa build -t wasm`")
            }
            RegoError::Builtins(_) => Some(
                "`palisade policy capabilities` prints what there is; `opa build --capabilities` then fails where the policy stands",
            ),
            _ => None,
        }
    }
}
