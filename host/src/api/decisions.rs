//! What was decided and why, for whoever has the decision's address: a page without scripts, and the same as JSON. Off
//! unless the operator says that pages are public. Everything on them comes from the record; nothing is judged anew.

pub(super) mod page;

use super::Api;
use crate::config::Pages;
use crate::model::{JobId, Record};
use crate::report;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

/// Why there is nothing to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absent {
    PagesAreOff,
    Unknown,
    /// The store could not be read: told in the log, not to the reader.
    Unavailable,
}

impl Absent {
    fn status(self) -> StatusCode {
        match self {
            Absent::PagesAreOff | Absent::Unknown => StatusCode::NOT_FOUND,
            Absent::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Absent::PagesAreOff => "Decisions are not shown here",
            Absent::Unknown => "No such decision",
            Absent::Unavailable => "The decision cannot be read",
        }
    }

    fn way_out(self) -> &'static str {
        match self {
            Absent::PagesAreOff => {
                "The check run on GitHub says what was decided. Whoever runs this host can have it show pages with \
                 server.pages = \"public\"."
            }
            Absent::Unknown => {
                "There never was one at this address, or it is older than this host keeps decisions. Re-run the check on \
                 GitHub to have the commit judged again."
            }
            Absent::Unavailable => "Try again in a minute; whoever runs this host finds the reason in its log.",
        }
    }
}

/// `GET /decisions/{id}`
pub async fn page(Shared(api): Shared<Api>, Path(id): Path<String>) -> Response {
    let (status, page) = match find(&api, id).await {
        Ok(record) => (StatusCode::OK, page::decision(&record)),
        Err(absent) => (absent.status(), page::absent(absent)),
    };
    guarded((status, Html(page.into_string())).into_response())
}

/// `GET /api/v1/decisions/{id}`
pub async fn json(Shared(api): Shared<Api>, Path(id): Path<String>) -> Response {
    let (status, body) = match find(&api, id).await {
        Ok(record) => (StatusCode::OK, report::json(&record)),
        Err(absent) => (absent.status(), json!({ "error": absent.title(), "hint": absent.way_out() }).to_string()),
    };
    guarded((status, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}

async fn find(api: &Api, id: String) -> Result<Record, Absent> {
    if api.pages == Pages::Off {
        return Err(Absent::PagesAreOff);
    }
    // What is no id is the id of no decision: it reaches no store.
    let id = uuid::Uuid::try_parse(&id).map_err(|_| Absent::Unknown)?;
    match api.state.decision(&JobId(id.hyphenated().to_string())).await {
        Ok(record) => record.ok_or(Absent::Unknown),
        Err(error) => {
            tracing::error!(%error, job = %id, "a decision cannot be read");
            Err(Absent::Unavailable)
        }
    }
}

/// Nothing is loaded, run, framed, indexed or kept on the way, and no address leaks to where a reader goes next.
fn guarded(mut response: Response) -> Response {
    let policy = format!(
        "default-src 'none'; style-src '{}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        page::style_hash()
    );
    let policy = HeaderValue::from_str(&policy).expect("the hash of our own style is ASCII");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
