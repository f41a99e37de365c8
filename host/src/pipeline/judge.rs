//! From artifacts to a Record: read, correlate, ask each policy, hold its answer against the evidence. The same for a
//! commit on GitHub and for files on a command line. Cannot fail: what goes wrong is in the Record.

use super::bases::Base;
use super::material::Offered;
use super::minimum::{Trust, Views};
use super::provenance::Tiers;
use super::remember::globs;
use super::reports::{Reader, Readings, UnclaimedFile};
use crate::artifacts::Fetched;
use crate::correlate;
use crate::documents::{JsonDocument, Shape};
use crate::github::GitHubError;
use crate::model::artifact::{RunSource, Source, UnreadableCause};
use crate::model::baseline::{BaselineRecord, Comparison};
use crate::model::evidence::{Context, Evidence};
pub use crate::model::material::Unclaimed;
use crate::model::plan::{CheckPlan, PolicyPlan};
use crate::model::provenance::{Acceptance, Tier};
use crate::model::record::{CheckRecord, RemoteAnswer, Runs};
use crate::model::report::{Coverage, Provenance, Report};
use crate::model::verdict::Judged;
use crate::model::{
    Artifact, Broken, BrokenKind, CheckName, CommitKey, JobId, Judgement, Outcome, Plan, Record, UnreadableArtifact,
    Verdict, WorkflowRun,
};
use crate::plugins::{Catalogue, Engine};
use crate::queue::Lease;
use crate::rego::reading::reading;
use crate::rego::remote::{OpaServer, Recorded};
use crate::runtime::{Call, Runtime};
use crate::state::CommitState;
use crate::telemetry::{Metrics, PluginCall, spans};
use futures::future::join_all;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::Span;
use tracing::instrument::Instrument as _;

/// Asks plugins. Shared by all jobs.
#[derive(Debug)]
pub struct Judge {
    runtime: Arc<Runtime>,
    catalogue: Arc<Catalogue>,
    reader: Reader,
    metrics: Metrics,
}

/// What one judgement is made from.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    pub job: JobId,
    pub commit: CommitKey,
    pub context: Context,
    pub plan: &'a Plan,
    pub runs: Runs,
    pub inputs: Inputs,
    /// What the findings are held against; none for a commit without a pull request and for local files.
    pub comparison: Option<Comparison>,
    /// What is said of a file that nobody recognises.
    pub unclaimed: Unclaimed,
    /// Keeps cached reports of one installation from another's.
    pub tenant: String,
    /// Who accepted evidence below a check's minimum, and which.
    pub accepted: BTreeMap<CheckName, Acceptance>,
    /// Paths that the commit's pull requests change, each once and in order; absent where nobody knows all of them.
    pub changed_paths: Option<Vec<String>>,
}

/// The files of a case, and what could not be fetched or unpacked.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    pub artifacts: Vec<Artifact>,
    /// With the name of the artifact that it belongs to.
    pub unreadable: Vec<(String, UnreadableArtifact)>,
    /// Runs whose uploads could not be listed: they always count.
    pub unlisted: Vec<UnreadableArtifact>,
    pub listed: u32,
    pub fetch_time: Duration,
}

impl<'a> Case<'a> {
    pub fn of_commit(lease: &Lease, commit: &CommitState, plan: &'a Plan, mut runs: Runs, inputs: Inputs) -> Self {
        runs.artifacts = inputs.listed;
        runs.files = inputs.artifacts.len() as u32;
        Self {
            job: lease.job().id.clone(),
            commit: lease.commit.clone(),
            context: context(lease, commit),
            plan,
            runs,
            inputs,
            comparison: None,
            unclaimed: Unclaimed::IsListed,
            tenant: lease.commit.installation.to_string(),
            accepted: acceptances(commit),
            changed_paths: None,
        }
    }

    /// The same with the paths that policies may ask for.
    pub fn changing(self, changed_paths: Option<Vec<String>>) -> Self {
        Self { changed_paths, ..self }
    }

    /// The same for one of the branches that it is to be merged into.
    pub fn seen_from(mut self, base: &Base, comparison: Option<Comparison>) -> Self {
        self.context.base_branch = base.branch.clone();
        self.context.base_sha = base.sha.as_ref().map(ToString::to_string);
        self.comparison = comparison;
        self
    }
}

/// What ended runs uploaded, or why that could not be listed.
#[derive(Debug, Default)]
pub struct Uploads {
    pub runs: Vec<(WorkflowRun, Result<Arc<Fetched>, GitHubError>)>,
    pub took: Duration,
}

impl Inputs {
    /// The uploads of a commit's runs, each with how far it can be trusted.
    pub fn of(uploads: &Uploads, commit: &CommitState, tiers: &Tiers) -> Self {
        let repository_id = commit.origin.as_ref().map(|origin| origin.repository_id);
        let mut inputs = Self { fetch_time: uploads.took, ..Self::default() };
        for (run, fetched) in &uploads.runs {
            match fetched {
                Ok(fetched) => inputs.add(run, repository_id, &tiers.of(run.id), fetched),
                Err(error) => inputs.add_unlisted(run, error),
            }
        }
        inputs
    }

    /// Adds what a run uploaded. Provenance is attached here, per job: the store knows bytes only.
    pub(super) fn add(&mut self, run: &WorkflowRun, repository_id: Option<u64>, tier: &Tier, fetched: &Fetched) {
        self.listed += fetched.listed.len() as u32;
        let source = run_source(run, repository_id, tier);
        // A run's artifacts stay listed when it is run again in part: they belong to the run, not to the attempt.
        let stale = |uploaded_at| run.attempt > 1 && uploaded_at < run.started_at;
        let unopened = fetched.unopened.iter().map(|lost| {
            // While nobody knows how far the run can be trusted, what it lost counts.
            let provenance = (!tier.unread).then_some(tier.provenance);
            (lost.artifact.clone(), UnreadableArtifact { provenance, ..lost.unreadable.clone() })
        });
        self.unreadable.extend(unopened);
        self.artifacts.extend(fetched.files.iter().map(|file| Artifact {
            source: Source {
                provenance: Some(tier.provenance),
                path: file.path.clone(),
                run: Some(RunSource {
                    artifact_id: Some(file.artifact_id),
                    artifact_digest: file.artifact_digest,
                    stale_attempt: stale(file.created_at),
                    ..source.clone()
                }),
            },
            digest: file.digest,
            bytes: file.bytes.clone(),
            outline: file.outline.clone(),
        }));
    }
}

fn run_source(run: &WorkflowRun, repository_id: Option<u64>, tier: &Tier) -> RunSource {
    RunSource {
        id: run.id,
        attempt: run.attempt,
        workflow_id: run.workflow_id,
        workflow_path: run.workflow_path.clone(),
        workflow_sha: tier.workflow_sha.clone(),
        event: run.event.clone(),
        repository_id,
        head_repository_id: run.head_repository_id,
        head_sha: run.head_sha.to_string(),
        actor: run.actor.clone(),
        triggering_actor: run.triggering_actor.clone(),
        created_at: run.created_at,
        because: tier.because.clone(),
        unread: tier.unread,
        ..RunSource::default()
    }
}

impl Inputs {
    /// A run whose uploads could not even be listed: whatever it brought is missing, of whatever kind.
    fn add_unlisted(&mut self, run: &WorkflowRun, error: &GitHubError) {
        self.unlisted.push(UnreadableArtifact {
            path: format!("workflow run {} ({})", run.id, run.workflow_name),
            digest: None,
            format: None,
            covers: Vec::new(),
            reason: error.to_string(),
            cause: error.cause(),
            provenance: None,
        });
    }
}

impl Judge {
    pub fn new(runtime: Arc<Runtime>, catalogue: Arc<Catalogue>, metrics: Metrics) -> Self {
        let reader = Reader::new(runtime.clone(), catalogue.clone(), metrics.clone());
        Self { runtime, catalogue, reader, metrics }
    }

    /// What the plan's normalizers make of files, where nothing is judged.
    pub async fn read(&self, call: &Call, plan: &Plan, artifacts: Vec<Artifact>, tenant: &str) -> Readings {
        self.reader.read(call, plan, artifacts, tenant).await
    }

    /// Judges a case.
    pub async fn record(&self, call: &Call, case: Case<'_>) -> Record {
        self.judge(call, case, RemoteAnswers::default()).await
    }

    /// Judges a case again by what remote engines answered then: none of them is called.
    pub async fn replay(&self, call: &Call, case: Case<'_>, answers: &[RemoteAnswer]) -> Record {
        self.judge(call, case, RemoteAnswers::recorded(answers)).await
    }

    async fn judge(&self, call: &Call, case: Case<'_>, remote: RemoteAnswers) -> Record {
        let mut steps = Steps { metrics: &self.metrics, timings_ms: Vec::new() };
        steps.note("fetch", case.inputs.fetch_time);
        let started = Instant::now();
        let offered = Offered::of(&case);
        let Inputs { artifacts, unreadable, unlisted, .. } = case.inputs;
        let readings = self.reader.read(call, case.plan, artifacts, &case.tenant).await;
        let material = Some(offered.material(case.plan, &readings));
        steps.note("normalize", started.elapsed());
        let started = Instant::now();
        let mut unreadable = what_counts(case.plan, case.unclaimed, unreadable, &readings);
        unreadable.extend(unlisted);
        let mut evidence = correlate::evidence(case.context, readings.reports, unreadable, &case.plan.waivers);
        evidence.changed_paths = case.changed_paths;
        let comparison = case.comparison.as_ref();
        let baseline = comparison.map(|comparison| correlate::compare(&mut evidence, comparison.clone()));
        let evidence = Arc::new(evidence);
        let views = Views::of(case.plan, &evidence, comparison);
        steps.note("correlate", started.elapsed());
        let started = Instant::now();
        let baseline = baseline.as_ref();
        let asking = Asking { call, plan: case.plan, evidence: &evidence, baseline, remote: &remote };
        let checks = case.plan.checks.iter().map(|check| {
            let trust = views.trust(check, case.accepted.get(&check.name));
            self.check(&asking, check, trust)
        });
        let checks = join_all(checks).await;
        steps.note("evaluate", started.elapsed());
        let judgements: Vec<&Judgement> = checks.iter().flat_map(|check| &check.judgements).collect();
        let unused = correlate::unused_rule_waivers(&case.plan.waivers, &judgements);
        let odd = correlate::oddities(&evidence);
        let stale = correlate::stale_attempts(&evidence);
        let low = correlate::of_low_provenance(&evidence).into_iter().chain(correlate::refused_attestations(&evidence));
        let proposed = correlate::after_merge(&evidence, &judgements, &case.plan.proposed_waivers);
        let told = case.plan.notices.iter().chain(&evidence.notices).cloned().chain(proposed);
        let notices = told.chain(odd).chain(stale).chain(low).chain(unused).collect();
        Record {
            job: case.job,
            commit: case.commit,
            pull_requests: evidence.context.pull_requests.clone(),
            now: evidence.context.now,
            plan: case.plan.clone(),
            runs: case.runs,
            inputs: correlate::inputs(&evidence),
            unreadable: evidence.unreadable.clone(),
            checks,
            notices,
            hidden: correlate::hidden_counts(&evidence),
            hidden_findings: correlate::hidden_findings(&evidence),
            remote_answers: remote.in_order(),
            material,
            changed_lines: None,
            baselines: baseline.into_iter().cloned().collect(),
            request: None,
            timings_ms: steps.timings_ms,
        }
    }

    async fn check(&self, asking: &Asking<'_>, check: &CheckPlan, trust: Trust) -> CheckRecord {
        // A check about other files than those that changed asks nobody.
        let policies = if check.other_paths.is_some() { &[] } else { &check.policies[..] };
        let judgements = policies.iter().map(|policy| async {
            match &trust.view {
                None => self.policy(asking, check, policy).await,
                Some(view) => match view.refusal(policy) {
                    Some(refused) => refused,
                    None => {
                        let asking = Asking { evidence: &view.evidence, ..*asking };
                        view.renumbered(self.policy(&asking, check, policy).await)
                    }
                },
            }
        });
        CheckRecord {
            check: check.name.clone(),
            knobs: check.knobs,
            wait_for: check.wait_for,
            judgements: join_all(judgements).await,
            reads: policies.iter().map(|policy| policy.reads.clone()).collect(),
            min_provenance: check.min_provenance,
            left_out: trust.left_out,
            accepted: trust.accepted,
            mode: check.mode,
            other_paths: check.other_paths.clone(),
            baseline: asking.baseline.map(|_| 0),
            notices: Vec::new(),
        }
    }

    async fn policy(&self, asking: &Asking<'_>, check: &CheckPlan, policy: &PolicyPlan) -> Judgement {
        let (plan, evidence) = (asking.plan, asking.evidence);
        let (around, span) = (kind_of(check, policy, evidence), spans::policy_evaluate());
        let answer = self.ask(asking, policy).instrument(span.clone()).instrument(around.clone()).await;
        describe(&span, policy, &answer);
        describe(&around, policy, &answer);
        let (answer, limited) = correlate::only_introduced(check, evidence, asking.baseline, answer);
        match answer {
            // Our side failed, or a circuit opened meanwhile: nobody's fault, and somebody looks again.
            Err(broken) if broken.kind == BrokenKind::Host => Judgement {
                plugin: policy.plugin.to_string(),
                verdict: Judged::Outage(broken.message, None),
                notices: Vec::new(),
            },
            answer => {
                let mut judgement = correlate::judgement(policy, evidence, &plan.waivers, answer);
                judgement.notices.splice(0..0, limited);
                judgement
            }
        }
    }

    async fn ask(&self, asking: &Asking<'_>, policy: &PolicyPlan) -> Result<Verdict, Broken> {
        let entry = self.catalogue.entry(&policy.plugin);
        match (&policy.broken, entry.and_then(|entry| Some((entry, entry.engine()?)))) {
            (Some(broken), _) => Err(broken.clone()),
            (None, None) => Err(Broken::new(BrokenKind::Settings, format!("there is no plugin {}", policy.plugin))),
            (None, Some((entry, engine))) => {
                let started = Instant::now();
                let answer = match engine {
                    Engine::Component(plugin) => {
                        let settings = entry.whole_settings(&policy.settings);
                        self.runtime.evaluate(asking.call, plugin, asking.evidence, &settings).await
                    }
                    Engine::OpaServer(server) => self.ask_server(asking, policy, server).await,
                };
                self.count(policy, &answer, started.elapsed());
                answer
            }
        }
    }
}

impl Judge {
    /// The server gets the documents that components get, and its verdict is held as theirs are.
    async fn ask_server(
        &self,
        asking: &Asking<'_>,
        policy: &PolicyPlan,
        server: &OpaServer,
    ) -> Result<Verdict, Broken> {
        let reading = reading(&policy.settings, None)
            .map_err(|problem| Broken::new(BrokenKind::Settings, problem.to_string()))?;
        let shape = Shape::from_word(reading.input.shape()).expect("the reader of results knows the host's shapes");
        let documents = self.runtime.documents(&policy.plugin, asking.evidence, shape).await?;
        let inputs: Vec<JsonDocument> =
            documents.iter().filter(|document| reading.input.takes(&document.name)).cloned().collect();
        let (verdict, answers) = match &asking.remote.recorded {
            None => server.judge(&reading, &inputs, asking.evidence).await,
            Some(answers) => {
                let recorded = Recorded { plugin: policy.plugin.as_str(), answers };
                server.judge_again(&reading, &inputs, asking.evidence, recorded).await
            }
        };
        asking.remote.add(policy, answers);
        self.runtime.hold(verdict?, asking.evidence).map_err(|problem| {
            Broken::new(BrokenKind::Malformed, format!("`{}` answered against the contract: {problem}", policy.plugin))
        })
    }

    fn count(&self, policy: &PolicyPlan, answer: &Result<Verdict, Broken>, took: Duration) {
        let broken = answer.as_ref().err();
        let call = PluginCall {
            plugin: policy.plugin.as_str(),
            kind: "evaluate",
            verdict: answer.as_ref().map_or("", |verdict| verdict.outcome.word()),
            outcome: broken.map_or("ok", |broken| broken.kind.word()),
            limit: broken.and_then(|broken| broken.limit.as_deref()),
        };
        self.metrics.plugin_call(&call, took);
    }
}

/// What all policies of one case are asked with.
#[derive(Clone, Copy)]
struct Asking<'a> {
    call: &'a Call,
    plan: &'a Plan,
    evidence: &'a Arc<Evidence>,
    baseline: Option<&'a BaselineRecord>,
    remote: &'a RemoteAnswers,
}

/// What remote engines said in one case, whoever asked first.
#[derive(Default)]
struct RemoteAnswers {
    given: Mutex<Vec<RemoteAnswer>>,
    /// What was answered before, where nobody is to be asked.
    recorded: Option<Vec<RemoteAnswer>>,
}

impl RemoteAnswers {
    fn recorded(answers: &[RemoteAnswer]) -> Self {
        Self { recorded: Some(answers.to_vec()), ..Self::default() }
    }

    fn add(&self, policy: &PolicyPlan, mut answers: Vec<RemoteAnswer>) {
        answers.truncate(crate::rego::ANSWERS_KEPT);
        let mut left = crate::rego::ANSWERS_KEPT_BYTES;
        for answer in &mut answers {
            answer.plugin = policy.plugin.to_string();
            match left.checked_sub(answer.text.as_ref().map_or(0, String::len)) {
                Some(rest) => left = rest,
                None => answer.text = None,
            }
        }
        self.given.lock().unwrap_or_else(PoisonError::into_inner).extend(answers);
    }

    fn in_order(self) -> Vec<RemoteAnswer> {
        let mut answers = self.given.into_inner().unwrap_or_else(PoisonError::into_inner);
        answers.sort_by(|a, b| (&a.plugin, &a.document, &a.answer).cmp(&(&b.plugin, &b.document, &b.answer)));
        answers
    }
}

/// Which unreadable things are evidence. An artifact that nobody claims and whose name says nothing (a 200 MB
/// `dist.zip`, an archive with links) changes no verdict; one that is named as evidence and holds nothing that
/// anybody recognises is unreadable as a whole.
fn what_counts(
    plan: &Plan,
    unclaimed: Unclaimed,
    lost: Vec<(String, UnreadableArtifact)>,
    readings: &Readings,
) -> Vec<UnreadableArtifact> {
    let evidence = globs(&plan.evidence_globs);
    let bound = globs(&plan.normalizers.iter().flat_map(|normalizer| normalizer.bind.clone()).collect::<Vec<_>>());
    let named = |artifact: &str, path: &str| {
        evidence.is_match(artifact) || evidence.is_match(path) || bound.is_match(path) || bound.is_match(artifact)
    };
    let mut counting: Vec<UnreadableArtifact> = readings.unreadable.clone();
    counting.extend(lost.into_iter().filter(|(name, lost)| named(name, &lost.path)).map(|(_, lost)| lost));
    let unrecognised = |(path, provenance): (&str, Option<Provenance>)| UnreadableArtifact {
        path: path.to_owned(),
        digest: None,
        format: None,
        covers: Vec::new(),
        reason: "no normalizer recognises it".to_owned(),
        cause: UnreadableCause::File,
        provenance,
    };
    match unclaimed {
        Unclaimed::IsUnreadable => {
            counting.extend(readings.unclaimed.iter().map(|file| unrecognised((&file.path, file.provenance))));
        }
        Unclaimed::IsListed => {
            let mut silent: BTreeMap<&str, Option<Provenance>> = BTreeMap::new();
            // The same name from two runs counts as the better of the two.
            let mut add = |path, file: &UnclaimedFile| {
                let known = silent.entry(path).or_insert(file.provenance);
                *known = known.zip(file.provenance).map(|(one, other)| one.max(other));
            };
            for file in readings.unclaimed.iter().filter(|file| evidence.is_match(artifact_of(&file.path))) {
                let name = file.path.rsplit('/').next().unwrap_or_default();
                // A scanner that crashed leaves an empty file; a file with a report's name is one.
                if file.empty || evidence.is_match(name) {
                    add(file.path.as_str(), file);
                } else if !readings.known.contains(&(file.run, artifact_of(&file.path).to_owned())) {
                    add(artifact_of(&file.path), file);
                }
            }
            counting.extend(silent.into_iter().map(unrecognised));
        }
    }
    counting.sort_by(|a, b| a.path.cmp(&b.path));
    counting
}

fn artifact_of(path: &str) -> &str {
    path.split_once('/').map_or(path, |(artifact, _)| artifact)
}

/// Those whose giver is still nobody's judge in his own cause: a pull request of his own may have the same head by now.
fn acceptances(commit: &CommitState) -> BTreeMap<CheckName, Acceptance> {
    let authors = || commit.pull_requests.values().filter_map(|pull| pull.author.as_deref());
    let is_author = |by: &str| authors().any(|author| author.eq_ignore_ascii_case(by));
    let given = commit.accepted.iter().filter(|(_, acceptance)| !is_author(&acceptance.by));
    given.map(|(check, acceptance)| (check.clone(), acceptance.clone())).collect()
}

fn context(lease: &Lease, commit: &CommitState) -> Context {
    let is_group = commit.merge_group.is_some();
    let mut numbers: Vec<u64> = commit.pull_requests.keys().copied().collect();
    numbers.extend(commit.announced.iter().filter(|number| !commit.pull_requests.contains_key(number)));
    let event = match (is_group, numbers.is_empty()) {
        (true, _) => "merge_group",
        (false, false) => "pull_request",
        (false, true) => "push",
    };
    Context {
        owner: lease.commit.repository.owner().to_owned(),
        repository: lease.commit.repository.name().to_owned(),
        repository_id: commit.origin.as_ref().map(|origin| origin.repository_id),
        head_sha: lease.commit.sha.to_string(),
        // Said for each base when the case is seen from there.
        base_sha: None,
        base_branch: None,
        pull_requests: numbers,
        event: Some(event.to_owned()),
        now: lease.job().now,
        properties: Vec::new(),
    }
}

/// What a policy judges, as Polly names it; none for a policy about anything else.
fn kind_of(check: &CheckPlan, policy: &PolicyPlan, evidence: &Evidence) -> Span {
    let items = |of: fn(&Report) -> usize| evidence.reports.iter().map(|sourced| of(&sourced.report)).sum::<usize>();
    let span = if policy.reads.contains(&Coverage::Vulnerabilities) {
        let span = spans::policy_vulnerability();
        span.record("input.vulnerability_count", items(|report| report.findings.len()));
        span
    } else if policy.reads.contains(&Coverage::Licenses) {
        let span = spans::policy_sbom();
        span.record("input.package_count", items(|report| report.components.len()));
        span
    } else {
        return Span::none();
    };
    span.record("check.type", check.name.as_str());
    span
}

fn describe(span: &Span, policy: &PolicyPlan, answer: &Result<Verdict, Broken>) {
    span.record("policy.type", policy.plugin.as_str());
    match answer {
        Ok(verdict) => {
            span.record("policy.compliant", verdict.outcome == Outcome::Pass);
            span.record("policy.non_compliant_count", verdict.violations.len());
            spans::well(span);
        }
        // The message may repeat what an artifact says; the kind is enough to filter by.
        Err(broken) => spans::failed(span, &broken.kind),
    }
}

struct Steps<'a> {
    metrics: &'a Metrics,
    timings_ms: Vec<(String, u64)>,
}

impl Steps<'_> {
    fn note(&mut self, step: &str, took: Duration) {
        self.metrics.job_seconds.with_label_values(&[step]).observe(took.as_secs_f64());
        self.timings_ms.push((step.to_owned(), took.as_millis() as u64));
    }
}
