//! One request as an endpoint sees it, what it answers, and how lists are cut into pages.

use crate::state::State;
use crate::tokens::Caller;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const DEFAULT_PAGE: usize = 30;
const LARGEST_PAGE: usize = 100;

/// What a request asks, once it is known who may ask it.
pub(crate) struct Call {
    pub params: BTreeMap<String, String>,
    pub query: BTreeMap<String, String>,
    /// Without prefix and query.
    pub path: String,
    pub body: Value,
    pub caller: Caller,
    /// The repository in the path; 0 where there is none.
    pub repository: u64,
}

/// What is answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Option<Value>,
}

/// Why a request is refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub status: u16,
    pub message: String,
    pub headers: Vec<(String, String)>,
}

pub(crate) type Reply = Result<Answer, Refusal>;

impl Answer {
    pub fn ok(body: Value) -> Self {
        Self { status: 200, headers: Vec::new(), body: Some(body) }
    }

    pub fn created(body: Value) -> Self {
        Self { status: 201, ..Self::ok(body) }
    }

    pub fn no_content() -> Self {
        Self { status: 204, headers: Vec::new(), body: None }
    }
}

impl Refusal {
    pub fn new(status: u16, message: &str) -> Self {
        Self { status, message: message.to_owned(), headers: Vec::new() }
    }

    pub fn not_found() -> Self {
        Self::new(404, "Not Found")
    }

    pub fn unprocessable(message: &str) -> Self {
        Self::new(422, &format!("Validation Failed: {message}"))
    }

    pub fn no_commit(sha: &str) -> Self {
        Self::new(422, &format!("No commit found for SHA: {sha}"))
    }

    pub fn answer(self) -> Answer {
        let body = json!({ "message": self.message, "documentation_url": "https://docs.github.com/rest", "status": self.status.to_string() });
        Answer { status: self.status, headers: self.headers, body: Some(body) }
    }
}

impl Call {
    pub fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }

    pub fn number(&self, name: &str) -> Result<u64, Refusal> {
        self.param(name).parse().map_err(|_| Refusal::not_found())
    }

    /// An address below the repository that is asked about.
    pub fn url(&self, state: &State, rest: &str) -> String {
        format!("{}/{rest}", crate::wire::url_of(state, self.repository))
    }

    /// One page of a bare list.
    pub fn page(&self, state: &State, items: Vec<Value>) -> Answer {
        let (items, headers) = self.cut(state, items);
        Answer { status: 200, headers, body: Some(json!(items)) }
    }

    /// One page of a list that comes with its total.
    pub fn counted_page(&self, state: &State, name: &str, items: Vec<Value>) -> Answer {
        let total = items.len();
        let (items, headers) = self.cut(state, items);
        Answer { status: 200, headers, body: Some(json!({ "total_count": total, name: items })) }
    }

    pub fn page_size(&self) -> usize {
        let asked = self.query.get("per_page").and_then(|text| text.parse().ok());
        asked.unwrap_or(DEFAULT_PAGE).clamp(1, LARGEST_PAGE)
    }

    fn cut(&self, state: &State, items: Vec<Value>) -> (Vec<Value>, Vec<(String, String)>) {
        let size = self.page_size();
        let page: usize = self.query.get("page").and_then(|text| text.parse().ok()).unwrap_or(1).max(1);
        let last = items.len().div_ceil(size).max(1);
        let mut links = Vec::new();
        if page > 1 {
            links.push(self.link(state, ("page", &(page - 1).to_string()), "prev"));
            links.push(self.link(state, ("page", "1"), "first"));
        }
        if page < last {
            links.push(self.link(state, ("page", &(page + 1).to_string()), "next"));
            links.push(self.link(state, ("page", &last.to_string()), "last"));
        }
        let items = items.into_iter().skip((page - 1).saturating_mul(size)).take(size).collect();
        let header = (!links.is_empty()).then(|| ("link".to_owned(), links.join(", ")));
        (items, header.into_iter().collect())
    }

    /// One entry of a `Link` header: on the fake's own host and prefix, as GitHub Enterprise Server does it.
    pub fn link(&self, state: &State, (name, value): (&str, &str), relation: &str) -> String {
        let kept = self.query.iter().filter(|(key, _)| *key != name);
        let mut query: Vec<String> = kept.map(|(key, value)| format!("{key}={}", escape(value))).collect();
        query.push(format!("{name}={value}"));
        format!("<{}{}?{}>; rel=\"{relation}\"", state.api_url, self.path, query.join("&"))
    }
}

fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
