//! What every request to this listener gets: an id, taken over if it is fit to be repeated, else new, that stands in the
//! answer, in log lines and with the job that comes of it. Its trace is continued.

use super::text;
use crate::model::{RequestId, TraceContext};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Around all routes: the id is an extension of the request for whoever answers it.
pub async fn with_request_id(mut request: Request, next: axum::middleware::Next) -> Response {
    let id = id_of(request.headers());
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// `X-Request-Id`, else `X-Trace-Id`, else a new one. What is too long or made of other characters is not repeated.
fn id_of(headers: &HeaderMap) -> RequestId {
    let given = ["x-request-id", "x-trace-id"].into_iter().find_map(|name| RequestId::parse(text(headers, name)?));
    given.unwrap_or_else(|| RequestId::parse(&uuid::Uuid::new_v4().to_string()).expect("a UUID is an id"))
}

/// Where the request stands in its sender's trace, if it says so.
pub(super) fn trace_of(headers: &HeaderMap) -> Option<TraceContext> {
    TraceContext::parse(text(headers, "traceparent")?, text(headers, "tracestate"))
}
