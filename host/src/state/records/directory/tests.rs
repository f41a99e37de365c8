use super::*;
use crate::model::artifact::Source;
use crate::model::evidence::Context;
use crate::model::material::{JudgedFile, Material, Unclaimed};
use crate::model::plan::Plan;
use crate::model::record::Runs;
use crate::model::{CommitKey, HeadSha, InstallationId, RepositoryName};
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
struct Hand(AtomicU64);
impl Clock for Hand {
    fn now(&self) -> Unix {
        self.0.load(Ordering::Relaxed)
    }
}

struct Shelved {
    directory: tempfile::TempDir,
    clock: Arc<Hand>,
    bounds: Bounds,
}

impl Shelved {
    fn new(max_bytes: u64) -> Self {
        let bounds = Bounds { max_age: Duration::from_secs(100), max_bytes };
        Self { directory: tempfile::tempdir().unwrap(), clock: Arc::new(Hand::default()), bounds }
    }

    fn open(&self) -> DirectoryRecords {
        DirectoryRecords::open(self.directory.path(), self.bounds, self.clock.clone()).unwrap()
    }

    fn files_on_disk(&self) -> usize {
        std::fs::read_dir(self.directory.path().join("files")).unwrap().count()
    }
}

fn job(number: u64) -> JobId {
    JobId(uuid::Uuid::from_u128(u128::from(number)).to_string())
}

/// A decision at this second over these files.
fn record(number: u64, contents: &[&[u8]]) -> (Record, Files) {
    let file = |content: &&[u8]| JudgedFile {
        source: Source { path: format!("scan/{}", Digest::of(content)), ..Source::default() },
        digest: Digest::of(content),
        size_bytes: content.len() as u64,
    };
    let material = Material {
        host: "1".to_owned(),
        context: Context::default(),
        tenant: "1".to_owned(),
        unclaimed: Unclaimed::IsListed,
        accepted: Default::default(),
        files: contents.iter().map(file).collect(),
        passed_over: 0,
        unopened: Vec::new(),
        unlisted: Vec::new(),
        changed_paths: None,
        standpoints: None,
        files_missing: None,
    };
    let record = Record {
        job: job(number),
        commit: CommitKey {
            installation: InstallationId(1),
            repository: RepositoryName::new("acme", "shop").unwrap(),
            sha: HeadSha::parse(&"a".repeat(40)).unwrap(),
        },
        pull_requests: vec![1],
        now: number,
        plan: Plan {
            checks: Vec::new(),
            normalizers: Vec::new(),
            waivers: Vec::new(),
            evidence_globs: Vec::new(),
            workflows: Vec::new(),
            events: Vec::new(),
            trusted_workflows: Vec::new(),
            no_run_deadline_s: 1,
            evidence_deadline_s: 1,
            commits: Default::default(),
            notices: Vec::new(),
            proposed_waivers: Vec::new(),
        },
        runs: Runs::default(),
        inputs: Vec::new(),
        unreadable: Vec::new(),
        checks: Vec::new(),
        notices: Vec::new(),
        hidden: [0; 3],
        hidden_findings: Vec::new(),
        remote_answers: Vec::new(),
        material: Some(material),
        baselines: Vec::new(),
        changed_lines: None,
        request: None,
        timings_ms: Vec::new(),
    };
    let files = contents.iter().map(|content| (Digest::of(content), Bytes::copy_from_slice(content))).collect();
    (record, files)
}

async fn keep(records: &DirectoryRecords, number: u64, contents: &[&[u8]]) {
    let (record, files) = record(number, contents);
    records.keep(&record, &files).await.unwrap();
}

async fn kept(records: &DirectoryRecords, number: u64) -> bool {
    records.get(&job(number)).await.unwrap().is_some()
}

#[tokio::test]
async fn a_restart_keeps_records_and_their_files() {
    let shelved = Shelved::new(1 << 20);
    let (one, files) = record(1, &[b"one", b"both"]);
    shelved.open().keep(&one, &files).await.unwrap();
    keep(&shelved.open(), 2, &[b"both"]).await;
    let again = shelved.open();
    assert_eq!(again.get(&job(1)).await.unwrap(), Some(one));
    assert_eq!((again.usage().1, shelved.files_on_disk()), (2, 2), "a file of two records is there once");
    let reader = RecordFiles::new(shelved.directory.path());
    assert_eq!(reader.file(&Digest::of(b"one")).unwrap(), &b"one"[..]);
    assert_eq!(again.usage().0, shelved.open().usage().0);
}

#[tokio::test]
async fn what_is_too_old_goes_with_the_files_that_nobody_else_names() {
    let shelved = Shelved::new(1 << 20);
    let records = shelved.open();
    keep(&records, 1, &[b"one", b"both"]).await;
    keep(&records, 50, &[b"both"]).await;
    shelved.clock.0.store(102, Ordering::Relaxed);
    assert_eq!(records.sweep().await.unwrap(), 1);
    assert!(!kept(&records, 1).await && kept(&records, 50).await);
    assert_eq!(shelved.files_on_disk(), 1);
    shelved.clock.0.store(151, Ordering::Relaxed);
    assert_eq!((shelved.open().usage(), shelved.files_on_disk()), ((0, 0), 0), "also at the start");
}

#[tokio::test]
async fn the_oldest_go_first_where_there_is_no_room() {
    let shelved = Shelved::new(30_000);
    let records = shelved.open();
    for number in 1..=3 {
        keep(&records, number, &[&[number as u8; 10_000]]).await;
    }
    assert_eq!((kept(&records, 1).await, kept(&records, 2).await, kept(&records, 3).await), (false, true, true));
    assert!(records.usage().0 <= 30_000);
    assert_eq!(shelved.files_on_disk(), 2);
}

#[tokio::test]
async fn files_that_cannot_fit_are_left_out_and_the_record_says_so() {
    let shelved = Shelved::new(10_000);
    let records = shelved.open();
    keep(&records, 1, &[&[1; 20_000]]).await;
    let material = records.get(&job(1)).await.unwrap().unwrap().material.unwrap();
    assert!(material.files_missing.unwrap().contains("over records.max_bytes = 10000"));
    assert_eq!(shelved.files_on_disk(), 0);
}

#[tokio::test]
async fn a_job_that_is_done_again_replaces_its_record() {
    let shelved = Shelved::new(1 << 20);
    let records = shelved.open();
    keep(&records, 1, &[b"first"]).await;
    keep(&records, 1, &[b"second"]).await;
    assert_eq!((records.usage().1, shelved.files_on_disk()), (1, 1));
    assert_eq!(records.usage().0, shelved.open().usage().0);
}

#[tokio::test]
async fn an_id_that_is_none_leads_nowhere() {
    let shelved = Shelved::new(1 << 20);
    let records = shelved.open();
    for id in ["../../etc/passwd", "", "job", "00000000-0000-0000-0000-00000000000g"] {
        assert_eq!(records.get(&JobId(id.to_owned())).await.unwrap(), None, "{id}");
    }
}

#[tokio::test]
async fn a_file_whose_content_changed_counts_as_gone_and_drafts_of_the_dead_are_removed() {
    let shelved = Shelved::new(1 << 20);
    keep(&shelved.open(), 1, &[b"one"]).await;
    let path = shelved.directory.path();
    std::fs::write(path.join("files").join(Digest::of(b"one").to_string()), b"two").unwrap();
    std::fs::write(path.join("records").join("draft-1"), b"{").unwrap();
    std::fs::write(path.join("files").join("draft-2"), b"x").unwrap();
    shelved.open();
    assert_eq!(RecordFiles::new(path).file(&Digest::of(b"one")), None);
    assert_eq!(std::fs::read_dir(path.join("records")).unwrap().count(), 1);
    assert_eq!(shelved.files_on_disk(), 1);
}
