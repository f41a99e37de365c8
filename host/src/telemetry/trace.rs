//! Where a span stands in a trace: taken from a request, given on to jobs and to OPA servers. GitHub never gets any of it.

use crate::model::TraceContext;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use std::str::FromStr as _;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// An error's text in a span; the log line has all of it.
const LONGEST_ERROR: usize = 500;

/// Makes the span a child of what the context names. Call it before the span is entered; without an exporter's layer
/// nothing happens.
pub fn continue_from(span: &Span, trace: &TraceContext) {
    if let Some(parent) = foreign(trace) {
        // Refused only where no layer keeps traces, or the span is filtered out.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}

/// Notes that the span also stands for work of another trace.
pub fn link(span: &Span, trace: &TraceContext) {
    if let Some(other) = foreign(trace) {
        span.add_link(other);
    }
}

/// Where the span stands; none where no layer keeps traces.
pub fn place_of(span: &Span) -> Option<TraceContext> {
    let context = span.context();
    let place = context.span().span_context().clone();
    let found = TraceContext::of(place.trace_id().to_bytes(), place.span_id().to_bytes(), place.is_sampled())?;
    Some(found.with_state(&place.trace_state().header()))
}

/// What a request that is made now to somebody who belongs to the operator says of its trace.
pub fn outgoing() -> Option<TraceContext> {
    place_of(&Span::current())
}

/// A trace of our own, for a request that brought none where no layer keeps traces: its id still joins log lines.
pub fn begun() -> TraceContext {
    let mut bytes = [0; 24];
    let random = getrandom::fill(&mut bytes).is_ok();
    let (trace, span) = bytes.split_at(16);
    let ids = trace.try_into().ok().zip(span.try_into().ok()).filter(|_| random);
    let begun = ids.and_then(|(trace, span)| TraceContext::of(trace, span, false));
    // All zeros, or no randomness at all: ids that mean nothing are better than none.
    begun.unwrap_or_else(|| TraceContext::of([1; 16], [1; 8], false).expect("ones are valid ids"))
}

/// The first characters, for what has no bound of its own.
pub(super) fn shortened(text: &str) -> &str {
    let end = text.char_indices().nth(LONGEST_ERROR).map_or(text.len(), |(end, _)| end);
    &text[..end]
}

fn foreign(trace: &TraceContext) -> Option<SpanContext> {
    let trace_id = TraceId::from_hex(trace.trace_id()).ok()?;
    let span_id = SpanId::from_hex(trace.span_id()).ok()?;
    let flags = if trace.is_sampled() { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let state = trace.tracestate().and_then(|state| TraceState::from_str(state).ok()).unwrap_or_default();
    Some(SpanContext::new(trace_id, span_id, flags, true, state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_of_our_own_is_new_each_time() {
        assert_ne!(begun().trace_id(), begun().trace_id());
    }

    #[test]
    fn without_a_layer_nothing_is_said_and_nothing_fails() {
        let span = tracing::info_span!("alone");
        continue_from(&span, &begun());
        link(&span, &begun());
        assert_eq!(place_of(&span), None);
        assert_eq!(outgoing(), None);
    }

    #[test]
    fn a_long_error_is_cut_between_characters() {
        assert_eq!(shortened(&"é".repeat(600)).chars().count(), 500);
        assert_eq!(shortened("short"), "short");
    }
}
