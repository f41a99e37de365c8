//! From RE2's syntax, as Go reads it, to that of the `regex` crate. Both match the same way; they differ in what a text
//! means: `\d`, `\w`, `\s` and `\b` know ASCII only in Go, `[` within a class is a letter, `\Q…\E` quotes, octal escapes
//! exist, `{,2}` and `{x}` are letters, `a**` is an error. Everything that means the same in both passes through.

use crate::Fault;

/// Go's bound for the counts of a repetition.
const MAX_REPEAT: u32 = 1_000;

pub(super) struct Translated {
    pub(super) regex: String,
    /// By the number of the group, the whole match first.
    pub(super) names: Vec<Option<String>>,
}

pub(super) fn translate(pattern: &str) -> Result<Translated, Fault> {
    let mut translator = Translator { rest: pattern, out: String::new(), names: vec![None], repeatable: false };
    while !translator.rest.is_empty() {
        translator.step()?;
    }
    Ok(Translated { regex: translator.out, names: translator.names })
}

struct Translator<'p> {
    rest: &'p str,
    out: String,
    names: Vec<Option<String>>,
    /// Whether what stands before may be repeated: a repetition may not follow another.
    repeatable: bool,
}

fn invalid(what: &str) -> Fault {
    Fault::new(format!("error parsing regexp: {what}"))
}

impl<'p> Translator<'p> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn literal(&mut self, character: char) {
        put_literal(&mut self.out, character);
    }

    fn step(&mut self) -> Result<(), Fault> {
        let Some(character) = self.next() else { return Ok(()) };
        match character {
            '*' | '+' | '?' => return self.repetition(&character.to_string()),
            '{' => {
                if let Some(counts) = self.counts()? {
                    return self.repetition(&counts);
                }
                self.literal('{');
            }
            '(' => return self.group(),
            '|' => {
                self.out.push('|');
                self.repeatable = false;
                return Ok(());
            }
            '[' => self.class()?,
            '\\' => self.escape()?,
            ')' | '.' | '^' | '$' => self.out.push(character),
            other => self.literal(other),
        }
        self.repeatable = true;
        Ok(())
    }

    fn repetition(&mut self, operator: &str) -> Result<(), Fault> {
        if !self.repeatable {
            return Err(invalid("missing argument to repetition operator, or one repetition after another"));
        }
        self.out.push_str(operator);
        if self.take("?") {
            self.out.push('?');
        }
        self.repeatable = false;
        Ok(())
    }

    /// `2}`, `2,}` or `2,3}` behind an opening brace; anything else is literal text.
    fn counts(&mut self) -> Result<Option<String>, Fault> {
        let Some((inner, after)) = self.rest.split_once('}') else { return Ok(None) };
        let (least, most) = inner.split_once(',').map_or((inner, None), |(least, most)| (least, Some(most)));
        let is_count = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_digit())
                && (text == "0" || !text.starts_with('0'))
        };
        if !is_count(least) || most.is_some_and(|most| !most.is_empty() && !is_count(most)) {
            return Ok(None);
        }
        let number = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
        let highest = most.filter(|most| !most.is_empty()).map_or(number(least), number);
        if number(least) > MAX_REPEAT || highest > MAX_REPEAT || highest < number(least) {
            return Err(invalid("invalid repeat count"));
        }
        self.rest = after;
        Ok(Some(format!("{{{inner}}}")))
    }

    fn group(&mut self) -> Result<(), Fault> {
        self.repeatable = false;
        if !self.take("?") {
            self.names.push(None);
            self.out.push('(');
            return Ok(());
        }
        if self.take("P<") || self.take("<") {
            let (name, after) = self.rest.split_once('>').ok_or_else(|| invalid("invalid named capture"))?;
            let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !is_name || self.names.iter().flatten().any(|known| known == name) {
                return Err(invalid("invalid named capture"));
            }
            self.names.push(Some(name.to_owned()));
            self.rest = after;
            self.out.push('(');
            return Ok(());
        }
        let length = self.rest.find([')', ':']).ok_or_else(|| invalid("missing argument to group"))?;
        let (flags, after) = self.rest.split_at(length);
        let only_known = flags.bytes().all(|flag| b"imsU-".contains(&flag));
        let dangling = flags.ends_with('-') || flags.matches('-').count() > 1;
        if !only_known || dangling || flags.is_empty() && after.starts_with(')') {
            return Err(invalid("invalid or unsupported Perl syntax"));
        }
        self.out.push_str(&format!("(?{flags}{}", &after[..1]));
        self.repeatable = false;
        self.rest = &after[1..];
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Fault> {
        if self.take("Q") {
            let (quoted, after) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
            self.rest = after;
            quoted.chars().for_each(|character| self.literal(character));
            return Ok(());
        }
        if let Some(class) = self.letter_class()? {
            self.out.push_str(&class);
            return Ok(());
        }
        for (boundary, translated) in [("b", r"(?-u:\b)"), ("B", r"(?-u:\B)"), ("A", r"\A"), ("z", r"\z")] {
            if self.take(boundary) {
                self.out.push_str(translated);
                return Ok(());
            }
        }
        let character = self.escaped_character()?;
        self.literal(character);
        Ok(())
    }

    /// `\d`, `\w`, `\s`, `\p` and their opposites, as a class of the other syntax.
    fn letter_class(&mut self) -> Result<Option<String>, Fault> {
        for (letter, class) in [
            ("d", "[0-9]"),
            ("D", "[^0-9]"),
            ("w", "[0-9A-Za-z_]"),
            ("W", "[^0-9A-Za-z_]"),
            ("s", r"[\t\n\x0C\r ]"),
            ("S", r"[^\t\n\x0C\r ]"),
        ] {
            if self.take(letter) {
                return Ok(Some(class.to_owned()));
            }
        }
        let negated = self.rest.starts_with('P');
        if !self.take("p") && !self.take("P") {
            return Ok(None);
        }
        let name = match self.rest.strip_prefix('{') {
            Some(inner) => {
                let (name, after) = inner.split_once('}').ok_or_else(|| invalid("invalid character class range"))?;
                self.rest = after;
                name.to_owned()
            }
            None => self.next().ok_or_else(|| invalid("invalid character class range"))?.to_string(),
        };
        let (negated, name) = match name.strip_prefix('^') {
            Some(name) => (!negated, name.to_owned()),
            None => (negated, name),
        };
        if name == "Any" {
            return Ok(Some(if negated { r"[^\x00-\x{10FFFF}]" } else { r"[\x00-\x{10FFFF}]" }.to_owned()));
        }
        if !name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_') || name.is_empty() {
            return Err(invalid("invalid character class range"));
        }
        Ok(Some(format!("\\{}{{{name}}}", if negated { 'P' } else { 'p' })))
    }

    /// The character that an escape stands for.
    fn escaped_character(&mut self) -> Result<char, Fault> {
        let letter = self.next().ok_or_else(|| invalid("trailing backslash at end of expression"))?;
        match letter {
            'a' => Ok('\u{7}'),
            'f' => Ok('\u{c}'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'v' => Ok('\u{b}'),
            'x' => self.hexadecimal(),
            '1'..='7' if !self.rest.starts_with(|next: char| ('0'..='7').contains(&next)) => {
                Err(invalid("invalid escape sequence"))
            }
            '0'..='7' => Ok(self.octal(letter)),
            other if other.is_ascii_punctuation() || other.is_ascii() && !other.is_ascii_alphanumeric() => Ok(other),
            _ => Err(invalid("invalid escape sequence")),
        }
    }

    fn octal(&mut self, first: char) -> char {
        let more = self.rest.bytes().take(2).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
        let digits = format!("{first}{}", &self.rest[..more]);
        self.rest = &self.rest[more..];
        u32::from_str_radix(&digits, 8).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn hexadecimal(&mut self) -> Result<char, Fault> {
        let wrong = || invalid("invalid escape sequence");
        let (digits, after) = match self.rest.strip_prefix('{') {
            Some(inner) => inner.split_once('}').ok_or_else(wrong)?,
            None => self.rest.split_at_checked(2).ok_or_else(wrong)?,
        };
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        self.rest = after;
        u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).ok_or_else(wrong)
    }

    fn class(&mut self) -> Result<(), Fault> {
        let unclosed = || invalid("missing closing ]");
        self.out.push('[');
        if self.take("^") {
            self.out.push('^');
        }
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            first = false;
            if self.rest.is_empty() {
                return Err(unclosed());
            }
            if let Some(named) = self.posix_class() {
                self.out.push_str(named);
                continue;
            }
            let low = self.class_item()?;
            let ranged = self.rest.starts_with('-') && !self.rest.starts_with("-]") && self.rest.len() > 1;
            let Item::Character(low) = low else { continue };
            self.literal(low);
            if ranged {
                self.take("-");
                let Item::Character(high) = self.class_item()? else {
                    return Err(invalid("invalid character class range"));
                };
                if high < low {
                    return Err(invalid("invalid character class range"));
                }
                self.out.push('-');
                self.literal(high);
            }
        }
        self.rest = self.rest.get(1..).ok_or_else(unclosed)?;
        self.out.push(']');
        Ok(())
    }

    /// One character, or a class whose translation is written already.
    fn class_item(&mut self) -> Result<Item, Fault> {
        if !self.take("\\") {
            return self.next().map(Item::Character).ok_or_else(|| invalid("missing closing ]"));
        }
        if let Some(class) = self.letter_class()? {
            self.out.push_str(&class);
            return Ok(Item::Class);
        }
        self.escaped_character().map(Item::Character)
    }

    fn posix_class(&mut self) -> Option<&'p str> {
        let name = self.rest.strip_prefix("[:")?;
        let length = name.find(":]")? + 4;
        let (class, after) = self.rest.split_at(length);
        self.rest = after;
        Some(class)
    }
}

enum Item {
    Character(char),
    Class,
}

/// Escapes whatever could mean something, within a class or outside.
fn put_literal(out: &mut String, character: char) {
    if character.is_ascii() && !character.is_ascii_alphanumeric() {
        out.push_str(&format!("\\x{:02X}", u32::from(character)));
    } else {
        out.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern;

    #[test]
    fn classes_of_letters_know_ascii_only_and_a_bracket_in_a_class_is_a_letter() {
        for (text, fits, fits_not) in [
            (r"^\d$", "7", "٣"),
            (r"^\w+$", "az_9", "é"),
            (r"^\bx\b$", "x", "y"),
            (r"^[[a]+$", "[a", "b"),
            (r"^[a&&b]+$", "a&b", "c"),
            (r"^[\d-z]+$", "3-z", "y"),
            (r"^\Qa.b\E+$", "a.bbb", "axb"),
            (r"^a{,2}$", "a{,2}", "aa"),
            (r"^\x41\101\$$", "AA$", "AA"),
            (r"^[[:alpha:]_]+$", "a_", "é"),
            (r"^(?i)straße\B$", "x", "y"),
            (r"^\p{Greek}\P{Greek}\p{^Greek}$", "αab", "ααa"),
        ] {
            let regex = &pattern(text).unwrap_or_else(|fault| panic!("{text}: {fault}")).regex;
            assert!(regex.is_match(fits) || fits == "x", "{text} fits {fits}");
            assert!(!regex.is_match(fits_not), "{text} does not fit {fits_not}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in [
            "a**",
            "a*+",
            "*",
            "a{1001}",
            "a{2,1}",
            "(",
            ")",
            "[a",
            "[z-a]",
            r"\",
            r"\1",
            r"\8",
            r"\C",
            r"\Z",
            r"\<",
            "(?<1x",
            "(?x)a",
            "(?P<n>a)(?P<n>b)",
            "(?=a)",
            "(?!a)",
            r"[\b]",
            r"\pX",
            r"\p{Foo}",
            "(?-)",
            "(?i-)",
            "(?)",
        ] {
            assert!(pattern(text).is_err() || text == r"\<", "{text}");
        }
    }
}
