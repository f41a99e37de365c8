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
    Between,
    InText,
    AfterBackslash,
    /// In a number, `true`, `false` or `null` at depth 0.
    InWord,
}

impl Skip {
    /// The number of bytes up to and with the value's last one; `None` if the value goes on behind `bytes`, all of which
    /// belong to it then.
    pub fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            match self.state {
                State::InText => {
                    // The hot loop: most bytes of a report stand in strings.
                    at += memchr::memchr2(b'"', b'\\', &bytes[at..])?;
                    self.state = if bytes[at] == b'"' { State::Between } else { State::AfterBackslash };
                    if self.state == State::Between && self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                State::AfterBackslash => self.state = State::InText,
                State::InWord if matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t' | b'\0') => {
                    return Some(at);
                }
                State::InWord => {}
                State::Before | State::Between => match byte {
                    b'"' => self.state = State::InText,
                    b'{' | b'[' => {
                        self.depth += 1;
                        self.state = State::Between;
                    }
                    // A value is missing here; the bracket belongs to what is around it.
                    b'}' | b']' | b',' if self.depth == 0 => return Some(at),
                    b'}' | b']' => {
                        self.depth -= 1;
                        if self.depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    b' ' | b'\n' | b'\r' | b'\t' | b'\0' => {}
                    _ if self.depth == 0 => self.state = State::InWord,
                    _ => {}
                },
            }
            at += 1;
        }
        None
    }

    /// At the end of the text a word is whole, anything else is cut.
    pub fn is_whole_at_the_end(&self) -> bool {
        self.state == State::InWord
    }
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
