//! Searches everything that the tests said for the secrets that they planted, and for what looks like one.

use crate::stages::Outcome;
use crate::tools;
use anyhow::{Context, Result, bail, ensure};
use regex::{Regex, RegexBuilder};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// GitHub's tokens in both forms, and JSON web tokens.
const PATTERNS: [(&str, &str); 2] = [
    ("a token of GitHub", r"gh[pousr]_[A-Za-z0-9._-]{20,}"),
    ("a JSON web token", r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
];
/// What is shorter is found everywhere.
const SHORTEST: usize = 8;
/// One place is enough to look at; a leak in every line would fill the screen.
const TOLD: usize = 20;
/// A few thousand tokens of 500 characters.
const LARGEST_SEARCH: usize = 512 << 20;

fn directory() -> PathBuf {
    tools::target_directory().join("test-output")
}

/// Forgets what earlier runs said.
pub fn begin() -> Result<()> {
    let directory = directory();
    match std::fs::remove_dir_all(&directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", directory.display()))
        }
        _ => Ok(()),
    }
}

/// Fails naming each place, never the secret.
pub fn check(results: &Path) -> Result<Outcome> {
    let said = files(&directory())?;
    let planted = planted(&directory().join("planted"))?;
    ensure!(!planted.is_empty(), "no test planted a secret; run `cargo xtask test` first");
    let silent = silent(&directory())?;
    ensure!(silent.is_empty(), "nothing is kept of what these processes said: {}", silent.join(", "));
    let (everywhere, in_logs) =
        (Search::new(planted.iter().filter(|planted| !planted.in_logs_only))?, Search::new(planted.iter())?);
    let mut found = Vec::new();
    let mut searched = 0;
    for file in said.into_iter().chain([results.to_owned()]) {
        let text = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        searched += text.len();
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let search = if name.starts_with("said-") { &in_logs } else { &everywhere };
        found.extend(search.places(&name, &String::from_utf8_lossy(&text)));
    }
    println!("{} planted secrets, {searched} bytes searched", planted.len());
    if found.is_empty() {
        return Ok(Outcome::Done);
    }
    let more = found.len().saturating_sub(TOLD);
    found.truncate(TOLD);
    bail!("secrets show in what the tests said, and in {more} places more:\n  {}", found.join("\n  "))
}

fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let read = || format!("reading {}; run `cargo xtask test` first", directory.display());
    let entries = std::fs::read_dir(directory).with_context(read)?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>().with_context(read)?;
    Ok(paths.into_iter().filter(|path| path.is_file()).collect())
}

/// The processes that planted secrets and of which no line is kept: there a leak would not be seen.
fn silent(directory: &Path) -> Result<Vec<String>> {
    let planted = files(&directory.join("planted"))?;
    let planted = planted.iter().filter(|file| std::fs::metadata(file).is_ok_and(|kept| kept.len() > 0));
    let processes = planted.filter_map(|file| file.file_stem()).map(|stem| stem.to_string_lossy().into_owned());
    let speaks = |process: &String| {
        let said = directory.join(format!("said-{process}.txt"));
        std::fs::metadata(said).is_ok_and(|said| said.len() > 0)
    };
    Ok(processes.filter(|process| !speaks(process)).collect())
}

/// A text that must not show.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Planted {
    secret: String,
    what: String,
    /// Decisions show it: only logs, traces and metrics must not.
    in_logs_only: bool,
}

/// Each planted text once.
fn planted(directory: &Path) -> Result<BTreeSet<Planted>> {
    let mut planted = BTreeSet::new();
    for file in files(directory)? {
        let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        planted.extend(text.lines().filter_map(read).filter(|planted| planted.secret.len() >= SHORTEST));
    }
    Ok(planted)
}

/// Scope, what it is, the text.
fn read(line: &str) -> Option<Planted> {
    let (scope, rest) = line.split_once('\t')?;
    let (what, secret) = rest.split_once('\t')?;
    Some(Planted { secret: secret.to_owned(), what: what.to_owned(), in_logs_only: scope == "logs" })
}

/// One pass for all secrets: thousands of tokens, a hundred megabytes of text.
struct Search<'a> {
    planted: Vec<&'a Planted>,
    any: Option<Regex>,
    patterns: Vec<(&'static str, Regex)>,
}

impl<'a> Search<'a> {
    fn new(planted: impl Iterator<Item = &'a Planted>) -> Result<Self> {
        let planted: Vec<&Planted> = planted.collect();
        let escaped: Vec<String> = planted.iter().map(|planted| regex::escape(&planted.secret)).collect();
        let any =
            (!escaped.is_empty()).then(|| RegexBuilder::new(&escaped.join("|")).size_limit(LARGEST_SEARCH).build());
        let any = any.transpose().context("too many planted secrets for one search")?;
        let patterns = PATTERNS.map(|(what, pattern)| Ok((what, Regex::new(pattern)?)));
        Ok(Self { planted, any, patterns: patterns.into_iter().collect::<Result<_>>()? })
    }

    /// Where a text holds a secret: file, line and what it is.
    fn places(&self, name: &str, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let place = |what: &str| format!("{name}:{}: {what}", number + 1);
            if let Some(hit) = self.any.as_ref().and_then(|any| any.find(line)) {
                let planted = self.planted.iter().find(|planted| planted.secret == hit.as_str());
                found.push(place(planted.map_or("a secret", |planted| &planted.what)));
            }
            let alike = self.patterns.iter().filter(|(_, pattern)| pattern.is_match(line));
            found.extend(alike.map(|(what, _)| place(what)));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(planted: &[Planted], text: &str) -> Vec<String> {
        Search::new(planted.iter()).expect("a search").places("said-1.txt", text)
    }

    #[test]
    fn a_planted_leak_is_found_and_named_without_being_told() {
        let planted = read("everywhere\ta token\tplanted+secret.1").expect("a planted text");
        assert!(!planted.in_logs_only);
        let text = "all is well\nheader: Bearer planted+secret.1\nplantedXsecret.1\n";
        assert_eq!(found(&[planted], text), ["said-1.txt:2: a token"]);
    }

    #[test]
    fn what_looks_like_a_token_is_found_though_nobody_planted_it() {
        let token = format!("ghs_{}", "a1".repeat(18));
        let jwt = ["eyJhbGciOiJSUzI1", "NiJ9.eyJpc3MiOiIxMjM0NTY3In0", ".c2lnbmF0dXJlLWJ5dGVz"].concat();
        let text = format!("ghs_short\n{token}\n{jwt}\n");
        assert_eq!(found(&[], &text), ["said-1.txt:2: a token of GitHub", "said-1.txt:3: a JSON web token"]);
    }

    #[test]
    fn files_are_searched_for_what_was_planted_beside_them() {
        let directory = tempfile::tempdir().expect("a directory");
        let beside = directory.path().join("planted");
        std::fs::create_dir(&beside).expect("a directory");
        std::fs::write(beside.join("1.txt"), "logs\ta key\tshort\nlogs\ta key\tlong enough\n").expect("a file");
        let planted: Vec<Planted> = planted(&beside).expect("a list").into_iter().collect();
        assert_eq!((planted.len(), planted[0].secret.as_str(), planted[0].in_logs_only), (1, "long enough", true));
        std::fs::write(directory.path().join("said-1.txt"), "long enough").expect("a file");
        assert_eq!(files(directory.path()).expect("files").len(), 1, "what was planted is not searched itself");
    }

    #[test]
    fn a_process_that_planted_a_secret_and_of_which_nothing_is_kept_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        std::fs::create_dir(at("planted")).expect("a directory");
        for (process, secrets) in [("1", "logs\ta key\tlong enough\n"), ("2", ""), ("3", "logs\ta key\tlonger still\n")]
        {
            std::fs::write(at("planted").join(format!("{process}.txt")), secrets).expect("a file");
        }
        std::fs::write(at("said-1.txt"), "a line").expect("a file");
        std::fs::write(at("said-3.txt"), "").expect("a file");
        assert_eq!(silent(directory.path()).expect("names"), ["3"]);
    }
}
