//! Remarks beside lines of the change. Only violations that name a file of the repository get one; GitHub shows the text
//! as it is, so it is made plain rather than escaped.

use super::escape;
use super::limits::{ANNOTATION_MESSAGE_BYTES, ANNOTATION_TITLE_BYTES, floor};
use super::page::{Section, violations};
use super::wording::counted;
use crate::model::ChangedLines;
use crate::model::plan::Mode;
use crate::model::publication::{Annotation, AnnotationLevel};
use crate::model::record::CheckRecord;
use crate::model::report::Location;
use crate::model::verdict::Violation;

/// The annotations of one check, and how many there was no room for.
#[derive(Debug, Default)]
pub struct Annotations {
    pub shown: Vec<Annotation>,
    pub left_out: usize,
}

impl Annotations {
    /// A paragraph that tells of those that were left out; empty if there are none.
    pub fn omitted(&self, details_url: Option<&str>) -> String {
        if self.left_out == 0 {
            return String::new();
        }
        let place = details_url.map(|url| format!("; [details]({url})")).unwrap_or_default();
        format!("… and {} not shown beside their lines{place}", counted(self.left_out as u32, "more annotation"))
    }
}

/// Those on lines that the pull request changes come first; then blocking ones; then by severity, place and text.
pub fn annotations(check: &CheckRecord, changed: Option<&ChangedLines>, most: usize) -> Annotations {
    let blocking = if check.mode == Mode::Enforce { AnnotationLevel::Failure } else { AnnotationLevel::Warning };
    let levels = [
        (Section::Blocking, blocking),
        (Section::Warning, AnnotationLevel::Warning),
        (Section::Information, AnnotationLevel::Notice),
    ];
    let all = levels.into_iter().flat_map(|(section, level)| {
        violations(check, section).into_iter().filter_map(move |violation| annotation(violation, level))
    });
    let is_changed =
        |one: &Annotation| changed.is_some_and(|changed| changed.touches(&one.path, one.start_line, one.end_line));
    let (mut shown, elsewhere): (Vec<_>, Vec<_>) = all.partition(is_changed);
    shown.extend(elsewhere);
    let left_out = shown.len().saturating_sub(most);
    shown.truncate(most);
    Annotations { shown, left_out }
}

fn annotation(violation: &Violation, level: AnnotationLevel) -> Option<Annotation> {
    let place = violation.location.as_ref().filter(|place| is_in_repository(place))?;
    let start_line = place.start_line.unwrap_or(1).max(1);
    let end_line = place.end_line.unwrap_or(start_line).max(start_line);
    let columns = place
        .start_column
        .zip(place.end_column)
        .filter(|(start, end)| start_line == end_line && *start >= 1 && start <= end);
    let title = match &violation.subject {
        Some(subject) => format!("{}: {}", escape::plain(&violation.rule), escape::plain(subject)),
        None => escape::plain(&violation.rule),
    };
    let mut message = escape::plain(&violation.message);
    if let Some(how) = &violation.how_to_fix {
        message.push_str(&format!("\nFix: {}", escape::plain(how)));
    }
    Some(Annotation {
        path: place.path.clone(),
        start_line,
        end_line,
        columns,
        level,
        title: floor(&title, ANNOTATION_TITLE_BYTES).0.to_owned(),
        message: floor(&message, ANNOTATION_MESSAGE_BYTES).0.to_owned(),
    })
}

/// A relative path, written plainly. A path in a container's layer is no file of the repository.
fn is_in_repository(place: &Location) -> bool {
    let path = &place.path;
    place.layer.is_none()
        && (1..=1024).contains(&path.len())
        && !path.starts_with('/')
        && !path.contains([':', '\\'])
        && !path.chars().any(char::is_control)
        && !path.split('/').any(|part| matches!(part, "" | "." | ".."))
}
