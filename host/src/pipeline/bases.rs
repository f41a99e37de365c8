//! The branches that a commit is to be merged into. Pull requests of several bases may have one commit as their head: it
//! is judged for each base, and of every check the worst result is shown.

use super::judge::{Case, Judge};
use super::material::Gone;
use crate::model::baseline::Comparison;
use crate::model::plan::Conclusion;
use crate::model::publication::CheckState;
use crate::model::record::{CheckRecord, Record, RemoteAnswer};
use crate::model::{Digest, HeadSha};
use crate::report::{self, Decision};
use crate::runtime::Call;
use crate::state::{CommitState, packed, unpacked};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// One base branch, and the open pull requests that are to be merged into it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Absent for a commit that was only pushed.
    pub branch: Option<String>,
    pub sha: Option<HeadSha>,
    pub pull_requests: Vec<u64>,
}

/// Where a commit is judged from: a base, and what its findings are held against there.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Standpoint {
    pub base: Base,
    pub comparison: Option<Comparison>,
}

/// More branches than anybody merges one commit into; each costs calls and a judgement of its own.
pub const MOST_BASES: usize = 8;

/// Each base once, in the order of the branches' names; a merge queue's group has one.
pub fn bases(commit: &CommitState) -> Vec<Base> {
    if let Some(group) = &commit.merge_group {
        return vec![Base {
            branch: Some(group.base_branch.clone()),
            sha: Some(group.base_sha.clone()),
            pull_requests: commit.pull_requests.keys().copied().collect(),
        }];
    }
    let mut base_by_branch: BTreeMap<&str, Base> = BTreeMap::new();
    for pull in commit.pull_requests.values() {
        let base = base_by_branch.entry(&pull.base_branch).or_insert_with(|| Base {
            branch: Some(pull.base_branch.clone()),
            sha: Some(pull.base_sha.clone()),
            pull_requests: Vec::new(),
        });
        base.pull_requests.push(pull.number);
    }
    match base_by_branch.is_empty() {
        true => vec![Base { pull_requests: commit.announced.clone(), ..Base::default() }],
        false => base_by_branch.into_values().collect(),
    }
}

/// Who judges.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub judge: &'a Judge,
    pub call: &'a Call,
    /// What remote engines answered then, where a decision is made again.
    pub answers: Option<&'a [RemoteAnswer]>,
}

impl Asked<'_> {
    async fn record(&self, case: Case<'_>) -> Record {
        match self.answers {
            None => self.judge.record(self.call, case).await,
            Some(answers) => self.judge.replay(self.call, case, answers).await,
        }
    }
}

/// Judges a case from each standpoint; the files are read once.
pub async fn judge_from(asked: Asked<'_>, case: Case<'_>, standpoints: &[Standpoint]) -> Record {
    let mut records = Vec::with_capacity(standpoints.len());
    for Standpoint { base, comparison } in standpoints {
        let record = asked.record(case.clone().seen_from(base, comparison.clone())).await;
        records.push((base.clone(), record));
    }
    match worst(records) {
        Some(record) => record,
        None => asked.record(case).await,
    }
}

/// Lets a record keep its standpoints as a file beside it, so that it can be judged again.
pub fn keep(record: &mut Record, standpoints: &[Standpoint], files: &mut HashMap<Digest, Bytes>) {
    let Some(material) = &mut record.material else { return };
    match packed(&standpoints) {
        Ok(bytes) => {
            let digest = Digest::of(&bytes);
            material.standpoints = Some(digest);
            files.insert(digest, bytes);
        }
        Err(error) => tracing::warn!(%error, "what a decision compared with is not kept"),
    }
}

/// The standpoints that a record was judged from; none in the records of older hosts and of local files.
pub fn standpoints_of(record: &Record, file: impl Fn(&Digest) -> Option<Bytes>) -> Result<Vec<Standpoint>, Gone> {
    let Some(digest) = record.material.as_ref().and_then(|material| material.standpoints) else {
        return Ok(Vec::new());
    };
    let standpoints = file(&digest).and_then(|bytes| unpacked(&bytes).ok());
    standpoints.ok_or_else(|| Gone::Evicted(vec![format!("what it was compared with ({digest})")]))
}

/// One record of all: of every check the worst result, which says for which pull request it is. None for none.
pub fn worst(records: Vec<(Base, Record)>) -> Option<Record> {
    let (bases, records): (Vec<Base>, Vec<Record>) = records.into_iter().unzip();
    let first = records.first()?;
    if records.len() == 1 {
        return records.into_iter().next();
    }
    let checks = (0..first.checks.len()).filter_map(|at| worst_check(&bases, &records, at)).collect();
    let mut notices: Vec<String> = Vec::new();
    for notice in records.iter().flat_map(|record| &record.notices) {
        if !notices.contains(notice) {
            notices.push(notice.clone());
        }
    }
    let baselines = records.iter().flat_map(|record| record.baselines.clone()).collect();
    // What is hidden for one base may count for another: the most that is hidden anywhere is listed.
    let most_hidden = records.iter().max_by_key(|record| record.hidden.iter().sum::<u32>())?;
    let (hidden, hidden_findings) = (most_hidden.hidden, most_hidden.hidden_findings.clone());
    let remote_answers = records.iter().flat_map(|record| record.remote_answers.clone()).collect();
    let timings_ms = records.iter().flat_map(|record| record.timings_ms.clone()).collect();
    let first = records.into_iter().next()?;
    Some(Record { checks, notices, baselines, hidden, hidden_findings, remote_answers, timings_ms, ..first })
}

fn worst_check(bases: &[Base], records: &[Record], at: usize) -> Option<CheckRecord> {
    let decisions: Vec<Decision> =
        records.iter().filter_map(|record| Some(report::decide(record, record.checks.get(at)?))).collect();
    let (worst, decision) = decisions.iter().enumerate().min_by_key(|(_, decision)| badness(**decision))?;
    let mut check = records[worst].checks.get(at)?.clone();
    let before: usize = records[..worst].iter().map(|record| record.baselines.len()).sum();
    check.baseline = check.baseline.map(|index| index + before as u32);
    let others = bases.iter().zip(&decisions).enumerate().filter(|(place, _)| *place != worst);
    let others: Vec<String> =
        others.map(|(_, (base, other))| format!("for {} it is {}", named(base), said(*other))).collect();
    check.notices.push(format!(
        "this is the result for {}, {}; {}",
        named(&bases[worst]),
        said(*decision),
        others.join(", ")
    ));
    Some(check)
}

/// The worst first; what is not decided yet stands before what is decided and does not block.
fn badness(decision: Decision) -> (u8, report::Row) {
    let weight = match decision.state {
        CheckState::Completed(Conclusion::Failure) => 0,
        CheckState::InProgress => 1,
        CheckState::Completed(Conclusion::Cancelled) => 2,
        CheckState::Completed(Conclusion::Neutral) => 3,
        CheckState::Completed(Conclusion::Success) => 4,
    };
    (weight, decision.row)
}

fn named(base: &Base) -> String {
    let numbers: Vec<String> = base.pull_requests.iter().map(|number| format!("#{number}")).collect();
    let branch = base.branch.as_deref().map(|branch| format!(" into {branch}")).unwrap_or_default();
    format!("{}{branch}", numbers.join(" and "))
}

fn said(decision: Decision) -> &'static str {
    match decision.state {
        CheckState::InProgress => "in progress",
        CheckState::Completed(Conclusion::Failure) => "a failure",
        CheckState::Completed(Conclusion::Cancelled) => "cancelled",
        CheckState::Completed(Conclusion::Neutral) => "neutral",
        CheckState::Completed(Conclusion::Success) => "a success",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::PullRequest;

    fn pull(number: u64, base: &str) -> PullRequest {
        PullRequest {
            number,
            open: true,
            draft: false,
            author: None,
            head_sha: HeadSha::parse(&"a".repeat(40)).unwrap(),
            head_branch: "change".to_owned(),
            head_repository_id: Some(1),
            base_sha: HeadSha::parse(&"b".repeat(40)).unwrap(),
            base_branch: base.to_owned(),
            updated_at: 0,
        }
    }

    #[test]
    fn pull_requests_into_one_branch_share_a_base() {
        let pulls = [pull(1, "main"), pull(2, "release"), pull(3, "main")];
        let commit = CommitState {
            pull_requests: pulls.into_iter().map(|pull| (pull.number, pull)).collect(),
            ..CommitState::default()
        };
        let bases: Vec<_> = bases(&commit).into_iter().map(|base| (base.branch.unwrap(), base.pull_requests)).collect();
        assert_eq!(bases, [("main".to_owned(), vec![1, 3]), ("release".to_owned(), vec![2])]);
    }

    #[test]
    fn a_commit_that_was_only_pushed_has_no_base() {
        assert_eq!(bases(&CommitState::default()), [Base::default()]);
    }
}
