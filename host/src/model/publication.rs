//! What GitHub is told: check runs with annotations and buttons, and the comment; rendered and within GitHub's limits.

use super::ids::{CheckName, Digest, HeadSha, JobId, Unix};
use super::plan::Conclusion;
use super::provenance::AcceptKey;
use serde::{Deserialize, Serialize};

/// The state of one check, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckPublication {
    pub check: CheckName,
    pub state: CheckState,
    pub title: String,
    /// Markdown, escaped, at most 65,535 bytes.
    pub summary: String,
    /// Markdown, escaped, at most 65,535 bytes; empty means none.
    pub text: String,
    /// Those on changed lines first, then the most severe; at most 300.
    pub annotations: Vec<Annotation>,
    pub buttons: Vec<Button>,
    /// Where the decision is explained; the host's own address while there is none. Another address is no other content:
    /// the page of an equal decision says the same.
    #[serde(skip)]
    pub details_url: Option<String>,
    /// The policy of the decision; none where nothing was decided. Another policy that says the same is no other content.
    #[serde(skip)]
    pub policy: Option<PolicyMark>,
}

/// What people see of a check run, and the policy's mark: equal to what GitHub shows, it need not be written again. GitHub
/// tells of annotations only how many there are; they say what the text says.
pub fn shown_as(title: &str, summary: &str, text: &str, annotations: u64) -> Digest {
    let seen = (title.trim(), summary.trim(), text.trim(), annotations);
    Digest::of(&serde_json::to_vec(&seen).expect("texts are plain data"))
}

/// Which policy a result was decided by, as a check run carries it where nobody sees it: a host that forgot everything
/// knows by it whether the result still stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyMark(String);

impl PolicyMark {
    const BEGIN: &str = "<!-- palisade:policy ";
    const END: &str = " -->";
    /// 64 bits: nobody gains by two policies that look alike.
    const DIGITS: usize = 16;
    /// What it takes of a text, with the empty line before it.
    pub const BYTES: usize = 2 + Self::BEGIN.len() + Self::DIGITS + Self::END.len();

    pub fn of(policy: &Digest) -> Self {
        Self(policy.to_string()[..Self::DIGITS].to_owned())
    }

    /// The text with the mark as its last line.
    pub fn on(&self, text: &str) -> String {
        format!("{}\n\n{}{}{}", text.trim_end(), Self::BEGIN, self.0, Self::END)
    }

    /// The mark that a text ends with. Only we write our runs' texts, and what we quote there is escaped.
    pub fn found_in(text: &str) -> Option<Self> {
        let last = text.trim_end().lines().last()?.trim();
        let digits = last.strip_prefix(Self::BEGIN)?.strip_suffix(Self::END)?;
        let is_mark = digits.len() == Self::DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_mark.then(|| Self(digits.to_owned()))
    }
}

/// What people can press at a completed check. GitHub shows three at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Button {
    Rerun,
    Explain,
    /// Take responsibility for evidence below the check's minimum: for exactly this one.
    Accept(AcceptKey),
}

impl Button {
    /// What every completed check carries.
    pub const ALWAYS: [Button; 2] = [Button::Rerun, Button::Explain];

    /// By which GitHub names the button that was pressed: at most 20 characters.
    pub fn identifier(self) -> String {
        match self {
            Button::Rerun => "rerun".to_owned(),
            Button::Explain => "explain".to_owned(),
            Button::Accept(key) => key.identifier(),
        }
    }

    pub fn from_identifier(identifier: &str) -> Option<Self> {
        match identifier {
            "rerun" => Some(Button::Rerun),
            "explain" => Some(Button::Explain),
            _ => AcceptKey::from_identifier(identifier).map(Button::Accept),
        }
    }

    /// At most 20 characters.
    pub fn label(self) -> &'static str {
        match self {
            Button::Rerun => "Re-run",
            Button::Explain => "Explain",
            Button::Accept(_) => "Accept evidence",
        }
    }

    /// At most 40 characters.
    pub fn description(self) -> &'static str {
        match self {
            Button::Rerun => "Judge this commit again",
            Button::Explain => "Say how this result came about",
            Button::Accept(_) => "Judge it all the same, for this commit",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    InProgress,
    Completed(Conclusion),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnnotationLevel {
    Notice,
    Warning,
    Failure,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    pub path: String,
    pub start_line: u32,
    pub end_line: u32,
    /// Only where start and end line are equal.
    pub columns: Option<(u32, u32)>,
    pub level: AnnotationLevel,
    pub title: String,
    pub message: String,
}

/// The one comment of a pull request, with a section for each check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentPublication {
    pub standing: Standing,
    pub marker: Marker,
    /// Markdown, escaped, with the marker as its first line; at most 60,000 bytes.
    pub body: String,
    /// Of what people read, the address of the details left out: equal content is not written again.
    pub content: Digest,
    /// Of what was decided, whatever the commit: a comment that somebody deleted comes back only with another verdict.
    pub verdict: Digest,
}

/// What a result asks of a pull request's comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Checks are still going and nothing blocks so far: what is there stays.
    Unfinished,
    /// Nothing to say: a comment that is there is resolved, none is written.
    Clean,
    /// Something to know and nothing to do: a comment that is there says it, none is written.
    Noted,
    /// Something to act upon: the comment is written.
    Open,
}

/// The first line of the comment, which nobody sees. By it and by its author the comment is found again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    pub app: u64,
    pub pull_request: u64,
    pub sha: HeadSha,
    pub generation: Generation,
}

impl Marker {
    /// The marker of a comment's body, if its first line is one. Anybody can write one: see who the author is.
    pub fn of_body(body: &str) -> Option<Self> {
        let line = body.lines().next()?.trim();
        let mut words = line.strip_prefix("<!-- palisade:v1 ")?.strip_suffix(" -->")?.split(' ');
        let mut value = |key: &str| words.next()?.strip_prefix(key)?.strip_prefix('=');
        Some(Self {
            app: value("app")?.parse().ok()?,
            pull_request: value("pr")?.parse().ok()?,
            sha: HeadSha::parse(value("sha")?).ok()?,
            generation: Generation::parse(value("gen")?)?,
        })
    }
}

impl std::fmt::Display for Marker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { app, pull_request, sha, generation } = self;
        write!(f, "<!-- palisade:v1 app={app} pr={pull_request} sha={sha} gen={generation} -->")
    }
}

/// How new a comment is: when GitHub last told of the pull request with this commit as its head, then the job that decided.
/// Job ids sort by time. So a late decision about an older head never takes the place of one about a newer head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Absent where GitHub only named the pull request.
    pub head: Option<Unix>,
    pub decision: JobId,
}

impl Generation {
    pub fn is_newer_than(&self, other: &Self) -> bool {
        match (self.head, other.head) {
            (Some(own), Some(theirs)) => (own, &self.decision) > (theirs, &other.decision),
            // What is known of heads may be lost; the order of the decisions never is.
            _ => self.decision > other.decision,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (head, decision) = text.split_once('/')?;
        let head = if head == "-" { None } else { Some(head.parse().ok()?) };
        (!decision.is_empty()).then(|| Self { head, decision: JobId(decision.to_owned()) })
    }
}

impl std::fmt::Display for Generation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.head {
            Some(head) => write!(f, "{head}/{}", self.decision),
            None => write!(f, "-/{}", self.decision),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ids::Digest;
    use super::*;

    fn generation(head: Option<Unix>, decision: &str) -> Generation {
        Generation { head, decision: JobId(decision.to_owned()) }
    }

    #[test]
    fn a_policy_s_mark_is_found_where_it_was_put_and_nowhere_else() {
        let mark = PolicyMark::of(&Digest::of(b"a policy"));
        for text in ["", "All is well.", "All is well.\n\n"] {
            let marked = mark.on(text);
            assert_eq!(PolicyMark::found_in(&marked), Some(mark.clone()), "{marked}");
            assert!(marked.len() <= text.len() + PolicyMark::BYTES);
        }
        let other = PolicyMark::of(&Digest::of(b"another"));
        assert_eq!(PolicyMark::found_in(&other.on(&mark.on("quoted"))), Some(other));
        assert_eq!(PolicyMark::found_in(&format!("{}\nmore", mark.on(""))), None);
        assert_eq!(PolicyMark::found_in("<!-- palisade:policy nonsense -->"), None);
    }

    #[test]
    fn a_marker_is_read_as_it_was_written_and_only_from_the_first_line() {
        let sha = HeadSha::parse(&"a".repeat(40)).unwrap();
        let marker = Marker { app: 7, pull_request: 3, sha, generation: generation(Some(10), "02-b") };
        assert_eq!(Marker::of_body(&format!("{marker}\r\nWords")), Some(marker.clone()));
        assert_eq!(Marker::of_body(&format!("Words\n{marker}")), None);
        let unknown = Marker { generation: generation(None, "02-b"), ..marker };
        assert_eq!(Marker::of_body(&unknown.to_string()), Some(unknown));
        for other in ["<!-- palisade:v1 -->", "<!-- palisade:v1 app=x pr=3 sha=1 gen=1 -->", "", "<!-- -->"] {
            assert_eq!(Marker::of_body(other), None);
        }
    }

    #[test]
    fn a_late_decision_about_an_older_head_is_not_newer() {
        let newer_head = generation(Some(30), "04");
        assert!(newer_head.is_newer_than(&generation(Some(10), "05")));
        assert!(!generation(Some(10), "05").is_newer_than(&newer_head));
        assert!(generation(Some(30), "06").is_newer_than(&newer_head));
        assert!(!newer_head.is_newer_than(&newer_head));
        assert!(generation(None, "07").is_newer_than(&newer_head));
        assert!(!newer_head.is_newer_than(&generation(None, "07")));
    }

    #[test]
    fn buttons_keep_to_githubs_limits() {
        for button in [Button::Rerun, Button::Explain, Button::Accept(AcceptKey::of(&Digest::of(b"evidence")))] {
            assert!(button.label().len() <= 20 && button.description().len() <= 40 && button.identifier().len() <= 20);
            assert_eq!(Button::from_identifier(&button.identifier()), Some(button));
        }
    }
}
