//! GitHub's limits on a check run's texts. Documented in characters, enforced in UTF-8 bytes; what does not fit is left
//! out in whole entries and counted, so that no table, list or fence is ever cut in two.

use crate::model::publication::PolicyMark;

/// `summary` and `text` each, less the mark that `publish` puts under a text.
pub const TEXT_BYTES: usize = 65_535 - PolicyMark::BYTES;

/// Our own: hundreds of inline remarks make a pull request's page unusable.
pub const ANNOTATIONS: usize = 300;

/// GitHub: 255.
pub const ANNOTATION_TITLE_BYTES: usize = 255;

/// GitHub: 64 KiB. More than a few lines is not read beside a line of code.
pub const ANNOTATION_MESSAGE_BYTES: usize = 4 * 1024;

/// Kept free for the line that tells how much is left out.
const OMISSION_BYTES: usize = 160;

/// A text under a cap of bytes, built of whole entries.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
    full: bool,
}

impl Page {
    /// One paragraph; answers whether it fitted.
    pub fn paragraph(&mut self, paragraph: &str) {
        if !paragraph.is_empty() {
            self.push(&format!("{paragraph}\n\n"));
        }
    }

    /// A head, then entries that each stand in lines of their own, then an empty line. A table's head and rows, a
    /// headline and its list.
    pub fn entries(&mut self, head: &str, entries: impl ExactSizeIterator<Item = String>, one: &str) {
        let total = entries.len();
        if total == 0 || !self.push(head) {
            return;
        }
        for (shown, entry) in entries.enumerate() {
            if !self.push(&entry) {
                self.text.push_str(&format!("\n… {} more {one} are not shown\n", total - shown));
                return;
            }
        }
        self.push("\n");
    }

    /// Markdown of several lines: cut at a line where it does not fit, an open fence closed.
    pub fn markdown(&mut self, markdown: &str) {
        let room = (TEXT_BYTES - OMISSION_BYTES).saturating_sub(self.text.len() + "\n\n".len());
        if self.full || markdown.is_empty() {
            return;
        }
        let fitting = cut(markdown, room);
        self.full = fitting.len() < markdown.len();
        self.text.push_str(&fitting);
        self.text.push_str("\n\n");
    }

    pub fn finish(self) -> String {
        self.text.trim_end().to_owned()
    }

    /// Once something did not fit nothing more comes: what follows is less important than what is left out.
    fn push(&mut self, entry: &str) -> bool {
        self.full = self.full || self.text.len() + entry.len() > TEXT_BYTES - OMISSION_BYTES;
        if !self.full {
            self.text.push_str(entry);
        }
        !self.full
    }
}

/// The longest start within `bytes` that ends on a character.
pub fn floor(text: &str, bytes: usize) -> (&str, bool) {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    (&text[..end], end < text.len())
}

/// Whole lines within `bytes`, an open fence closed, and a line that says so.
fn cut(markdown: &str, bytes: usize) -> String {
    if markdown.len() <= bytes {
        return markdown.to_owned();
    }
    let (start, _) = floor(markdown, bytes.saturating_sub(OMISSION_BYTES));
    let whole = start.rfind('\n').map_or("", |end| &start[..end]);
    let mut fence: Option<&str> = None;
    for line in whole.lines().map(str::trim_start) {
        let run = line.len() - line.trim_start_matches('`').len();
        match fence {
            None if run >= 3 => fence = Some(&line[..run]),
            Some(open) if run >= open.len() && line.trim_end().len() == run => fence = None,
            _ => {}
        }
    }
    let close = fence.map(|fence| format!("\n{fence}")).unwrap_or_default();
    format!("{whole}{close}\n\n… the rest is left out")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_on_a_character_and_says_so() {
        assert_eq!(floor("añb", 2), ("a", true));
        assert_eq!(floor("añb", 3), ("añ", true));
        assert_eq!(floor("añb", 9), ("añb", false));
    }

    #[test]
    fn a_fence_that_is_open_at_the_cut_is_closed() {
        let markdown = format!("before\n\n````\n{}", "a line of code\n".repeat(40));
        let cut = cut(&markdown, 300);
        assert!(cut.len() <= 300, "{}", cut.len());
        assert_eq!(cut.matches("````").count(), 2, "{cut}");
        assert!(cut.ends_with("… the rest is left out"));
    }

    #[test]
    fn entries_that_do_not_fit_are_counted() {
        let mut page = Page::default();
        page.entries("| a |\n|---|\n", (0..5_000).map(|n| format!("| row {n} {} |\n", "ü".repeat(20))), "rows");
        page.paragraph("never shown");
        let text = page.finish();
        assert!(text.len() <= TEXT_BYTES);
        let rows = text.lines().filter(|line| line.starts_with("| row")).count();
        assert!(text.ends_with(&format!("… {} more rows are not shown", 5_000 - rows)), "{}", &text[text.len() - 99..]);
    }
}
