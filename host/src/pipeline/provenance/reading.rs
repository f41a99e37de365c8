//! Reads what the tiers are made of: few calls, none of them twice, all at once and beside the artifacts. What lies at a
//! commit never changes, so it is kept.

use super::super::branches::Branches;
use super::procedure::{self, Procedure, Sides, Source, Used};
use super::{Tiers, is_foreign, tier};
use crate::github::{Entry, FileAt, GitHub, GitHubError, RepositoryAt};
use crate::model::artifact::UnreadableCause;
use crate::model::changes::Changes;
use crate::model::event::MergeGroup;
use crate::model::provenance::ReferencedWorkflow;
use crate::model::{HeadSha, WorkflowRun};
use futures::future::join_all;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// A workflow file has a few KB, so these are a few MB.
const KEPT: usize = 1_000;
/// A 404 right after a push can be replication lag.
const LAG_REPETITIONS: u32 = 2;
/// Pull requests with one head of which the files are listed; with more than these nothing is comparable.
const MOST_PULL_REQUESTS: usize = 5;

/// Local actions and workflows that one procedure uses, each a call or two; with more than these nothing is comparable.
const MOST_USED: usize = 16;

/// Compares procedures. Shared by all jobs.
#[derive(Debug)]
pub struct Comparer {
    github: GitHub,
    blobs: Kept<FileAt>,
    directories: Kept<Vec<Entry>>,
}

/// A pull request whose head the commit is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub number: u64,
    pub head_repository_id: Option<u64>,
    pub base_sha: HeadSha,
    pub base_branch: String,
}

/// Of which runs the tiers are wanted, and what is known of their commit.
#[derive(Debug)]
pub struct Question<'a> {
    pub at: &'a RepositoryAt,
    pub head: &'a HeadSha,
    pub repository_id: Option<u64>,
    pub branches: &'a Branches<'a>,
    /// Open ones.
    pub pull_requests: Vec<Candidate>,
    /// The base branches of every pull request that ever had this head: a run may have been made for any of them.
    pub bases: BTreeSet<String>,
    /// The merge group whose head the commit is.
    pub group: Option<&'a MergeGroup>,
    pub runs: &'a [WorkflowRun],
    pub trusted: &'a [ReferencedWorkflow],
}

/// The tiers, and the lists of files that they rest on, for whoever wants them too.
#[derive(Debug, Default)]
pub struct Compared {
    pub tiers: Tiers,
    pub changes: BTreeMap<u64, Result<Changes, GitHubError>>,
}

type Read<T> = Result<T, GitHubError>;

impl Comparer {
    pub fn new(github: GitHub) -> Self {
        Self { github, blobs: Kept::default(), directories: Kept::default() }
    }

    /// Fails only where the whole installation has to wait: whatever else cannot be read makes a run no better.
    pub async fn compare(&self, question: &Question<'_>) -> Result<Compared, GitHubError> {
        let own: Vec<&WorkflowRun> =
            question.runs.iter().filter(|run| !is_foreign(run, question.repository_id)).collect();
        let changes = self.changes(question);
        let protected = self.unprotected(question, &own);
        let (changes, unprotected) = futures::join!(changes, protected);
        let reading = Reading { question, changes, unprotected };
        let procedures = join_all(own.iter().map(|run| self.procedure(&reading, run))).await;
        let procedures: BTreeMap<_, _> = own.iter().map(|run| run.id).zip(procedures).collect();
        let lost = reading.changes.values().filter_map(|answer| answer.as_ref().err());
        for answer in procedures.values().filter_map(|answer| answer.as_ref().err()).chain(lost) {
            if let limited @ GitHubError::RateLimited { .. } = answer {
                return Err(limited.clone());
            }
        }
        let tiers = question.runs.iter().map(|run| {
            let procedure = match procedures.get(&run.id) {
                Some(Ok(procedure)) => procedure.clone(),
                Some(Err(error)) => unread(error),
                None => Procedure::Incomparable("it is a fork's".to_owned()),
            };
            (run.id, tier(run, question.repository_id, &procedure, question.trusted))
        });
        Ok(Compared { tiers: Tiers::new(tiers), changes: reading.changes })
    }

    /// The files of the pull requests, those of the repository's own branches first. A fork's run is a fork's whatever it
    /// changes, but people want to see the lines that it changed.
    async fn changes(&self, question: &Question<'_>) -> BTreeMap<u64, Read<Changes>> {
        let forks = question.pull_requests.iter().filter(|pull| !question.is_own(pull));
        let read = question.own_pull_requests().chain(forks).take(MOST_PULL_REQUESTS);
        let read =
            read.map(|pull| async { (pull.number, self.github.pull_request_files(question.at, pull.number).await) });
        join_all(read).await.into_iter().collect()
    }

    /// A base branch that anybody with write access could have changed for the purpose.
    async fn unprotected(&self, question: &Question<'_>, own: &[&WorkflowRun]) -> Read<Option<String>> {
        if own.is_empty() {
            return Ok(None);
        }
        // Only GitHub's queue writes to the branch that a group is for. What else has its head may be for any other.
        let of_group = question.group.map(|group| &group.base_branch);
        let others = question.bases.iter().filter(|base| Some(*base) != of_group);
        let asked = others.map(|base| async move { (base, question.branches.is_trusted(base).await) });
        for (base, trusted) in join_all(asked).await {
            if !trusted? {
                return Ok(Some(base.clone()));
            }
        }
        Ok(None)
    }

    async fn procedure(&self, reading: &Reading<'_>, run: &WorkflowRun) -> Read<Procedure> {
        if run.head_sha != *reading.question.head {
            return Ok(Procedure::Incomparable("its run is of another commit".to_owned()));
        }
        if let Some(base) = reading.unprotected.as_ref().map_err(Clone::clone)? {
            let why = format!("`{base}`, a base of this commit, is neither the default branch nor protected");
            return Ok(Procedure::Incomparable(why));
        }
        match run.event.as_str() {
            "pull_request" => match self.of_pull_requests(reading, run).await? {
                // The run was made with the workflow of one of the bases: nobody knows which, so they must agree.
                Procedure::Unchanged { .. } if reading.question.bases.len() > 1 => {
                    self.of_every_base(reading, run).await
                }
                procedure => Ok(procedure),
            },
            "push" | "workflow_dispatch" => self.of_every_base(reading, run).await,
            "merge_group" => match reading.question.group {
                Some(group) => {
                    let base_name = "the commit that the merge group is built on";
                    self.of_commit(reading.question, run, (group.base_sha.as_str(), base_name)).await
                }
                None => Ok(Procedure::Incomparable("nothing is known of its merge group".to_owned())),
            },
            event => Ok(Procedure::Incomparable(format!("runs for `{event}` are not compared"))),
        }
    }

    /// The procedure as the commit has it, held against that of each branch as it is now.
    async fn of_every_base(&self, reading: &Reading<'_>, run: &WorkflowRun) -> Read<Procedure> {
        let default = reading.question.branches.default_branch().map(str::to_owned);
        let bases = match reading.question.bases.is_empty() {
            true => default.into_iter().collect(),
            false => reading.question.bases.clone(),
        };
        let mut same = Procedure::Incomparable("there is no branch to compare with".to_owned());
        for base in bases {
            // A tag may have the branch's name.
            let tip = format!("refs/heads/{base}");
            match self.of_commit(reading.question, run, (&tip, &format!("`{base}`"))).await? {
                unchanged @ Procedure::Unchanged { .. } => same = unchanged,
                other => return Ok(other),
            }
        }
        Ok(same)
    }

    /// Of several pull requests with one head nobody knows which the run was made for: none may change the procedure.
    async fn of_pull_requests(&self, reading: &Reading<'_>, run: &WorkflowRun) -> Read<Procedure> {
        let pulls: Vec<&Candidate> = reading.question.own_pull_requests().collect();
        if pulls.is_empty() {
            return Ok(Procedure::Incomparable("no open pull request of this repository has its commit".to_owned()));
        }
        if pulls.len() > MOST_PULL_REQUESTS {
            return Ok(Procedure::Incomparable(format!("{} pull requests have its commit", pulls.len())));
        }
        let mut unchanged = None;
        for procedure in join_all(pulls.into_iter().map(|pull| self.of_pull_request(reading, run, pull))).await {
            match procedure? {
                same @ Procedure::Unchanged { .. } => unchanged = Some(same),
                other => return Ok(other),
            }
        }
        Ok(unchanged.expect("there is at least one pull request"))
    }

    async fn of_pull_request(&self, reading: &Reading<'_>, run: &WorkflowRun, pull: &Candidate) -> Read<Procedure> {
        let Some(changes) = reading.changes.get(&pull.number) else {
            return Ok(Procedure::Incomparable(format!("the files of pull request #{} were not read", pull.number)));
        };
        let changes = changes.as_ref().map_err(Clone::clone)?;
        if changes.files.is_empty() && changes.head_sha.is_none() {
            // An empty list does not say of which commit it is; the trees do.
            let base = (pull.base_sha.as_str(), "its base");
            return self.of_commit(reading.question, run, base).await;
        }
        let (workflow, base) = (&run.workflow_path, pull.base_sha.as_str());
        let blob = self.blob(reading.question, workflow, base).await?;
        let used = self.used(reading.question, (workflow, base), blob.as_ref().as_ref()).await?;
        let source = blob.as_ref().as_ref().map(|file| Source { file, used: &used });
        Ok(procedure::of_pull_request((pull.number, changes), reading.question.head, workflow, source))
    }

    async fn of_commit(
        &self,
        question: &Question<'_>,
        run: &WorkflowRun,
        (base, base_name): (&str, &str),
    ) -> Read<Procedure> {
        let (head, base, blob) = futures::join!(
            self.github_directory(question, question.head.as_str()),
            self.github_directory(question, base),
            self.blob(question, &run.workflow_path, question.head.as_str()),
        );
        let (head, base, blob) = (head?, base?, blob?);
        let at_head = (run.workflow_path.as_str(), question.head.as_str());
        let used = self.used(question, at_head, blob.as_ref().as_ref()).await?;
        let sides = Sides { head: (*head).as_deref(), base: (*base).as_deref(), base_name };
        let source = blob.as_ref().as_ref().map(|file| Source { file, used: &used });
        Ok(procedure::of_commit(sides, &run.workflow_path, source))
    }

    /// What a workflow uses of its own repository at a commit, and what that uses: as far as it goes.
    async fn used(
        &self,
        question: &Question<'_>,
        (workflow, commit): (&str, &str),
        file: Option<&FileAt>,
    ) -> Read<Used> {
        let mut used = BTreeSet::new();
        let Some(file) = file else { return Ok(Ok(used)) };
        let unclear = |path: &str| Ok(Err(format!("`{path}` cannot be understood")));
        let Some(mut open) = procedure::local_actions(&file.content) else { return unclear(workflow) };
        while let Some(path) = open.pop() {
            if !used.insert(path.clone()) {
                continue;
            }
            if used.len() > MOST_USED {
                return Ok(Err(format!(
                    "`{workflow}` uses more than {MOST_USED} actions and workflows of its repository"
                )));
            }
            match self.definition(question, &path, commit).await?.as_ref() {
                Some(file) => match procedure::local_actions(&file.content) {
                    Some(more) => open.extend(more),
                    None => return unclear(&path),
                },
                // Elsewhere a run may bring it there itself, and it counts as part of the procedure already.
                None if procedure::is_compared(&path) => {
                    return Ok(Err(format!("`{workflow}` uses `./{path}`, which is not there")));
                }
                None => {}
            }
        }
        Ok(Ok(used))
    }

    /// The file that says what an action or a workflow does. The workflow that uses it was seen at this commit, so its
    /// absence is no lag.
    async fn definition(&self, question: &Question<'_>, used: &str, commit: &str) -> Read<Arc<Option<FileAt>>> {
        for path in procedure::files_of(used) {
            let read = self.github.file(question.at, &path, Some(commit));
            let found = self.blobs.get_or((question.at.clone(), path.clone(), commit.to_owned()), read).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(Arc::new(None))
    }

    async fn blob(&self, question: &Question<'_>, path: &str, commit: &str) -> Read<Arc<Option<FileAt>>> {
        let read = self.seen(question, commit, || self.github.file(question.at, path, Some(commit)));
        self.blobs.get_or((question.at.clone(), path.to_owned(), commit.to_owned()), read).await
    }

    /// At the head something must be there, since a workflow of it ran: if not, it may have come there only just now.
    async fn seen<T, F>(&self, question: &Question<'_>, reference: &str, read: impl Fn() -> F) -> Read<Option<T>>
    where
        F: Future<Output = Read<Option<T>>>,
    {
        for repetition in 0..LAG_REPETITIONS {
            let found = read().await?;
            if found.is_some() || reference != question.head.as_str() {
                return Ok(found);
            }
            self.github.wait_for_replication(repetition).await;
        }
        read().await
    }

    async fn github_directory(&self, question: &Question<'_>, reference: &str) -> Read<Arc<Option<Vec<Entry>>>> {
        let read = self.seen(question, reference, || self.github.directory(question.at, ".github", reference));
        self.directories.get_or((question.at.clone(), ".github".to_owned(), reference.to_owned()), read).await
    }
}

impl Question<'_> {
    fn own_pull_requests(&self) -> impl Iterator<Item = &Candidate> {
        self.pull_requests.iter().filter(|pull| self.is_own(pull))
    }

    fn is_own(&self, pull: &Candidate) -> bool {
        pull.head_repository_id.is_some() && pull.head_repository_id == self.repository_id
    }
}

/// An outage is over some time; anything else, such as a file that is too large, may be the author's doing.
fn unread(error: &GitHubError) -> Procedure {
    let why = format!("its workflow could not be compared: {error}");
    match error.cause() {
        UnreadableCause::Outage => Procedure::Unread(why),
        _ => Procedure::Incomparable(why),
    }
}

struct Reading<'a> {
    question: &'a Question<'a>,
    changes: BTreeMap<u64, Read<Changes>>,
    unprotected: Read<Option<String>>,
}

/// Repository, path, and a commit or a branch.
type Place = (RepositoryAt, String, String);

/// What lies at commits. What lies at a branch's tip is never kept, nor that something is absent: right after a push it
/// may only look so.
#[derive(Debug)]
struct Kept<T>(Mutex<Shelf<T>>);

/// What is kept, and the order in which it came.
type Shelf<T> = (HashMap<Place, Arc<Option<T>>>, VecDeque<Place>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Kept<T> {
    async fn get_or(&self, place: Place, read: impl Future<Output = Read<Option<T>>>) -> Read<Arc<Option<T>>> {
        let stands_still = HeadSha::parse(&place.2).is_ok();
        if let Some(kept) = self.lock().0.get(&place) {
            return Ok(kept.clone());
        }
        let read = Arc::new(read.await?);
        if stands_still && read.is_some() {
            self.keep(place, read.clone());
        }
        Ok(read)
    }

    fn keep(&self, place: Place, read: Arc<Option<T>>) {
        let (kept, order) = &mut *self.lock();
        if kept.insert(place.clone(), read).is_none() {
            order.push_back(place);
        }
        while order.len() > KEPT {
            let oldest = order.pop_front().expect("there are more than none");
            kept.remove(&oldest);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shelf<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
