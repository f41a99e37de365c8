//! Fetches what a workflow run uploaded: one listing and one download per artifact, whoever asks and how often.
//! What cannot be opened is an answer with a reason and a cause, never a gap.

use super::archive::{self, Budget, Refused, RunBudget, Unpacked};
use super::caps::Caps;
use super::store::{ArtifactStore, Draft};
use crate::github::{ArtifactListing, GitHub, GitHubError, RepositoryAt};
use crate::model::artifact::UnreadableCause;
use crate::model::{Digest, Outline, RunId, Unix, UnreadableArtifact, WorkflowRun};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::{BoxFuture, FutureExt as _, Shared, WeakShared};
use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// A transfer that breaks off is begun again so often.
const TRANSFERS: u32 = 3;

/// What a run uploaded, as far as it could be opened.
#[derive(Clone, Debug, Default)]
pub struct Fetched {
    /// In the order of their paths.
    pub files: Vec<FetchedFile>,
    /// Whether one of them counts as evidence is the pipeline's to say.
    pub unopened: Vec<UnopenedArtifact>,
    /// Names of all artifacts, each once, in order.
    pub listed: Vec<String>,
}

/// One file in the store.
#[derive(Clone, Debug)]
pub struct FetchedFile {
    pub artifact: String,
    pub artifact_id: u64,
    /// Of the artifact as it was uploaded, where GitHub tells it.
    pub artifact_digest: Option<Digest>,
    /// `<artifact name>/<path inside it>`.
    pub path: String,
    pub digest: Digest,
    pub bytes: Bytes,
    pub outline: Outline,
    /// When its artifact was uploaded: before the attempt's start it stems from an earlier attempt.
    pub created_at: Unix,
}

/// An artifact that could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnopenedArtifact {
    pub artifact: String,
    pub size_bytes: u64,
    /// A word for metrics: `expired`, `size`, `ratio`, `link`, ….
    pub label: &'static str,
    pub unreadable: UnreadableArtifact,
}

/// Shares downloads between all who ask. Cheap to clone.
#[derive(Clone)]
pub struct Fetcher {
    inner: Arc<Inner>,
}

struct Inner {
    store: ArtifactStore,
    /// Weak, so that a flight whose last passenger left is not resumed hours later with an old listing.
    flights: Mutex<HashMap<FlightKey, WeakShared<Landing>>>,
    unpacked: Mutex<UnpackedBefore>,
}

/// Whether the run ended belongs to the key: who asks after the end must not get a listing from before it.
type FlightKey = (RepositoryAt, RunId, u32, bool);
type Landing = BoxFuture<'static, Result<Arc<Fetched>, GitHubError>>;

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetcher").field("usage", &self.inner.store.usage()).finish_non_exhaustive()
    }
}

impl Fetcher {
    pub fn new(store: ArtifactStore) -> Self {
        Self { inner: Arc::new(Inner { store, flights: Mutex::default(), unpacked: Mutex::default() }) }
    }

    pub fn store(&self) -> &ArtifactStore {
        &self.inner.store
    }

    /// Fails only where nothing can be said about the run (the listing could not be had) or where the whole
    /// installation has to wait (`RateLimited`); what was unpacked until then is not downloaded again.
    pub async fn fetch(
        &self,
        github: &GitHub,
        at: &RepositoryAt,
        run: &WorkflowRun,
    ) -> Result<Arc<Fetched>, GitHubError> {
        self.board(github, at, run).await
    }

    /// The flight that is under way, or a new one.
    fn board(&self, github: &GitHub, at: &RepositoryAt, run: &WorkflowRun) -> Shared<Landing> {
        let key = (at.clone(), run.id, run.attempt, run.state.ended());
        let mut flights = self.inner.flights.lock().expect("nothing panics while it holds the flights");
        // A landed flight cannot be boarded: its result is as old as its listing.
        let under_way = flights.get(&key).and_then(WeakShared::upgrade).filter(|flight| flight.peek().is_none());
        if let Some(flight) = under_way {
            return flight;
        }
        let (inner, github, at, run) = (self.inner.clone(), github.clone(), at.clone(), run.id);
        let flight = async move { inner.all_of(&github, &at, run).await.map(Arc::new) }.boxed().shared();
        flights.retain(|_, flight| flight.upgrade().is_some());
        flights.extend(flight.downgrade().map(|flight| (key, flight)));
        flight
    }
}

impl Inner {
    async fn all_of(&self, github: &GitHub, at: &RepositoryAt, run: RunId) -> Result<Fetched, GitHubError> {
        let newest = newest_by_name(github.list_artifacts(at, run).await?);
        let listed: Vec<String> = newest.keys().cloned().collect();
        let caps = *self.store.caps();
        let budget = Arc::new(RunBudget::new(&caps));
        let mut fetched = Fetched { listed, ..Fetched::default() };
        let mut artifacts: Vec<_> = newest.into_values().collect();
        for beyond in artifacts.split_off(artifacts.len().min(caps.artifacts)) {
            let why = Failure::file("artifacts", format!("the run uploaded more than {} artifacts", caps.artifacts));
            fetched.unopened.push(unopened(&beyond, why));
        }
        let mut answers = futures::stream::iter(artifacts)
            .map(|listing| async {
                let answer = self.one(github, at, &listing, &budget).await;
                (listing, answer)
            })
            .buffer_unordered(caps.parallel);
        while let Some((listing, answer)) = answers.next().await {
            match answer {
                Ok(files) => fetched.files.extend(files.into_iter().map(|file| fetched_file(&listing, file))),
                Err(Failure { error: Some(limited @ GitHubError::RateLimited { .. }), .. }) => return Err(limited),
                Err(failure) => fetched.unopened.push(unopened(&listing, failure)),
            }
        }
        drop(answers);
        // Whoever came first over the line must not show.
        fetched.files.sort_by(|a, b| a.path.cmp(&b.path));
        fetched.unopened.sort_by(|a, b| a.artifact.cmp(&b.artifact));
        Ok(fetched)
    }

    async fn one(
        &self,
        github: &GitHub,
        at: &RepositoryAt,
        listing: &ArtifactListing,
        run: &Arc<RunBudget>,
    ) -> Result<Vec<Unpacked>, Failure> {
        let caps = self.store.caps();
        if listing.expired {
            return Err(Failure::file("expired", "expired"));
        }
        if listing.size_bytes > caps.artifact_bytes {
            return Err(Failure::file("artifact-size", format!("is larger than {} bytes", caps.artifact_bytes)));
        }
        let key = (at.clone(), listing.id, listing.digest);
        if let Some(files) = self.remembered(&key) {
            return Ok(files);
        }
        // Until bytes come it is GitHub that takes its time; then it is the artifact.
        let arrived = AtomicBool::new(false);
        let work = self.fetch_and_unpack(github, at, listing, Effort { run, arrived: &arrived });
        let files = match tokio::time::timeout(caps.time, work).await {
            Ok(done) => done?,
            Err(_) if arrived.load(Ordering::Relaxed) => {
                return Err(Failure::file("time", format!("took longer than {} s", caps.time.as_secs())));
            }
            Err(_) => return Err(Failure::outage("GitHub did not send it in time")),
        };
        self.remember(key, &files);
        Ok(files)
    }

    async fn fetch_and_unpack(
        &self,
        github: &GitHub,
        at: &RepositoryAt,
        listing: &ArtifactListing,
        effort: Effort<'_>,
    ) -> Result<Vec<Unpacked>, Failure> {
        let deadline = Instant::now() + self.store.caps().time;
        let (draft, kind) = self.transfer(github, at, listing.id, effort.arrived).await?;
        if listing.digest.is_some_and(|announced| announced != draft.digest()) {
            return Err(GitHubError::Digest("its bytes are not those that were uploaded".to_owned()).into());
        }
        let (store, name, run) = (self.store.clone(), listing.name.clone(), effort.run.clone());
        // Inflating keeps a processor busy: not on a thread that serves others.
        let work = tokio::task::spawn_blocking(move || {
            let stored = draft.read().map_err(Refused::Store)?;
            open(&stored, kind, &name, (&store, &Budget { deadline, run: &run }))
        });
        match work.await {
            Ok(files) => Ok(files?),
            // A panic in the zip library is the archive's doing.
            Err(_) => Err(Failure::file("malformed", "made the zip library give up")),
        }
    }

    /// The stored bytes in a draft, begun again where the line breaks off.
    async fn transfer(
        &self,
        github: &GitHub,
        at: &RepositoryAt,
        artifact: u64,
        arrived: &AtomicBool,
    ) -> Result<(Draft, Kind), Failure> {
        let mut transfers = 1;
        loop {
            match self.transfer_once(github, at, artifact, arrived).await {
                Err(Failure { error: Some(GitHubError::Unavailable(_) | GitHubError::Malformed(_)), .. })
                    if transfers < TRANSFERS && arrived.load(Ordering::Relaxed) =>
                {
                    transfers += 1;
                }
                done => return done,
            }
        }
    }

    async fn transfer_once(
        &self,
        github: &GitHub,
        at: &RepositoryAt,
        artifact: u64,
        arrived: &AtomicBool,
    ) -> Result<(Draft, Kind), Failure> {
        let cap = self.store.caps().artifact_bytes;
        let too_large = || GitHubError::TooLarge(format!("is larger than {cap} bytes"));
        let mut download = github.download_artifact(at, artifact).await?;
        if download.length.is_some_and(|length| length > cap) {
            return Err(too_large().into());
        }
        let mut draft = self.store.draft().map_err(Failure::disk)?;
        while let Some(piece) = download.body.next().await {
            arrived.store(true, Ordering::Relaxed);
            let piece = piece?;
            if draft.written() + piece.len() as u64 > cap {
                return Err(too_large().into());
            }
            // A few KB into the page cache: not worth another thread.
            draft.write_all(&piece).map_err(Failure::disk)?;
        }
        arrived.store(true, Ordering::Relaxed);
        Ok((draft, Kind::of(download.content_type.as_deref())))
    }

    fn remembered(&self, key: &ArtifactKey) -> Option<Vec<Unpacked>> {
        let parts = self.unpacked.lock().expect("nothing panics while it holds the results").get(key)?;
        let file = |part: &Part| {
            let bytes = self.store.get(&part.digest)?;
            Some(Unpacked { path: part.path.clone(), digest: part.digest, bytes, outline: part.outline.clone() })
        };
        // One file evicted: then all are fetched again.
        parts.iter().map(file).collect()
    }

    fn remember(&self, key: ArtifactKey, files: &[Unpacked]) {
        let part =
            |file: &Unpacked| Part { path: file.path.clone(), digest: file.digest, outline: file.outline.clone() };
        let parts: Arc<[Part]> = files.iter().map(part).collect();
        let mut unpacked = self.unpacked.lock().expect("nothing panics while it holds the results");
        unpacked.insert(key, parts, self.store.caps());
    }
}

struct Effort<'a> {
    run: &'a Arc<RunBudget>,
    arrived: &'a AtomicBool,
}

/// What the blob host says that it sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Zip,
    Raw,
    Unsaid,
}

impl Kind {
    fn of(content_type: Option<&str>) -> Self {
        match content_type.map(|given| given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()) {
            None => Kind::Unsaid,
            // The last is what GitHub's own uploader sets.
            Some(given) if matches!(given.as_str(), "application/zip" | "application/x-zip-compressed" | "zip") => {
                Kind::Zip
            }
            Some(_) => Kind::Raw,
        }
    }
}

fn open(
    stored: &Bytes,
    kind: Kind,
    name: &str,
    (store, budget): (&ArtifactStore, &Budget<'_>),
) -> Result<Vec<Unpacked>, Refused> {
    // A zip without entries begins with the end of its directory.
    let is_zip = stored.starts_with(b"PK\x03\x04") || stored.starts_with(b"PK\x05\x06");
    match (kind, is_zip) {
        (Kind::Zip | Kind::Unsaid, true) => archive::unpack(stored, store, budget),
        (Kind::Raw | Kind::Unsaid, false) => Ok(vec![archive::take_raw(stored, name, store, budget)?]),
        (Kind::Zip, false) => Err(Refused::File("kind", "was sent as a zip archive and is none".to_owned())),
        (Kind::Raw, true) => Err(Refused::File("kind", "is a zip archive and was not sent as one".to_owned())),
    }
}

/// Why an artifact could not be opened.
#[derive(Debug)]
struct Failure {
    label: &'static str,
    reason: String,
    cause: UnreadableCause,
    error: Option<GitHubError>,
}

impl Failure {
    fn file(label: &'static str, reason: impl Into<String>) -> Self {
        Self { label, reason: reason.into(), cause: UnreadableCause::File, error: None }
    }
    fn outage(reason: impl Into<String>) -> Self {
        Self { label: "outage", reason: reason.into(), cause: UnreadableCause::Outage, error: None }
    }
    fn disk(error: std::io::Error) -> Self {
        Self::outage(format!("could not be stored: {error}"))
    }
}

impl From<GitHubError> for Failure {
    fn from(error: GitHubError) -> Self {
        let label = match &error {
            GitHubError::NotFound(_) => "not-found",
            GitHubError::Gone(_) => "gone",
            GitHubError::Permission(_) => "permission",
            GitHubError::TooLarge(_) => "artifact-size",
            GitHubError::Digest(_) => "digest",
            GitHubError::Redirect(_) => "redirect",
            GitHubError::Malformed(_) | GitHubError::Unprocessable(_) => "malformed",
            GitHubError::RateLimited { .. } | GitHubError::Unauthorized(_) | GitHubError::Unavailable(_) => "outage",
        };
        Self { label, reason: error.to_string(), cause: error.cause(), error: Some(error) }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::File(label, reason) => Self::file(label, reason),
            Refused::Store(error) => Self::disk(error),
        }
    }
}

fn unopened(listing: &ArtifactListing, failure: Failure) -> UnopenedArtifact {
    UnopenedArtifact {
        artifact: listing.name.clone(),
        size_bytes: listing.size_bytes,
        label: failure.label,
        unreadable: UnreadableArtifact {
            path: listing.name.clone(),
            digest: listing.digest,
            format: None,
            covers: Vec::new(),
            reason: failure.reason,
            cause: failure.cause,
            provenance: None,
        },
    }
}

fn fetched_file(listing: &ArtifactListing, file: Unpacked) -> FetchedFile {
    FetchedFile {
        artifact: listing.name.clone(),
        artifact_id: listing.id,
        artifact_digest: listing.digest,
        path: format!("{}/{}", listing.name, file.path),
        digest: file.digest,
        bytes: file.bytes,
        outline: file.outline,
        created_at: listing.created_at,
    }
}

/// After a partial re-run, artifacts of the first attempt are still listed, and a name may occur twice.
fn newest_by_name(listings: Vec<ArtifactListing>) -> BTreeMap<String, ArtifactListing> {
    let mut newest: BTreeMap<String, ArtifactListing> = BTreeMap::new();
    for listing in listings {
        let age = |listing: &ArtifactListing| (listing.created_at, listing.id);
        if newest.get(&listing.name).is_none_or(|kept| age(kept) < age(&listing)) {
            newest.insert(listing.name.clone(), listing);
        }
    }
    newest
}

/// Identity is id and digest, never the name.
type ArtifactKey = (RepositoryAt, u64, Option<Digest>);

#[derive(Debug)]
struct Part {
    path: String,
    digest: Digest,
    outline: Outline,
}

/// What was unpacked before, without the bytes: those are the store's.
#[derive(Default)]
struct UnpackedBefore {
    results: HashMap<ArtifactKey, (Arc<[Part]>, Instant)>,
    bytes: usize,
}

impl UnpackedBefore {
    fn get(&mut self, key: &ArtifactKey) -> Option<Arc<[Part]>> {
        let (parts, used) = self.results.get_mut(key)?;
        *used = Instant::now();
        Some(parts.clone())
    }

    fn insert(&mut self, key: ArtifactKey, parts: Arc<[Part]>, caps: &Caps) {
        self.bytes += weight(&parts);
        if let Some((before, _)) = self.results.insert(key, (parts, Instant::now())) {
            self.bytes -= weight(&before);
        }
        while self.bytes > caps.outline_bytes || self.oldest_is_over(caps) {
            let Some(oldest) = self.oldest().cloned() else { return };
            if let Some((gone, _)) = self.results.remove(&oldest) {
                self.bytes -= weight(&gone);
            }
        }
    }

    fn oldest(&self) -> Option<&ArtifactKey> {
        self.results.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| key)
    }

    fn oldest_is_over(&self, caps: &Caps) -> bool {
        self.oldest().is_some_and(|key| self.results[key].1.elapsed() > caps.store_age)
    }
}

/// Roughly what it takes in memory: texts, and a fixed part per file and member.
fn weight(parts: &[Part]) -> usize {
    let member = |(name, value): &(String, Option<String>)| 64 + name.len() + value.as_ref().map_or(0, String::len);
    let part = |part: &Part| 256 + part.path.len() + part.outline.members.iter().map(member).sum::<usize>();
    parts.iter().map(part).sum::<usize>() + 256
}
