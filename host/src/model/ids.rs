//! Identifiers that cannot be wrong once they exist: parsed at the door, compared and printed behind it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Unix seconds, UTC.
pub type Unix = u64;

/// Why a text is not the identifier that it was taken for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text:?} is not {expected}")]
pub struct InvalidId {
    text: String,
    expected: &'static str,
}

fn invalid(text: &str, expected: &'static str) -> InvalidId {
    InvalidId { text: text.chars().take(80).collect(), expected }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.to_owned())) } else { Err(invalid(text, $expected)) }
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}

text_id!(
    /// A commit, 40 (SHA-1) or 64 (SHA-256) lower-case hex digits.
    HeadSha, "a commit sha of 40 or 64 lower-case hex digits",
    |text| matches!(text.len(), 40 | 64) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
);
text_id!(
    /// A plugin's name in the configuration: a lower-case letter or digit, then letters, digits, `-`, `_`; at most 64.
    PluginName, "a plugin name (lower-case letters, digits, `-`, `_`; at most 64)",
    |text| (1..=64).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
        && !text.starts_with(['-', '_'])
);
text_id!(
    /// A check run's name as GitHub shows it: 1 to 100 characters, no control characters.
    CheckName, "a check name (1 to 100 characters, none of them a control character)",
    |text| (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control) && text.trim() == text
);
text_id!(
    /// `X-GitHub-Delivery`: the identity of an event, not of an attempt. 1 to 128 visible ASCII characters.
    DeliveryId, "a delivery id (1 to 128 visible ASCII characters)",
    |text| (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
);

/// `owner/name`, both lower-cased: GitHub compares them without case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepositoryName {
    owner: String,
    name: String,
}

impl RepositoryName {
    pub fn new(owner: &str, name: &str) -> Result<Self, InvalidId> {
        let valid = |part: &str| {
            (1..=100).contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
                && part != "."
                && part != ".."
        };
        if valid(owner) && valid(name) {
            Ok(Self { owner: owner.to_ascii_lowercase(), name: name.to_ascii_lowercase() })
        } else {
            Err(invalid(&format!("{owner}/{name}"), "a repository (`owner/name`)"))
        }
    }
    pub fn owner(&self) -> &str {
        &self.owner
    }
    pub fn name(&self) -> &str {
        &self.name
    }
}
impl TryFrom<String> for RepositoryName {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        match text.split_once('/') {
            Some((owner, name)) => Self::new(owner, name),
            None => Err(invalid(&text, "a repository (`owner/name`)")),
        }
    }
}
impl From<RepositoryName> for String {
    fn from(repository: RepositoryName) -> String {
        repository.to_string()
    }
}
impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}
impl fmt::Debug for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Debug)]
        #[serde(transparent)]
        pub struct $name(pub u64);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}
number_id!(
    /// A GitHub App installation.
    InstallationId
);
number_id!(
    /// A workflow run.
    RunId
);

/// What a job is about and what order is kept over: one commit of one repository, seen by one installation.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Debug)]
pub struct CommitKey {
    pub installation: InstallationId,
    pub repository: RepositoryName,
    pub sha: HeadSha,
}

/// A job's identity: a UUID, so that two hosts never give the same one.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Debug)]
#[serde(transparent)]
pub struct JobId(pub String);
impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A SHA-256, shown as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
    /// The first twelve digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}
impl TryFrom<String> for Digest {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        let mut bytes = [0; 32];
        let digits = text.strip_prefix("sha256:").unwrap_or(&text);
        match hex::decode_to_slice(digits, &mut bytes) {
            Ok(()) => Ok(Self(bytes)),
            Err(_) => Err(invalid(&text, "a SHA-256 (64 hex digits)")),
        }
    }
}
impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_that_is_not_one_says_what_was_expected() {
        let error = HeadSha::parse("main").unwrap_err();
        assert_eq!(error.to_string(), "\"main\" is not a commit sha of 40 or 64 lower-case hex digits");
        assert!(RepositoryName::new("acme", "..").is_err());
        assert!(PluginName::parse("Trivy").is_err());
        assert!(CheckName::parse(" padded").is_err());
    }

    #[test]
    fn repositories_compare_without_case() {
        assert_eq!(RepositoryName::new("Acme", "Shop"), RepositoryName::new("acme", "shop"));
    }

    #[test]
    fn a_digest_survives_its_text_form() {
        let digest = Digest::of(b"palisade");
        assert_eq!(Digest::try_from(digest.to_string()), Ok(digest));
        assert_eq!(Digest::try_from(format!("sha256:{digest}")), Ok(digest));
    }
}
