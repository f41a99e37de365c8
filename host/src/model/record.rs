//! What was decided, from which digests, how long each step took. Written before anything is published.

use super::artifact::{RunSource, UnreadableArtifact};
use super::baseline::BaselineRecord;
use super::changed_lines::ChangedLines;
use super::evidence::Hidden;
use super::ids::{CheckName, CommitKey, Digest, JobId, Unix};
use super::material::Material;
use super::plan::{Knobs, Mode, Plan, WaitFor};
use super::provenance::{Acceptance, LeftOut, digest_of, meets};
use super::report::{Coverage, Provenance, Severity};
use super::trail::RequestId;
use super::verdict::{Broken, BrokenKind, Judged, Judgement};
use serde::{Deserialize, Serialize};

/// One decision about one commit, over all its checks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub job: JobId,
    pub commit: CommitKey,
    pub pull_requests: Vec<u64>,
    pub now: Unix,
    pub plan: Plan,
    pub runs: Runs,
    pub inputs: Vec<InputRecord>,
    pub unreadable: Vec<UnreadableArtifact>,
    pub checks: Vec<CheckRecord>,
    /// Notices of the correlation: waivers expired or unused, ids to add.
    pub notices: Vec<String>,
    /// How many findings are hidden, by whom: tool, vex, waiver.
    pub hidden: [u32; 3],
    /// The hidden findings themselves, as many as people can read; `hidden` has the whole count.
    #[serde(default)]
    pub hidden_findings: Vec<HiddenRecord>,
    /// What remote engines answered, so that people can understand the decision and a replay can make it again: the first
    /// answers of each policy, the others are not counted here.
    #[serde(default)]
    pub remote_answers: Vec<RemoteAnswer>,
    /// What was judged. Absent in the records of hosts that did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub material: Option<Material>,
    /// What the pull request changes, where that was read.
    #[serde(default)]
    pub changed_lines: Option<ChangedLines>,
    /// What the evidence was compared with, once for each base branch of the commit's pull requests. None for a commit
    /// without a pull request.
    #[serde(default)]
    pub baselines: Vec<BaselineRecord>,
    /// The request that the job came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// Milliseconds per step: fetch, normalize, correlate, evaluate.
    pub timings_ms: Vec<(String, u64)>,
}

/// What a remote engine said about one document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteAnswer {
    /// The policy that asked.
    pub plugin: String,
    /// The document's name: `evidence`, `vulnerability/0`, ….
    pub document: String,
    pub input: Digest,
    /// Of the answer as it came; absent where there was none, or the policy is undefined.
    pub answer: Option<Digest>,
    /// The answer itself where it is short enough to be kept.
    pub text: Option<String>,
    /// Why there is no answer.
    pub error: Option<String>,
    /// What stood in the answer's place, for a replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<RemoteFailure>,
}

/// Why an engine gave no usable answer about a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemoteFailure {
    /// It could not judge this document, though it is well.
    Document(Broken),
    /// A bound of all its answers was reached: nothing more was asked.
    Bound(Broken),
    /// It was away: nothing more was asked.
    Outage(Broken),
}

/// Where the accepted workflow runs of the commit stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runs {
    pub ended: u32,
    pub going: u32,
    pub awaiting_approval: u32,
    /// `(workflow name, conclusion)` of accepted runs that ended without success; skipped ones are not among them.
    pub unsuccessful: Vec<(String, String)>,
    pub artifacts: u32,
    pub files: u32,
    /// The deadline passed while no run came, or while one was still going.
    pub overdue: bool,
    /// A merge queue waits for the answer: what is missing blocks.
    #[serde(default)]
    pub in_merge_group: bool,
}

impl Runs {
    /// Files given on the command line: nothing more will come.
    pub fn of_local_files(files: u32) -> Self {
        Self { ended: 1, files, ..Self::default() }
    }
}

/// One report that was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRecord {
    pub path: String,
    pub digest: Digest,
    pub normalizer: String,
    pub format: String,
    pub covers: Vec<Coverage>,
    pub partial: bool,
    pub findings: u32,
    pub components: u32,
    /// A limit was reached while reading.
    #[serde(default)]
    pub cut: bool,
    /// The tool that produced the artifact, with its version.
    #[serde(default)]
    pub tool: Option<String>,
    /// Absent for files given on the command line.
    #[serde(default)]
    pub provenance: Option<Provenance>,
    /// The run that brought it, with all that policies are told of it.
    #[serde(default)]
    pub run: Option<RunSource>,
    /// What was odd though readable: repaired texts, entries left out. The first ones.
    #[serde(default)]
    pub diagnostics: Vec<String>,
}

/// One finding that does not count, for people to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HiddenRecord {
    pub id: String,
    /// The package's purl, or its name and version.
    pub package: Option<String>,
    pub severity: Option<Severity>,
    /// The artifact that names it.
    pub path: String,
    pub hidden: Hidden,
    /// What kind of finding it is, so that a check shows only what it reads.
    #[serde(default)]
    pub kind: Option<Coverage>,
}

/// One check: what each of its policies said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckRecord {
    pub check: CheckName,
    pub knobs: Knobs,
    pub wait_for: WaitFor,
    pub judgements: Vec<Judgement>,
    /// For each judgement, in order: what its policy reads (empty means every kind).
    pub reads: Vec<Vec<Coverage>>,
    /// Which of the record's baselines it was judged against.
    #[serde(default)]
    pub baseline: Option<u32>,
    /// What is to be said of this check alone: for which pull request it is the result, where there are several.
    #[serde(default)]
    pub notices: Vec<String>,
    /// Evidence below it is no evidence for this check.
    #[serde(default)]
    pub min_provenance: Option<Provenance>,
    /// What is below it.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
    /// Who accepted what is below it, so that it counts all the same.
    #[serde(default)]
    pub accepted: Option<Acceptance>,
    #[serde(default)]
    pub mode: Mode,
    /// The patterns that no changed file matches, where that is why nothing was judged.
    #[serde(default)]
    pub other_paths: Option<Vec<String>>,
}

impl CheckRecord {
    /// The evidence that somebody may accept: a policy of the check has nothing else to judge.
    pub fn waits_for(&self) -> Option<Digest> {
        let is_untrusted =
            |verdict: &Judged| matches!(verdict, Judged::Broken(broken, _) if broken.kind == BrokenKind::Untrusted);
        let waits = self.judgements.iter().any(|judgement| is_untrusted(&judgement.verdict));
        waits.then(|| digest_of(&self.left_out))
    }

    /// Whether evidence of this provenance counts for the check.
    pub fn counts(&self, provenance: Option<Provenance>) -> bool {
        self.accepted.is_some() || meets(provenance, self.min_provenance)
    }
}
