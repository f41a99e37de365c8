//! Licences by the names that people and packagers give them. Turns a name into SPDX words where it can mean only one
//! thing, and into nothing where it can mean several: bare `BSD`, `GPL`, `Artistic` and `Public Domain` stay unread.

use std::collections::HashMap;
use std::sync::OnceLock;

/// Names by the words that are left of them after `words`, with what they mean. The rest comes from SPDX's own full
/// names and from `STEWARDS`.
const NAMES: &[(&str, &str)] = &[
    ("0bsd", "0BSD"),
    ("2 clause bsd", "BSD-2-Clause"),
    ("3 clause bsd", "BSD-3-Clause"),
    ("4 clause bsd", "BSD-4-Clause"),
    ("bsd 2", "BSD-2-Clause"),
    ("bsd 2 clause", "BSD-2-Clause"),
    ("bsd 3", "BSD-3-Clause"),
    ("bsd 3 clause", "BSD-3-Clause"),
    ("bsd 4 clause", "BSD-4-Clause"),
    ("bsd new", "BSD-3-Clause"),
    ("bsd simplified", "BSD-2-Clause"),
    ("cc0", "CC0-1.0"),
    ("cc0 1.0", "CC0-1.0"),
    ("cc0 1.0 universal", "CC0-1.0"),
    ("eclipse distribution 1.0", "BSD-3-Clause"),
    ("edl 1.0", "BSD-3-Clause"),
    ("expat", "MIT"),
    ("expat mit", "MIT"),
    ("gnu general public 2 with classpath exception", "GPL-2.0-only WITH Classpath-exception-2.0"),
    ("gnu general public 2 with the gnu classpath exception", "GPL-2.0-only WITH Classpath-exception-2.0"),
    ("gpl + or artistic", "GPL-1.0-or-later OR Artistic-1.0-Perl"),
    ("gpl 2 w cpe", "GPL-2.0-only WITH Classpath-exception-2.0"),
    ("gpl 2 with classpath exception", "GPL-2.0-only WITH Classpath-exception-2.0"),
    ("mit expat", "MIT"),
    ("mit mit", "MIT"),
    ("modified bsd", "BSD-3-Clause"),
    ("new bsd", "BSD-3-Clause"),
    ("psf 2.0", "PSF-2.0"),
    ("revised bsd", "BSD-3-Clause"),
    ("same as perl", "GPL-1.0-or-later OR Artistic-1.0-Perl"),
    ("same terms as perl", "GPL-1.0-or-later OR Artistic-1.0-Perl"),
    ("simplified bsd", "BSD-2-Clause"),
];

/// Names that need a version behind them, with the front of the SPDX id.
const STEWARDS: &[(&str, &str)] = &[
    ("affero general public", "AGPL"),
    ("agpl", "AGPL"),
    ("apache", "Apache"),
    ("artistic", "Artistic"),
    ("asl", "Apache"),
    ("boost", "BSL"),
    ("bsl", "BSL"),
    ("cc by", "CC-BY"),
    ("cc by sa", "CC-BY-SA"),
    ("cddl", "CDDL"),
    ("common development and distribution", "CDDL"),
    ("eclipse public", "EPL"),
    ("epl", "EPL"),
    ("eupl", "EUPL"),
    ("european union public", "EUPL"),
    ("fdl", "GFDL"),
    ("gfdl", "GFDL"),
    ("gnu affero general public", "AGPL"),
    ("gnu agpl", "AGPL"),
    ("gnu free documentation", "GFDL"),
    ("gnu general public", "GPL"),
    ("gnu gpl", "GPL"),
    ("gnu lesser general public", "LGPL"),
    ("gnu lgpl", "LGPL"),
    ("gnu library general public", "LGPL"),
    ("gnu library or lesser general public", "LGPL"),
    ("gpl", "GPL"),
    ("lesser general public", "LGPL"),
    ("lgpl", "LGPL"),
    ("lppl", "LPPL"),
    ("mozilla public", "MPL"),
    ("mpl", "MPL"),
    ("ofl", "OFL"),
    ("osl", "OSL"),
    ("php", "PHP"),
    ("sil ofl", "OFL"),
    ("sil open font", "OFL"),
    ("zope public", "ZPL"),
    ("zpl", "ZPL"),
];

/// Names that could each mean several licences and are no id of their own.
const AMBIGUOUS: &[&str] = &[
    "bsd",
    "cc",
    "cc by",
    "cc by sa",
    "copyleft",
    "creative commons",
    "free",
    "freeware",
    "gnu",
    "open source",
    "opensource",
    "perl",
    "public domain",
    "publicdomain",
    "unknown",
];

/// Ids that SPDX has withdrawn in favour of others. The plain GNU ids are not here: they are versions, and `families`
/// reads them.
const WITHDRAWN: &[(&str, &str)] = &[
    ("BSD-2-Clause-FreeBSD", "BSD-2-Clause-Views"),
    ("BSD-2-Clause-NetBSD", "BSD-2-Clause"),
    ("GPL-2.0-with-GCC-exception", "GPL-2.0-only WITH GCC-exception-2.0"),
    ("GPL-2.0-with-autoconf-exception", "GPL-2.0-only WITH Autoconf-exception-2.0"),
    ("GPL-2.0-with-bison-exception", "GPL-2.0-only WITH Bison-exception-2.2"),
    ("GPL-2.0-with-classpath-exception", "GPL-2.0-only WITH Classpath-exception-2.0"),
    ("GPL-2.0-with-font-exception", "GPL-2.0-only WITH Font-exception-2.0"),
    ("GPL-3.0-with-GCC-exception", "GPL-3.0-only WITH GCC-exception-3.1"),
    ("GPL-3.0-with-autoconf-exception", "GPL-3.0-only WITH Autoconf-exception-3.0"),
    ("StandardML-NJ", "SMLNJ"),
    ("bzip2-1.0.5", "bzip2-1.0.6"),
    ("eCos-2.0", "GPL-2.0-or-later WITH eCos-exception-2.0"),
    ("wxWindows", "LGPL-2.0-or-later WITH WxWindows-exception-3.1"),
];

/// Words that say nothing about which licence it is.
const NOISE: &[&str] =
    &["v", "the", "license", "licence", "licenses", "licensed", "under", "version", "ver", "software"];

/// The longest name that is looked for, in words: SPDX's longest full names have about this many.
pub const LONGEST: usize = 12;

/// What a name means, in SPDX words.
pub fn known(name: &str) -> Option<String> {
    let words = words(name);
    if words.is_empty() || words.len() > LONGEST {
        return None;
    }
    let key = words.join(" ");
    if let Ok(at) = NAMES.binary_search_by(|(known, _)| (*known).cmp(&key)) {
        return Some(NAMES[at].1.to_owned());
    }
    with_version(&words).or_else(|| full_names().get(&key).copied().flatten().map(current))
}

/// An SPDX id in any case, with or without a `+` behind it.
pub fn id(word: &str) -> Option<String> {
    match word.strip_suffix('+') {
        Some(bare) => in_any_case(bare).map(|id| later(&current(id))),
        None => in_any_case(word).map(current),
    }
}

/// An SPDX exception in any case.
pub fn exception(words: &str) -> Option<&'static str> {
    if words.eq_ignore_ascii_case("classpath exception") || words.eq_ignore_ascii_case("classpath-exception") {
        return Some("Classpath-exception-2.0");
    }
    let listed = || spdx::identifiers::EXCEPTIONS.iter().map(|exception| exception.name);
    listed().find(|name| name.eq_ignore_ascii_case(words))
}

/// Whether a name is known to mean several things.
pub fn ambiguous(name: &str) -> bool {
    let key = words(name).join(" ");
    AMBIGUOUS.contains(&key.as_str()) || STEWARDS.iter().any(|(steward, _)| *steward == key)
}

fn in_any_case(word: &str) -> Option<&'static str> {
    if let Some(id) = spdx::license_id(word).filter(|id| id.name == word) {
        return Some(id.name);
    }
    spdx::identifiers::LICENSES.iter().map(|license| license.name).find(|name| name.eq_ignore_ascii_case(word))
}

/// The id that SPDX uses today.
fn current(id: &'static str) -> String {
    if let Some((_, new)) = WITHDRAWN.iter().find(|(old, _)| *old == id) {
        return (*new).to_owned();
    }
    match spdx::license_id(id) {
        Some(license) if license.is_gnu() && license.is_deprecated() => match id.strip_suffix('+') {
            Some(base) => later(base),
            None => spdx::gnu_license_id(id, false).map_or(id, |only| only.name).to_owned(),
        },
        _ => id.to_owned(),
    }
}

fn later(id: &str) -> String {
    let base = id.strip_suffix("-only").unwrap_or(id);
    match spdx::gnu_license_id(base, true) {
        Some(later) => later.name.to_owned(),
        None => format!("{base}+"),
    }
}

/// `gnu general public 2 +` and the like: a steward's name, a version, and what follows.
fn with_version(words: &[String]) -> Option<String> {
    let (version, steward, or_later) = match words {
        // RPM's "any version of it".
        [name, plus] if plus == "+" => {
            let any = [("gpl", "GPL-1.0-or-later"), ("lgpl", "LGPL-2.0-or-later")];
            return any.iter().find(|(steward, _)| steward == name).map(|(_, id)| (*id).to_owned());
        }
        [steward @ .., version, plus] if plus == "+" => (version, steward, true),
        [steward @ .., version, only] if only == "only" => (version, steward, false),
        [steward @ .., version] => (version, steward, false),
        [] => return None,
    };
    if !version.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let steward = steward.join(" ");
    let (_, front) = STEWARDS.iter().find(|(name, _)| *name == steward)?;
    let id =
        [format!("{front}-{version}"), format!("{front}-{version}.0")].into_iter().find_map(|id| in_any_case(&id))?;
    Some(if or_later { later(&current(id)) } else { current(id) })
}

/// SPDX's own full names. Two licences that share a name after `words` are nobody's, unless one of them is withdrawn.
fn full_names() -> &'static HashMap<String, Option<&'static str>> {
    static NAMES: OnceLock<HashMap<String, Option<&'static str>>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names = HashMap::<String, Option<&'static str>>::new();
        let (old, new): (Vec<_>, Vec<_>) =
            spdx::identifiers::LICENSES.iter().partition(|license| license.flags & spdx::flags::IS_DEPRECATED != 0);
        for license in &new {
            let key = words(license.full_name).join(" ");
            names.entry(key).and_modify(|taken| *taken = None).or_insert(Some(license.name));
        }
        for license in &old {
            names.entry(words(license.full_name).join(" ")).or_insert(Some(license.name));
        }
        names
    })
}

/// The words that matter: lower case, without punctuation and noise, versions apart from names, `or later` as `+`.
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    for raw in name.split(|at: char| !(at.is_alphanumeric() || at == '+' || at == '.')) {
        let word = raw.trim_matches('.').to_lowercase();
        if !word.is_empty() && !NOISE.contains(&word.as_str()) {
            split_version(&word, &mut words);
        }
    }
    join_or_later(words)
}

/// `gplv2+` is `gpl`, `2`, `+`; `v2` is `2`. Only letters that a steward's licence is called by are split off.
fn split_version(word: &str, into: &mut Vec<String>) {
    if !word.contains(|at: char| at == '+' || at.is_ascii_digit()) {
        into.push(word.to_owned());
        return;
    }
    let (word, plus) = match word.strip_suffix('+') {
        Some(bare) => (bare, true),
        None => (word, false),
    };
    let digits = word.find(|at: char| at.is_ascii_digit()).unwrap_or(word.len());
    let (letters, version) = word.split_at(digits);
    let front = letters.strip_suffix('v').unwrap_or(letters);
    let splits = front.is_empty() || front == "bsd" || STEWARDS.iter().any(|(steward, _)| *steward == front);
    if splits && !version.is_empty() {
        into.extend((!front.is_empty()).then(|| front.to_owned()));
        into.push(version.to_owned());
    } else if !word.is_empty() {
        into.push(word.to_owned());
    }
    if plus {
        into.push("+".to_owned());
    }
}

fn join_or_later(words: Vec<String>) -> Vec<String> {
    const TAILS: &[&[&str]] = &[
        &["or", "at", "your", "option", "any", "later"],
        &["or", "any", "later"],
        &["or", "later"],
        &["or", "newer"],
        &["or", "greater"],
        &["and", "later"],
    ];
    for tail in TAILS {
        if words.len() > tail.len() && words.ends_with(&tail.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
        {
            let mut kept = words[..words.len() - tail.len()].to_vec();
            kept.push("+".to_owned());
            return kept;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_its_meanings_are_spdx() {
        assert!(NAMES.is_sorted_by_key(|(name, _)| *name), "binary search needs it");
        for (_, meaning) in NAMES.iter().chain(WITHDRAWN) {
            assert!(spdx::Expression::parse(meaning).is_ok(), "{meaning}");
        }
    }

    #[test]
    fn names_that_people_write_are_read() {
        let read = |name: &str| known(name).unwrap_or_else(|| "-".to_owned());
        for (name, expected) in [
            ("Apache License 2.0", "Apache-2.0"),
            ("Apache License, Version 2.0", "Apache-2.0"),
            ("The Apache Software License, Version 2.0", "Apache-2.0"),
            ("Apache 2", "Apache-2.0"),
            ("ASL 2.0", "Apache-2.0"),
            ("The MIT License", "MIT"),
            ("The MIT License (MIT)", "MIT"),
            ("Expat", "MIT"),
            ("BSD 3-Clause", "BSD-3-Clause"),
            ("New BSD License", "BSD-3-Clause"),
            ("GPLv2+", "GPL-2.0-or-later"),
            ("GPLv2", "GPL-2.0-only"),
            ("LGPLv2+", "LGPL-2.0-or-later"),
            ("LGPLv2.1", "LGPL-2.1-only"),
            ("GPL-2", "GPL-2.0-only"),
            ("GPL+", "GPL-1.0-or-later"),
            ("GPL+ or Artistic", "GPL-1.0-or-later OR Artistic-1.0-Perl"),
            ("GNU General Public License v3 or later", "GPL-3.0-or-later"),
            ("GNU General Public License, version 2 or (at your option) any later version", "GPL-2.0-or-later"),
            ("GNU Lesser General Public License v3.0 only", "LGPL-3.0-only"),
            ("Mozilla Public License 2.0", "MPL-2.0"),
            ("MPLv1.1", "MPL-1.1"),
            ("Eclipse Public License - v 2.0", "EPL-2.0"),
            ("ISC License", "ISC"),
            ("GPL2 w/ CPE", "GPL-2.0-only WITH Classpath-exception-2.0"),
            ("Boost Software License 1.0", "BSL-1.0"),
            ("The Unlicense", "Unlicense"),
        ] {
            assert_eq!(read(name), expected, "{name}");
        }
    }

    #[test]
    fn names_that_mean_several_licences_are_not_read() {
        for name in ["BSD", "GPL", "Artistic", "Public Domain", "Apache", "BSD License", "CC-BY", "LGPL", "GPL 7"] {
            assert_eq!(known(name), None, "{name}");
        }
        for name in ["BSD", "GPL", "Artistic", "Public Domain", "The Apache License"] {
            assert!(ambiguous(name), "{name}");
        }
        assert!(!ambiguous("OTHER"));
    }

    #[test]
    fn withdrawn_ids_become_current_ones() {
        assert_eq!(
            id("gpl-2.0-with-classpath-exception").as_deref(),
            Some("GPL-2.0-only WITH Classpath-exception-2.0")
        );
        assert_eq!(id("GPL-2.0").as_deref(), Some("GPL-2.0-only"));
        assert_eq!(id("LGPL-2.1+").as_deref(), Some("LGPL-2.1-or-later"));
        assert_eq!(id("apache-2.0+").as_deref(), Some("Apache-2.0+"));
        assert_eq!(id("mit").as_deref(), Some("MIT"));
        assert_eq!(id("Foo-1.0"), None);
    }
}
