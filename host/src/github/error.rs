//! What can come of a call, as far as somebody branches on it. Texts carry no token and no signed address.

use crate::model::Unix;
use crate::model::artifact::UnreadableCause;

/// The text names the call or the thing.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum GitHubError {
    /// 404: not there, or hidden from the App.
    #[error("{0}: not found, or not visible to the App")]
    NotFound(String),
    /// 410: it was there once.
    #[error("{0}: gone")]
    Gone(String),
    /// 403 that no waiting heals.
    #[error("{0}: not permitted; compare the App's permissions with `palisade doctor`")]
    Permission(String),
    /// GitHub understood and refused. Final: 422 on a commit means that it was replaced.
    #[error("{0}")]
    Unprocessable(String),
    /// Ask again when the time has come; the whole installation waits, by GitHub's word or at its own pace.
    #[error("the installation's calls wait for their rate limit until {until} (Unix seconds)")]
    RateLimited { until: Unix },
    /// 401 even with a fresh token and a corrected clock.
    #[error("{0}: GitHub does not accept the App's credentials; check the App id and the private key")]
    Unauthorized(String),
    /// 5xx, no connection, no answer in time, after all repetitions that the call allows.
    #[error("{0}")]
    Unavailable(String),
    #[error("{0}")]
    TooLarge(String),
    /// The bytes are not those that GitHub announced.
    #[error("{0}")]
    Digest(String),
    /// An address that must not be followed.
    #[error("{0}")]
    Redirect(String),
    /// An answer that makes no sense.
    #[error("{0}")]
    Malformed(String),
}

impl GitHubError {
    /// GitHub does not know the commit: it was pushed away, or is not visible everywhere yet.
    pub fn is_unknown_commit(&self) -> bool {
        matches!(self, GitHubError::Unprocessable(text) if text.contains("No commit found"))
    }

    /// Whose doing it is that something could not be fetched.
    pub fn cause(&self) -> UnreadableCause {
        match self {
            GitHubError::RateLimited { .. } | GitHubError::Unauthorized(_) | GitHubError::Unavailable(_) => {
                UnreadableCause::Outage
            }
            _ => UnreadableCause::File,
        }
    }
}

/// Takes tokens and signed assertions out of a text from outside, and shortens it.
pub(super) fn redact(text: &str) -> String {
    const LONGEST: usize = 300;
    let mut shown = String::new();
    for word in text.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))) {
        let secret = ["ghs_", "ghp_", "gho_", "ghu_", "ghr_", "github_pat_", "eyJ"].iter().any(|p| word.contains(p));
        shown.push_str(if secret { "[redacted] " } else { word });
    }
    match shown.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_do_not_survive_in_texts() {
        // Put together here, so that nothing in the repository looks like a token.
        let token = format!("ghs_{}.{}", "x".repeat(40), "y-z_");
        let shown = redact(&format!("bad token {token}, sorry"));
        assert_eq!(shown, "bad token [redacted]  sorry");
        assert!(!redact(&format!("Bearer {}{}", "eyJ", "abc.def")).contains("abc"));
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(redact(&"é".repeat(400)).chars().count(), 301);
    }
}
