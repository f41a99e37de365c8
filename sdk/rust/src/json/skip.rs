//! Finds the end of a value without parsing it: no recursion, so depth 10,000 is as good as depth 1, and no opinion about
//! what stands inside.

/// Where a scan of one value stands. Bytes may come in several pieces.
#[derive(Debug, Default)]
pub(super) struct Skip {
    depth: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// No byte of the value was seen.
    #[default]
    Before,
    /// Between the strings of an object or array.
    Between,
    InText,
    AfterBackslash,
    /// In a number, `true`, `false` or `null` at depth 0.
    InWord,
    /// Behind the value.
    Done,
}

impl Skip {
    /// The number of bytes up to and with the value's last one; `None` if the value goes on behind `bytes`, all of which
    /// belong to it then.
    pub fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            at = match self.state {
                State::InText => self.text(bytes, at)?,
                State::AfterBackslash => {
                    self.state = State::InText;
                    at + 1
                }
                State::Between => self.inside(bytes, at)?,
                State::InWord if ends_word(bytes[at]) => return Some(at),
                State::InWord => at + 1,
                // A value is missing here; the byte belongs to what is around it.
                State::Before if matches!(bytes[at], b'}' | b']' | b',') => return Some(at),
                State::Before => self.first(bytes[at], at),
                State::Done => return Some(at),
            };
        }
        (self.state == State::Done).then_some(at)
    }

    fn first(&mut self, byte: u8, at: usize) -> usize {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' | b'\0' => {}
            b'"' => self.state = State::InText,
            b'{' | b'[' => {
                self.depth = 1;
                self.state = State::Between;
            }
            _ => self.state = State::InWord,
        }
        at + 1
    }

    /// To the string's closing quote or a backslash, and behind it.
    fn text(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        let found = at + memchr::memchr2(b'"', b'\\', &bytes[at..])?;
        self.state = match bytes[found] {
            b'\\' => State::AfterBackslash,
            _ if self.depth == 0 => State::Done,
            _ => State::Between,
        };
        Some(found + 1)
    }

    /// The hot loop between the strings of an object or array: to the next string, or behind the end.
    fn inside(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        for (step, byte) in bytes[at..].iter().enumerate() {
            match byte {
                b'"' => self.state = State::InText,
                b'{' | b'[' => {
                    self.depth += 1;
                    continue;
                }
                b'}' | b']' if self.depth == 1 => self.state = State::Done,
                b'}' | b']' => {
                    self.depth -= 1;
                    continue;
                }
                _ => continue,
            }
            return Some(at + step + 1);
        }
        None
    }

    /// At the end of the text a word is whole, anything else is cut.
    pub fn is_whole_at_the_end(&self) -> bool {
        self.state == State::InWord
    }
}

fn ends_word(byte: u8) -> bool {
    matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t' | b'\0')
}

#[cfg(test)]
mod tests {
    use super::Skip;

    #[test]
    fn the_end_of_a_value_is_found_whatever_is_in_it() {
        let end = |text: &str| Skip::default().advance(text.as_bytes());
        assert_eq!(end(r#"{"a": "}\"]", "b": [1, {}]}, 2"#), Some(27));
        assert_eq!(end(r#" "a\\", 1"#), Some(6));
        assert_eq!(end("12, 3"), Some(2));
        assert_eq!(end(r#"{"a": [1"#), None);
    }

    #[test]
    fn a_value_in_pieces_ends_where_it_ends_in_one() {
        let text = br#"{"a": "\"x", "b": [true, "]"]},"#;
        for cut in 0..text.len() - 1 {
            let mut skip = Skip::default();
            let end = skip.advance(&text[..cut]).or_else(|| skip.advance(&text[cut..]).map(|end| cut + end));
            assert_eq!(end, Some(text.len() - 1), "cut at {cut}");
        }
    }
}
