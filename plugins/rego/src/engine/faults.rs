//! What the interpreter complains about, as one line with its place.

use std::fmt;

/// A fault of a policy: where it stands and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The module's name, or what was asked.
    pub file: String,
    /// Line and column, from 1; none for a fault without a place.
    pub place: Option<(u32, u32)>,
    pub message: String,
}

impl Fault {
    pub fn new(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), place: None, message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// The interpreter writes `--> file:line:column`, the line of source, and then `error: …`.
pub fn of(error: &anyhow::Error, asked: &str) -> Fault {
    let text = format!("{error:#}");
    let place = text.lines().find_map(|line| line.strip_prefix("--> ")).and_then(place);
    let message = text.rsplit_once("\nerror: ").map_or(text.as_str(), |(_, message)| message);
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match place {
        Some((file, line, column)) => Fault { file: file.to_owned(), place: Some((line, column)), message },
        None => Fault::new(asked, message),
    }
}

/// From the right, because a file's name may hold colons itself.
fn place(text: &str) -> Option<(&str, u32, u32)> {
    let (rest, column) = text.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    Some((file, line.parse().ok()?, column.parse().ok()?))
}
