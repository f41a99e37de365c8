//! Bytes to text, as scanners really write them: byte order marks, UTF-16 of PowerShell, broken UTF-8.

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};

use crate::notes::Notes;
use crate::types::Diagnostic;

/// The encoding by byte order mark alone; without a mark UTF-8 is assumed. `None` for clean UTF-8 without a mark.
pub(crate) fn marked_encoding(head: &[u8]) -> Option<(&'static Encoding, usize)> {
    Encoding::for_bom(head)
}

/// The whole as text. Clean UTF-8 is not copied.
pub(crate) fn decode(bytes: Vec<u8>, notes: &Notes) -> String {
    let (encoding, mark) = marked_encoding(&bytes).unwrap_or((UTF_8, 0));
    if encoding == UTF_8 && mark == 0 {
        return match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                notes.odd(replaced(encoding));
                String::from_utf8_lossy(error.as_bytes()).into_owned()
            }
        };
    }
    let (text, had_errors) = encoding.decode_without_bom_handling(&bytes[mark..]);
    if had_errors {
        notes.odd(replaced(encoding));
    }
    text.into_owned()
}

fn replaced(encoding: &'static Encoding) -> Diagnostic {
    Diagnostic::warning(format!("bytes that are not {} were replaced by U+FFFD", encoding.name()))
}

/// The same for a file that comes in chunks.
pub(crate) struct ChunkDecoder {
    decoder: Decoder,
    notes: Notes,
    noted: bool,
}

impl ChunkDecoder {
    pub fn new(notes: Notes) -> ChunkDecoder {
        // This constructor sniffs the byte order mark and removes it.
        ChunkDecoder { decoder: UTF_8.new_decoder(), notes, noted: false }
    }

    /// Appends a chunk's text. `last` flushes a character that the file cuts.
    pub fn append(&mut self, text: &mut String, mut chunk: &[u8], place: Place) {
        loop {
            text.reserve(self.decoder.max_utf8_buffer_length(chunk.len()).unwrap_or(chunk.len() * 3));
            let (result, read, had_errors) = self.decoder.decode_to_string(chunk, text, place == Place::Last);
            if had_errors && !self.noted {
                self.noted = true;
                self.notes.odd_once(replaced(self.decoder.encoding()));
            }
            chunk = &chunk[read..];
            if result == CoderResult::InputEmpty {
                return;
            }
        }
    }
}

/// Where a chunk stands in its file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Before,
    Last,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16le(text: &str) -> Vec<u8> {
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
    }

    #[test]
    fn marks_are_removed_and_utf16_is_transcoded() {
        let notes = Notes::default();
        assert_eq!(decode(b"\xef\xbb\xbf{}".to_vec(), &notes), "{}");
        assert_eq!(decode(utf16le("{\"a\": \"é\"}"), &notes), "{\"a\": \"é\"}");
        assert!(notes.take().is_empty());
    }

    #[test]
    fn broken_bytes_are_replaced_and_noted_once() {
        let notes = Notes::default();
        assert_eq!(decode(b"a\xffb\xffc".to_vec(), &notes), "a\u{fffd}b\u{fffd}c");
        assert_eq!(notes.take().len(), 1);
    }

    #[test]
    fn a_character_cut_between_two_chunks_stays_whole() {
        let bytes = utf16le("aé𝄞b");
        for cut in 0..bytes.len() {
            let mut decoder = ChunkDecoder::new(Notes::default());
            let mut text = String::new();
            decoder.append(&mut text, &bytes[..cut], Place::Before);
            decoder.append(&mut text, &bytes[cut..], Place::Last);
            assert_eq!(text, "aé𝄞b", "cut at {cut}");
        }
    }
}
