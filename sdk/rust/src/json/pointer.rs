//! The place in a JSON text as a JSON pointer (RFC 6901).

use std::fmt::Write;

/// A step from a value into one that it holds.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Name(String),
    Index(usize),
}

pub(super) fn render(path: &[Step]) -> String {
    let mut pointer = String::new();
    for step in path {
        pointer.push('/');
        match step {
            Step::Name(name) if name.contains(['~', '/']) => {
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
            Step::Name(name) => pointer.push_str(name),
            Step::Index(index) => write!(pointer, "{index}").expect("writing into a string cannot fail"),
        }
    }
    pointer
}

/// The pointer of the value at a line and column, as `serde_json` gives them (both from 1; the column may stand behind the
/// value's last character). For small texts: it scans from the start.
pub(crate) fn pointer_at(text: &str, line: usize, column: usize) -> String {
    let line_start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut path: Vec<Step> = Vec::new();
    let mut scan = text.as_bytes()[..text.len().min(line_start + column)].iter().enumerate().peekable();
    let mut expects_name = Vec::new(); // per open object or array: Some(true) before a name
    while let Some((at, byte)) = scan.next() {
        match byte {
            b'"' => {
                let start = at + 1;
                let mut end = start;
                while let Some((at, byte)) = scan.next() {
                    end = at;
                    match byte {
                        b'\\' => drop(scan.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
                if let Some(Some(before_name @ true)) = expects_name.last_mut() {
                    *before_name = false;
                    path.pop();
                    path.push(Step::Name(text.get(start..end).unwrap_or_default().to_owned()));
                }
            }
            b'{' => {
                expects_name.push(Some(true));
                path.push(Step::Name(String::new()));
            }
            b'[' => {
                expects_name.push(None);
                path.push(Step::Index(0));
            }
            // The error stands behind the last character of an object that lacks a member: it is about the object.
            b'}' | b']' => {
                expects_name.pop();
                path.pop();
            }
            b',' if scan.peek().is_some() => match (expects_name.last_mut(), path.last_mut()) {
                (Some(Some(before_name)), _) => *before_name = true,
                (Some(None), Some(Step::Index(index))) => *index += 1,
                _ => {}
            },
            _ => {}
        }
    }
    let path: Vec<Step> =
        path.into_iter().filter(|step| !matches!(step, Step::Name(name) if name.is_empty())).collect();
    render(&path)
}
