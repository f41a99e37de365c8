//! The blob host. It knows no tokens, fails whoever sends one, and has an artifact's troubles.

use super::call::Refusal;
use super::{dropped, is_traced, render};
use crate::actions::Trouble;
use crate::faults::Effect;
use crate::journal::{Entry, Host, Identity};
use crate::state::Shared;
use crate::tokens;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;

/// The second address.
pub(crate) fn blobs(shared: &Arc<Shared>) -> Router {
    let shared = shared.clone();
    Router::new().fallback(any(move |request: Request| async move { serve_blob(&shared, request).await }))
}

async fn serve_blob(shared: &Shared, request: Request) -> Response {
    let method = request.method().to_string();
    let path = request.uri().path().to_owned();
    let leaked = shared.look(|state| tokens::leaks(state, (request.uri(), request.headers()), &[]));
    let with_credentials = request.headers().contains_key(http::header::AUTHORIZATION);
    let traced = is_traced(request.headers());
    let effect = shared.change(|state| state.strike(&method, &path));
    if let Some(Effect::Delay(gate)) = &effect {
        gate.pass().await;
    }
    let outcome = shared.change(|state| {
        let secret = path.strip_prefix("/blob/").unwrap_or_default();
        let outcome = match &effect {
            _ if with_credentials => Err(Refusal::new(400, "InvalidAuthenticationInfo")),
            Some(Effect::Exhausted(_)) => Err(Refusal::new(403, "ServerBusy")),
            Some(Effect::Status { status, .. } | Effect::StatusAfter(status)) => {
                Err(Refusal::new(*status, "ServerBusy"))
            }
            _ => state.blob(secret),
        };
        let drops =
            matches!(effect, Some(Effect::DropBefore | Effect::DropAfter | Effect::Silent | Effect::SilentAfter));
        let status = outcome.as_ref().map_or_else(|refusal| refusal.status, |_| 200);
        let identity = if with_credentials { Identity::Refused } else { Identity::Nobody };
        if state.keep_journal {
            state.journal.entries.push(Entry {
                host: Host::Blob,
                method,
                path: path.clone(),
                below_prefix: false,
                query: String::new(),
                identity,
                status: (!drops).then_some(status),
                body: Value::Null,
                while_limited: false,
                told_to_wait: None,
                traced,
                leaked,
                began: Instant::now(),
                ended: Instant::now(),
            });
        }
        if drops { None } else { Some(outcome) }
    });
    if matches!(effect, Some(Effect::Silent | Effect::SilentAfter)) {
        std::future::pending::<()>().await;
    }
    match outcome {
        None => dropped(),
        Some(Err(refusal)) => render(refusal.answer()),
        Some(Ok(artifact)) => blob(artifact.bytes, artifact.content_type, artifact.trouble),
    }
}

fn blob(bytes: Bytes, content_type: &'static str, trouble: Option<Trouble>) -> Response {
    let half = bytes.slice(..bytes.len() / 2);
    let rest = bytes.slice(bytes.len() / 2..);
    let (length, body) = match trouble {
        Some(Trouble::Truncated) => (half.len(), Body::from(half)),
        Some(Trouble::Broken) => {
            let end = async { Err(std::io::Error::other("broken on request")) };
            (bytes.len(), in_two_parts(half, end))
        }
        Some(Trouble::Slow(gate)) => {
            let end = async move {
                gate.pass().await;
                Ok(rest)
            };
            (bytes.len(), in_two_parts(half, end))
        }
        _ => (bytes.len(), Body::from(bytes)),
    };
    let mut response = Response::new(body);
    response.headers_mut().insert("content-type", http::HeaderValue::from_static(content_type));
    response.headers_mut().insert("content-length", http::HeaderValue::from(length));
    response
}

fn in_two_parts(first: Bytes, second: impl Future<Output = std::io::Result<Bytes>> + Send + 'static) -> Body {
    let (sender, receiver) = tokio::sync::mpsc::channel(2);
    tokio::spawn(async move {
        // A receiver that is gone is a client that is gone.
        let _ = sender.send(Ok(first)).await;
        let _ = sender.send(second.await).await;
    });
    Body::new(Parts(receiver))
}

/// A body out of a channel.
struct Parts(tokio::sync::mpsc::Receiver<std::io::Result<Bytes>>);

impl hyper::body::Body for Parts {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<std::io::Result<hyper::body::Frame<Bytes>>>> {
        self.0.poll_recv(context).map(|part| part.map(|bytes| bytes.map(hyper::body::Frame::data)))
    }
}
