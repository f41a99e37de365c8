//! Whose request led to something: the id that its sender gave it or we did, and the trace that it is a part of (W3C Trace
//! Context). What comes from outside is bounded and made of few characters, so that it may be echoed and logged.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Ids of proxies and tracers have 16 to 64 characters.
const LONGEST_REQUEST_ID: usize = 128;
/// W3C: a tracestate of up to 512 characters should be passed on.
const LONGEST_TRACE_STATE: usize = 512;

/// What a job remembers of where it came from. Empty for the host's own jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    #[serde(default)]
    pub request: Option<RequestId>,
    #[serde(default)]
    pub trace: Option<TraceContext>,
}

/// An id by which a request is found again: letters, digits and `-_.:/+=@`, 128 at most.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestId(String);

impl RequestId {
    /// None for anything else: it is neither echoed nor logged.
    pub fn parse(text: &str) -> Option<Self> {
        let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&byte);
        ((1..=LONGEST_REQUEST_ID).contains(&text.len()) && text.bytes().all(usual)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RequestId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a request id")
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> Self {
        id.0
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// A place in a trace: `traceparent`, and the `tracestate` that came with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(String, Option<String>)", into = "(String, Option<String>)")]
pub struct TraceContext {
    /// `00-{32 hex digits}-{16}-{2}`.
    parent: String,
    state: Option<String>,
}

impl TraceContext {
    /// None if the `traceparent` is none; a `tracestate` that is too long or odd is left out.
    pub fn parse(parent: &str, state: Option<&str>) -> Option<Self> {
        let parent = parent.trim();
        let parts: Vec<&str> = parent.split('-').collect();
        let [version, trace, span, flags, rest @ ..] = parts.as_slice() else { return None };
        let lengths = [(version, 2), (trace, 32), (span, 16), (flags, 2)];
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let well_formed = lengths.iter().all(|(part, length)| part.len() == *length && part.bytes().all(is_hex));
        // Of later versions the first four parts are as in this one; this one has no more.
        let known = *version != "ff" && (*version != "00" || rest.is_empty());
        let valid = !trace.bytes().all(|byte| byte == b'0') && !span.bytes().all(|byte| byte == b'0');
        if !(well_formed && known && valid) {
            return None;
        }
        let sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
        let state = state.map(str::trim).filter(|state| is_trace_state(state)).map(str::to_owned);
        Some(Self { parent: format!("00-{trace}-{span}-{:02x}", u8::from(sampled)), state })
    }

    pub fn of(trace_id: [u8; 16], span_id: [u8; 8], sampled: bool) -> Option<Self> {
        let digits = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Self::parse(&format!("00-{}-{}-{:02x}", digits(&trace_id), digits(&span_id), u8::from(sampled)), None)
    }

    pub fn with_state(self, state: &str) -> Self {
        Self { state: Some(state.to_owned()).filter(|state| is_trace_state(state)), ..self }
    }

    pub fn traceparent(&self) -> &str {
        &self.parent
    }

    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }

    pub fn trace_id(&self) -> &str {
        &self.parent[3..35]
    }

    pub fn span_id(&self) -> &str {
        &self.parent[36..52]
    }

    pub fn is_sampled(&self) -> bool {
        self.parent.ends_with('1')
    }
}

fn is_trace_state(state: &str) -> bool {
    (1..=LONGEST_TRACE_STATE).contains(&state.len())
        && state.contains('=')
        && state.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

impl TryFrom<(String, Option<String>)> for TraceContext {
    type Error = &'static str;
    fn try_from((parent, state): (String, Option<String>)) -> Result<Self, Self::Error> {
        Self::parse(&parent, state.as_deref()).ok_or("not a traceparent")
    }
}

impl From<TraceContext> for (String, Option<String>) {
    fn from(trace: TraceContext) -> Self {
        (trace.parent, trace.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_request_id_is_short_and_made_of_usual_characters() {
        let long = "a".repeat(128);
        for good in ["req-1", "a/b+c=", "Root=1-67891233-abcdef012345678912345678", long.as_str()] {
            assert!(RequestId::parse(good).is_some(), "{good}");
        }
        let too_long = "a".repeat(129);
        for bad in ["", "a b", "<script>", "a\"b", "a\nb", "é", "a;b", too_long.as_str()] {
            assert!(RequestId::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_traceparent_is_taken_in_its_own_and_later_versions_and_normalized() {
        let context = TraceContext::parse(PARENT, Some("vendor=abc")).expect("valid");
        assert_eq!((context.trace_id(), context.span_id()), ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"));
        assert!(context.is_sampled());
        assert_eq!((context.traceparent(), context.tracestate()), (PARENT, Some("vendor=abc")));
        let later = PARENT.replacen("00", "01", 1) + "-more";
        assert_eq!(TraceContext::parse(&later, None).expect("a later version").traceparent(), PARENT);
        let unsampled = PARENT.replace("-01", "-02");
        assert!(!TraceContext::parse(&unsampled, None).expect("valid").is_sampled());
    }

    #[test]
    fn what_is_no_traceparent_is_ignored() {
        let zeros = format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32));
        let upper = PARENT.to_uppercase();
        let version = PARENT.replacen("00", "ff", 1);
        let more = format!("{PARENT}-more");
        for bad in ["", "00-1-2-3", zeros.as_str(), upper.as_str(), version.as_str(), more.as_str()] {
            assert!(TraceContext::parse(bad, None).is_none(), "{bad}");
        }
        let long = format!("a={}", "b".repeat(600));
        for odd in ["a=\u{7}", "nothing", long.as_str()] {
            assert_eq!(TraceContext::parse(PARENT, Some(odd)).expect("valid").tracestate(), None);
        }
    }

    #[test]
    fn a_trail_survives_being_stored() {
        let trail = Trail { request: RequestId::parse("req-1"), trace: TraceContext::parse(PARENT, Some("a=b")) };
        let stored = serde_json::to_string(&trail).expect("plain data");
        assert_eq!(serde_json::from_str::<Trail>(&stored).expect("the same"), trail);
    }
}
