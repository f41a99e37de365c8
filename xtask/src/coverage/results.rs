//! What libtest said of each test, kept while it is shown.

use super::sources::TaggedTest;
use crate::stages::Outcome;
use crate::tools;
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, BufWriter, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The tests of one run by how they ended.
#[derive(Debug)]
pub struct Results {
    passed: BTreeSet<String>,
    failed: BTreeSet<String>,
    at: SystemTime,
}

impl Results {
    pub fn read(file: &Path) -> Result<Self> {
        let read = || Ok::<_, std::io::Error>((std::fs::read_to_string(file)?, std::fs::metadata(file)?.modified()?));
        let (text, at) = read().with_context(|| format!("reading {}; run `cargo xtask test` first", file.display()))?;
        Ok(Self { at, ..Self::parse(&text) })
    }

    /// Lines such as `test line::a_clean_scan_passes ... ok`; all others are somebody's output.
    pub fn parse(text: &str) -> Self {
        let mut results = Self { passed: BTreeSet::new(), failed: BTreeSet::new(), at: SystemTime::UNIX_EPOCH };
        for line in text.lines() {
            let Some((name, end)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) else {
                continue;
            };
            let name = name.trim_end_matches(" - should panic").to_owned();
            match end {
                "ok" => results.passed.insert(name),
                "FAILED" => results.failed.insert(name),
                _ => false,
            };
        }
        results
    }

    /// Names are the same in two crates at times: a failure of one is held against both.
    pub fn passed(&self, test: &TaggedTest) -> bool {
        let among = |names: &BTreeSet<String>| test.paths.iter().any(|path| names.contains(path));
        among(&self.passed) && !among(&self.failed)
    }

    /// A test that was changed after the run was not run.
    pub fn ensure_newer_than(&self, sources: &[PathBuf]) -> Result<()> {
        for source in sources {
            let changed = std::fs::metadata(source).and_then(|metadata| metadata.modified());
            let changed = changed.with_context(|| format!("looking at {}", source.display()))?;
            ensure!(
                changed <= self.at,
                "{} changed after the tests ran; run `cargo xtask test` again",
                source.display()
            );
        }
        Ok(())
    }
}

/// Runs tests and writes what they say to a file as well.
pub struct Recorder {
    file: PathBuf,
}

impl Recorder {
    pub fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// Runs the command, shows its output as it comes and keeps it without colours. The file takes its name when the
    /// command has ended, so that it never holds half a run or the run before.
    pub fn run(&self, command: &mut Command) -> Result<Outcome> {
        let in_terminal = std::io::stdout().is_terminal();
        if in_terminal {
            // Behind a pipe neither cargo nor libtest sees the terminal.
            command.env("CARGO_TERM_COLOR", "always").args(["--", "--color", "always"]);
        }
        let shown = tools::show(command);
        eprintln!("$ {shown}");
        let _ = std::fs::remove_file(&self.file);
        let draft = self.file.with_extension("draft");
        let (reader, writer) = std::io::pipe().context("making a pipe for the tests' output")?;
        command.stdout(writer.try_clone()?).stderr(writer).current_dir(tools::workspace());
        let mut child = command.spawn().with_context(|| format!("starting {shown}"))?;
        // The command holds the pipe's other end: without it the reading below would never end.
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let kept = tee(BufReader::new(reader), &draft).with_context(|| format!("writing {}", draft.display()));
        let status = child.wait().with_context(|| format!("waiting for {shown}"))?;
        kept?;
        std::fs::rename(&draft, &self.file).with_context(|| format!("writing {}", self.file.display()))?;
        if status.success() { Ok(Outcome::Done) } else { bail!("{shown} ended with {status}") }
    }
}

/// Byte by byte as it comes, so that a progress line is live; whole lines into the file.
fn tee(mut from: impl std::io::BufRead, file: &Path) -> std::io::Result<()> {
    let (mut kept, mut screen) = (BufWriter::new(File::create(file)?), std::io::stdout());
    let mut line = Vec::new();
    loop {
        let piece = from.fill_buf()?;
        if piece.is_empty() {
            break;
        }
        screen.write_all(piece)?;
        screen.flush()?;
        let length = piece.len();
        line.extend_from_slice(piece);
        from.consume(length);
        if let Some(end) = line.iter().rposition(|byte| *byte == b'\n') {
            let rest = line.split_off(end + 1);
            kept.write_all(plain(&String::from_utf8_lossy(&line)).as_bytes())?;
            line = rest;
        }
    }
    kept.write_all(plain(&String::from_utf8_lossy(&line)).as_bytes())?;
    kept.flush()
}

/// Without the escape sequences that colour a terminal.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => {
                // `ESC ( B` and `ESC [ … letter` are what terminals' descriptions use for colours.
                let in_brackets = characters.next() == Some('[');
                let _ = characters.find(|ending| !in_brackets || ending.is_ascii_alphabetic());
            }
            character => plain.push(character),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(path: &str) -> TaggedTest {
        TaggedTest { file: String::new(), paths: vec![path.to_owned()], ids: Vec::new() }
    }

    #[test]
    fn a_test_passed_if_it_said_ok_and_no_namesake_failed() {
        let text = "running 3 tests\ntest a::one ... ok\ntest a::two - should panic ... ok\ntest b::three ... FAILED\n\
                    test b::three ... ok\nsome output test a::four ... ok\n";
        let results = Results::parse(text);
        let passed = |path: &str| results.passed(&tagged(path));
        assert!(passed("a::one") && passed("a::two"));
        assert!(!passed("b::three") && !passed("a::four") && !passed("a::never_ran"));
    }

    #[test]
    fn colours_are_for_the_screen_alone() {
        assert_eq!(plain("test a ... \u{1b}[32mok\u{1b}[0m\u{1b}(B\n"), "test a ... ok\n");
    }

    #[test]
    fn a_command_s_output_is_kept_under_the_name_once_it_ended() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("results.txt");
        std::fs::write(&file, "test old::one ... ok\n").expect("an old file");
        let recorder = Recorder::new(file.clone());
        let script = |text: &str| recorder.run(Command::new("sh").args(["-c", text]));
        assert!(script("echo 'test new::one ... ok'; echo aside >&2").is_ok());
        assert_eq!(std::fs::read_to_string(&file).expect("the results"), "test new::one ... ok\naside\n");
        assert!(script("echo 'test new::two ... ok'; exit 1").is_err());
        let results = Results::read(&file).expect("the results");
        assert!(results.passed(&tagged("new::two")), "what a command said before it failed is kept");
        assert!(!results.passed(&tagged("new::one")), "what an earlier run said is gone");
    }

    #[test]
    fn a_source_that_changed_after_the_run_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let source = directory.path().join("line.rs");
        std::fs::write(&source, "").expect("a source");
        let refused = Results::parse("").ensure_newer_than(&[source]).expect_err("older than the source");
        assert!(refused.to_string().contains("line.rs changed after the tests ran"), "{refused}");
    }
}
