//! PEM blocks, wherever they stand in a text.

use crate::families::encoding::from_base64;

pub struct Block<'t> {
    pub label: &'t str,
    pub bytes: Vec<u8>,
    /// What follows the block's last line.
    pub rest: &'t str,
}

/// The first block whose two ends agree and whose inside is base64. Headers, which only encrypted keys have, are passed.
pub fn first(text: &str) -> Option<Block<'_>> {
    let mut from = 0;
    loop {
        let begin = from + line_that_begins(&text[from..], "-----BEGIN ")?;
        from = begin + 1;
        let Some((label, body)) = text[begin + "-----BEGIN ".len()..].split_once("-----") else { return None };
        if !label.contains('\n')
            && let Some(end) = line_that_begins(body, &format!("-----END {label}-----"))
            && let Some(bytes) = content(&body[..end])
        {
            let after = &body[end..];
            let rest = after.split_once('\n').map_or("", |(_, rest)| rest);
            return Some(Block { label, bytes, rest });
        }
    }
}

pub fn all(text: &str) -> impl Iterator<Item = Block<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let block = first(rest)?;
        rest = block.rest;
        Some(block)
    })
}

fn line_that_begins(text: &str, with: &str) -> Option<usize> {
    text.match_indices(with).map(|(at, _)| at).find(|at| *at == 0 || text.as_bytes()[at - 1] == b'\n')
}

fn content(body: &str) -> Option<Vec<u8>> {
    let is_header = |line: &str| line.contains(':');
    let lines = body.lines().filter(|line| !is_header(line));
    let plain: String = lines.flat_map(str::chars).filter(|letter| !letter.is_ascii_whitespace()).collect();
    from_base64(&plain).ok()
}
