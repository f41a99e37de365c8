//! A pull request's life by seed: the same seed does the same to every repository.

use super::Random;
use palisade_github_fake::{CheckRun, PullRequest, PullRequestOptions, Repository, Run, Workflow};
use palisade_tests::{TestHost, evidence};
use std::collections::BTreeMap;

const LICENSES: &str = "License Check";
const VULNERABILITIES: &str = "Vulnerability Scan Check";
/// Each of these may be what CI uploads, and each gives another result.
const LICENCES: [&str; 2] = ["MIT", "GPL-3.0-only"];
const SEVERITIES: [&str; 2] = ["LOW", "CRITICAL"];
/// Turns of a life.
const TURNS: usize = 12;

/// One pull request, and what happened to it.
pub struct Story {
    repository: Repository,
    pull_request: PullRequest,
    going: Vec<Run>,
    ended: Vec<Run>,
    draft: bool,
    open: bool,
    /// Heads of merge groups that were not destroyed.
    groups: Vec<String>,
}

/// How a story ended: the results on its head and its merge groups, and whatever is left open elsewhere.
#[derive(Debug, PartialEq, Eq)]
pub struct End {
    pub head: Vec<String>,
    pub groups: Vec<Vec<String>>,
    pub left_open: Vec<String>,
    pub comments: usize,
}

impl Story {
    /// A pull request whose checks are open.
    pub fn begin(palisade: &TestHost, repository: &str, random: &mut Random) -> Self {
        let repository = palisade.github.repository(repository);
        repository.add_collaborator("writer", "write");
        repository.create_branch("release");
        let draft = random.below(2) == 0;
        let options = PullRequestOptions { draft, ..PullRequestOptions::from("Add a feature") };
        let pull_request = repository.open_pull_request(options);
        let (going, ended, groups) = (Vec::new(), Vec::new(), Vec::new());
        Self { repository, pull_request, going, ended, draft, open: true, groups }
    }

    /// Everything that happens afterwards. In the end the pull request is open and no run is going.
    pub fn live(&mut self, random: &mut Random) {
        for _ in 0..TURNS {
            self.turn(random);
        }
        if !self.open {
            self.close_or_reopen();
        }
        while !self.going.is_empty() {
            self.end_run(random);
        }
    }

    fn turn(&mut self, random: &mut Random) {
        match random.below(12) {
            0 | 1 => self.start_run(["scan.yml", "build.yml"][random.below(2)]),
            2 | 3 => self.end_run(random),
            4 => self.rerun(),
            5 => self.ask(|pull_request, check| pull_request.rerequest(check)),
            6 => self.ask(|pull_request, check| pull_request.press(check, "rerun", "writer")),
            7 => self.pull_request.rerequest_all("writer"),
            8 => {
                self.draft = !self.draft;
                self.pull_request.set_draft(self.draft);
            }
            9 => self.close_or_reopen(),
            10 => self.pull_request.change_base(["main", "release"][random.below(2)]),
            _ => self.move_on(random),
        }
    }

    fn start_run(&mut self, workflow: &str) {
        let run = self.pull_request.start_run(workflow);
        run.in_progress();
        self.going.push(run);
    }

    /// The one that goes longest uploads something and ends.
    fn end_run(&mut self, random: &mut Random) {
        if self.going.is_empty() {
            return;
        }
        let run = self.going.remove(0);
        upload(&run, random);
        run.complete("success");
        self.ended.push(run);
    }

    fn rerun(&mut self) {
        if let Some(run) = self.ended.pop() {
            run.rerun();
            run.in_progress();
            self.going.push(run);
        }
    }

    fn ask(&self, how: impl Fn(&PullRequest, &str)) {
        if self.pull_request.check_run(LICENSES).is_some() {
            how(&self.pull_request, LICENSES);
        }
    }

    fn close_or_reopen(&mut self) {
        self.open = !self.open;
        if self.open { self.pull_request.reopen() } else { self.pull_request.close() }
    }

    /// Another head, or a merge queue's trial of this one.
    fn move_on(&mut self, random: &mut Random) {
        if random.below(2) == 0 && self.open {
            self.pull_request.push();
            // Runs of the older head are nobody's evidence any more.
            self.going.clear();
            self.ended.clear();
            return;
        }
        let head = self.repository.request_merge_group(&self.pull_request);
        let run = self.repository.start_run(&head, Workflow::from("ci.yml").on("merge_group"));
        upload(&run, random);
        run.complete("success");
        if random.below(3) == 0 {
            self.repository.destroy_merge_group(&self.pull_request, &head, "dequeued");
        } else {
            self.groups.push(head);
        }
    }

    pub fn ended(&self, palisade: &TestHost) -> End {
        let runs: Vec<CheckRun> = palisade.github.look(|state| {
            let own = state.check_runs().iter().filter(|run| run.repository == self.repository.id());
            own.cloned().collect()
        });
        let head = self.pull_request.head_sha();
        let elsewhere = |run: &&CheckRun| run.head_sha != head && !self.groups.contains(&run.head_sha);
        let open = runs.iter().filter(elsewhere).filter(|run| run.status != "completed");
        End {
            head: newest(&runs, &head),
            groups: self.groups.iter().map(|group| newest(&runs, group)).collect(),
            left_open: open.map(|run| format!("{} ({}) on {}", run.name, run.id, run.head_sha)).collect(),
            comments: self.pull_request.comments().iter().filter(|comment| comment.by_app).count(),
        }
    }
}

fn upload(run: &Run, random: &mut Random) {
    let licence = LICENCES[random.below(LICENCES.len())];
    let severity = SEVERITIES[random.below(SEVERITIES.len())];
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", licence)]))]);
    run.upload("trivy", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0001", severity)]))]);
}

/// Of each check the newest run on a commit.
fn newest(runs: &[CheckRun], sha: &str) -> Vec<String> {
    let mut newest = BTreeMap::new();
    for run in runs.iter().filter(|run| run.head_sha == sha) {
        let going = || format!("{} is {}", run.name, run.status);
        newest.insert(run.name.as_str(), if run.status == "completed" { run.to_string() } else { going() });
    }
    debug_assert!(newest.keys().all(|name| [LICENSES, VULNERABILITIES].contains(name)));
    newest.into_values().collect()
}
