//! What the fake was asked, in order: so that tests count calls, mints and writes. It never holds a credential.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// Which of the two addresses was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    Api,
    Blob,
}

/// Who asked, as far as the fake could tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// No credentials were sent.
    Nobody,
    /// The App, by a valid JWT.
    App,
    /// An installation, by its `token`-th token.
    Installation { id: u64, token: u64 },
    /// A person, by a personal access token.
    Person,
    /// Credentials were sent and not accepted.
    Refused,
}

impl Identity {
    /// Whose limits hold: an installation's, or with 0 the App's own.
    pub fn lane(&self) -> Option<u64> {
        match self {
            Identity::Nobody | Identity::Person | Identity::Refused => None,
            Identity::App => Some(0),
            Identity::Installation { id, .. } => Some(*id),
        }
    }
}

/// One request and how it was answered.
#[derive(Clone, Debug)]
pub struct Entry {
    pub host: Host,
    pub method: String,
    /// Without host, prefix and query.
    pub path: String,
    /// Whether it was asked below `/api/v3`; a blob host has no prefix.
    pub below_prefix: bool,
    pub query: String,
    pub identity: Identity,
    /// Absent when the connection was dropped without an answer.
    pub status: Option<u16>,
    /// The request's JSON body, `null` when there was none.
    pub body: Value,
    /// Whether the request came while its sender had been told to wait.
    pub while_limited: bool,
    /// How long the answer tells its sender to wait.
    pub told_to_wait: Option<Duration>,
    /// Whether the request said of which trace it is a part, which is nobody's business here.
    pub traced: bool,
    /// Whether a credential stood in the address, in the body or in a header that is not for it.
    pub leaked: bool,
    /// When the request came and when it was answered.
    pub began: Instant,
    pub ended: Instant,
}

/// All requests so far.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    pub entries: Vec<Entry>,
}

impl Journal {
    /// Requests that match a pattern such as `PATCH /repos/*/check-runs/*`; `*` stands for any text.
    pub fn matching(&self, pattern: &str) -> Vec<&Entry> {
        self.entries.iter().filter(|entry| matches(pattern, &entry.method, &entry.path)).collect()
    }

    /// How many requests match a pattern.
    pub fn count(&self, pattern: &str) -> usize {
        self.matching(pattern).len()
    }

    /// Installation tokens that were minted.
    pub fn mints(&self) -> usize {
        self.matching("POST /app/installations/*/access_tokens").iter().filter(|e| e.status == Some(201)).count()
    }

    /// Requests that could have changed something in a repository.
    pub fn writes(&self) -> usize {
        self.entries.iter().filter(|e| e.method != "GET" && e.path.starts_with("/repos/")).count()
    }

    /// Requests to the blob host that carried credentials. Must stay empty.
    pub fn credentials_at_the_blob_host(&self) -> Vec<&Entry> {
        self.entries.iter().filter(|e| e.host == Host::Blob && e.identity == Identity::Refused).collect()
    }

    /// Requests with a credential where none belongs. Must stay empty.
    pub fn leaked_credentials(&self) -> Vec<&Entry> {
        self.entries.iter().filter(|entry| entry.leaked).collect()
    }

    /// Requests to the API's host that were not for the API. Must stay empty, the pages of a registration apart.
    pub fn outside_the_prefix(&self) -> Vec<&Entry> {
        self.entries.iter().filter(|e| e.host == Host::Api && !e.below_prefix).collect()
    }

    /// Requests to the API, by method and path without names and numbers, with how often each came.
    pub fn breakdown(&self) -> BTreeMap<String, usize> {
        let mut calls = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| entry.host == Host::Api) {
            let parts = entry.path.split('/').enumerate();
            let named = |(place, part): (usize, &str)| {
                let in_repository = entry.path.starts_with("/repos/") && (2..4).contains(&place);
                let is_id =
                    part.parse::<u64>().is_ok() || (part.len() == 40 && part.bytes().all(|b| b.is_ascii_hexdigit()));
                if in_repository || is_id { "*".to_owned() } else { part.to_owned() }
            };
            let path: Vec<String> = parts.map(named).collect();
            *calls.entry(format!("{} {}", entry.method, path.join("/"))).or_default() += 1;
        }
        calls
    }

    /// How many requests to the API came one after the other, each after the answer to the one before: the round trips
    /// that somebody waits for. Needs a fake with latency, so that what is asked at once overlaps.
    pub fn round_trips(&self) -> usize {
        let mut chains: Vec<(Instant, usize)> = Vec::new();
        let mut entries: Vec<&Entry> = self.entries.iter().filter(|entry| entry.host == Host::Api).collect();
        entries.sort_by_key(|entry| entry.began);
        for entry in entries {
            let before = chains.iter().filter(|(ended, _)| *ended <= entry.began).map(|(_, length)| *length).max();
            chains.push((entry.ended, before.unwrap_or(0) + 1));
        }
        chains.into_iter().map(|(_, length)| length).max().unwrap_or(0)
    }

    /// Requests of an installation that began between an answer that told it to wait and the time that this named. `on_the_way`
    /// is how long an answer and the requests that cross it may take.
    pub fn before_the_named_time(&self, on_the_way: Duration) -> Vec<(&Entry, &Entry)> {
        let refused = self.entries.iter().filter_map(|entry| Some((entry, entry.told_to_wait?)));
        let early = refused.flat_map(|(refused, wait)| {
            let (told, named) = (refused.ended + on_the_way, refused.ended + wait);
            let others = self.entries.iter().filter(|entry| entry.identity.lane() == refused.identity.lane());
            others.filter(move |entry| told < entry.began && entry.began < named).map(move |entry| (refused, entry))
        });
        early.collect()
    }

    /// Requests sent although their sender had been told to wait. A polite client has none but the first.
    pub fn while_limited(&self) -> usize {
        self.entries.iter().filter(|e| e.while_limited).count()
    }
}

impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            let status = entry.status.map_or("dropped".to_owned(), |status| status.to_string());
            let blob = if entry.host == Host::Blob { "blob " } else { "" };
            writeln!(f, "{blob}{} {} {status} {:?}", entry.method, entry.path, entry.identity)?;
        }
        Ok(())
    }
}

/// Whether `method path` fits a pattern in which `*` stands for any text, also across `/`, and `?` for text within one part.
pub(crate) fn matches(pattern: &str, method: &str, path: &str) -> bool {
    fits(pattern, &format!("{method} {path}"))
}

fn fits(pattern: &str, text: &str) -> bool {
    let Some(at) = pattern.find(['*', '?']) else { return pattern == text };
    let Some(text) = text.strip_prefix(&pattern[..at]) else { return false };
    let (across, rest) = (pattern[at..].starts_with('*'), &pattern[at + 1..]);
    let reach = if across { text.len() } else { text.find('/').unwrap_or(text.len()) };
    let mut ends = text.char_indices().map(|(end, _)| end).chain([text.len()]);
    ends.by_ref().take_while(|end| *end <= reach).any(|end| fits(rest, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_text_and_the_ends_are_anchored() {
        assert!(matches("POST /repos/*/check-runs", "POST", "/repos/acme/shop/check-runs"));
        assert!(!matches("POST /repos/*/check-runs", "POST", "/repos/acme/shop/check-runs/7"));
        assert!(matches("PATCH /repos/*/check-runs/*", "PATCH", "/repos/acme/shop/check-runs/7"));
        assert!(!matches("PATCH /repos/*/check-runs/*", "GET", "/repos/acme/shop/check-runs/7"));
        assert!(matches("GET /app", "GET", "/app"));
        assert!(matches("*", "GET", "/anything"));
        assert!(matches("GET /runs/?/jobs", "GET", "/runs/7/jobs"));
        assert!(!matches("GET /runs/?", "GET", "/runs/7/jobs"));
    }
}
