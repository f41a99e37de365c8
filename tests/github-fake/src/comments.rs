//! Comments on pull requests.

use crate::server::{Answer, Call, Refusal, Reply};
use crate::state::State;
use crate::wire;
use jiff::Timestamp;
use serde_json::Value;

/// GitHub's limit for one comment, in characters.
const BODY_CHARACTERS: usize = 65_536;

/// A comment on a pull request.
#[derive(Clone, Debug)]
pub struct Comment {
    pub id: u64,
    pub pull_request: u64,
    pub author: String,
    pub body: String,
    /// Whether the App under test wrote it.
    pub by_app: bool,
    /// Whether GitHub says by which App it was written; it does not always.
    pub(crate) names_app: bool,
    pub(crate) repository: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl State {
    pub(crate) fn comment(&mut self, at: (u64, u64), author: &str, body: String) -> &Comment {
        self.user_id(author);
        let now = self.now();
        let comment = Comment {
            id: self.next_id(),
            repository: at.0,
            pull_request: at.1,
            author: author.to_owned(),
            body,
            by_app: author == format!("{}[bot]", self.app.slug),
            names_app: author == format!("{}[bot]", self.app.slug),
            created_at: now,
            updated_at: now,
        };
        self.comments.push(comment);
        self.comments.last().expect("just pushed")
    }
}

pub(crate) fn list(state: &mut State, call: &Call) -> Reply {
    let number = pull_request_of(state, call)?;
    let here = state.comments.iter().filter(|c| c.repository == call.repository && c.pull_request == number);
    let comments: Vec<Value> = here.map(|comment| wire::comment(state, comment)).collect();
    Ok(call.page(state, comments))
}

pub(crate) fn create(state: &mut State, call: &Call) -> Reply {
    let number = pull_request_of(state, call)?;
    let body = valid_body(call)?;
    let author = format!("{}[bot]", state.app.slug);
    let comment = state.comment((call.repository, number), &author, body).clone();
    Ok(Answer::created(wire::comment(state, &comment)))
}

pub(crate) fn get(state: &mut State, call: &Call) -> Reply {
    let at = position(state, call)?;
    Ok(Answer::ok(wire::comment(state, &state.comments[at])))
}

pub(crate) fn update(state: &mut State, call: &Call) -> Reply {
    let at = position(state, call)?;
    let body = valid_body(call)?;
    let now = state.now();
    let comment = &mut state.comments[at];
    (comment.body, comment.updated_at) = (body, now);
    Ok(Answer::ok(wire::comment(state, &state.comments[at])))
}

pub(crate) fn delete(state: &mut State, call: &Call) -> Reply {
    let at = position(state, call)?;
    state.comments.remove(at);
    Ok(Answer::no_content())
}

fn pull_request_of(state: &State, call: &Call) -> Result<u64, Refusal> {
    let number = call.number("issue_number")?;
    let exists = state.pull_requests.iter().any(|p| p.repository == call.repository && p.number == number);
    if exists { Ok(number) } else { Err(Refusal::not_found()) }
}

fn position(state: &State, call: &Call) -> Result<usize, Refusal> {
    let id = call.number("comment_id")?;
    let found = state.comments.iter().position(|c| c.repository == call.repository && c.id == id);
    found.ok_or_else(Refusal::not_found)
}

fn valid_body(call: &Call) -> Result<String, Refusal> {
    let body = call.body["body"].as_str().ok_or_else(|| Refusal::unprocessable("body is missing"))?;
    if body.is_empty() {
        return Err(Refusal::unprocessable("body cannot be blank"));
    }
    if body.chars().count() > BODY_CHARACTERS {
        return Err(Refusal::unprocessable("body is too long (maximum is 65536 characters)"));
    }
    Ok(body.to_owned())
}
