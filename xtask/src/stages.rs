//! A list of stages: each says what it does, how long it took, and whether something was skipped.

use anyhow::{Result, bail};
use std::time::Instant;

type Work = Box<dyn FnOnce() -> Result<Outcome>>;

/// How a stage ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Something could not be had; what and why was said where it was noticed.
    Skipped,
}

pub struct Stage {
    name: &'static str,
    work: Work,
}

impl Stage {
    pub fn new(name: &'static str, work: impl FnOnce() -> Result<Outcome> + 'static) -> Self {
        Self { name, work: Box::new(work) }
    }
}

pub struct Stages {
    only: Option<String>,
}

impl Stages {
    pub fn new(only: Option<&str>) -> Self {
        Self { only: only.map(str::to_owned) }
    }

    /// Runs them in order, all of them even after a failure, and prints the seconds of each.
    pub fn run(self, stages: Vec<Stage>) -> Result<()> {
        let chosen = |stage: &Stage| self.only.as_deref().is_none_or(|only| only == stage.name);
        if !stages.iter().any(chosen) {
            let names: Vec<&str> = stages.iter().map(|stage| stage.name).collect();
            bail!("there is no stage {:?}; known: {}", self.only.unwrap_or_default(), names.join(", "));
        }
        let mut lines = Vec::new();
        let mut failed = Vec::new();
        for stage in stages.into_iter().filter(chosen) {
            eprintln!("── {}", stage.name);
            let started = Instant::now();
            let outcome = (stage.work)();
            let word = match &outcome {
                Ok(Outcome::Done) => "ok",
                Ok(Outcome::Skipped) => "SKIPPED in part or whole, see above",
                Err(error) => {
                    eprintln!("{}: {error:#}", stage.name);
                    failed.push(stage.name);
                    "FAILED"
                }
            };
            lines.push(format!("{:<10} {:>6} s  {word}", stage.name, started.elapsed().as_secs()));
        }
        eprintln!("── seconds of each stage\n{}", lines.join("\n"));
        if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
    }
}
