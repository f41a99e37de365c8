//! Hostile and harmless archives, and downloads from a scripted GitHub.

use super::archive::{Budget, Refused, RunBudget, Unpacked, take_raw, unpack};
use super::*;
use crate::github::testing::{Asked, Response, Server, endless, is_mint, json, plain, shop, token};
use crate::model::artifact::UnreadableCause;
use crate::model::event::RunState;
use crate::model::{Digest, HeadSha, RunId, WorkflowRun};
use bytes::Bytes;
use serde_json::json;
use std::io::{Cursor, Write as _};
use std::time::{Duration, Instant};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const STORED: CompressionMethod = CompressionMethod::Stored;
const DEFLATED: CompressionMethod = CompressionMethod::Deflated;

fn zip_of(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

struct Shelf {
    _dir: tempfile::TempDir,
    store: ArtifactStore,
}

impl Shelf {
    fn new(change: impl FnOnce(&mut Caps)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut caps = Caps::default();
        change(&mut caps);
        let store = ArtifactStore::open(dir.path(), caps).unwrap();
        Self { _dir: dir, store }
    }

    fn unpack(&self, stored: &[u8]) -> Result<Vec<Unpacked>, Refused> {
        let run = RunBudget::new(self.store.caps());
        let budget = Budget { deadline: Instant::now() + Duration::from_secs(60), run: &run };
        unpack(&Bytes::copy_from_slice(stored), &self.store, &budget)
    }
}

/// The word under which an archive is refused.
fn label(stored: &[u8]) -> &'static str {
    label_with(stored, |_| {})
}

fn label_with(stored: &[u8], change: impl FnOnce(&mut Caps)) -> &'static str {
    match Shelf::new(change).unpack(stored) {
        Err(Refused::File(label, _)) => label,
        Err(Refused::Store(error)) => panic!("{error}"),
        Ok(files) => panic!("taken: {files:?}"),
    }
}

/// Changes the n-th occurrence of some bytes.
fn patched(mut stored: Vec<u8>, from: &[u8], to: &[u8], nth: usize) -> Vec<u8> {
    let at = stored.windows(from.len()).enumerate().filter(|(_, window)| *window == from).nth(nth).unwrap().0;
    stored[at..at + to.len()].copy_from_slice(to);
    stored
}

/// The offset of the n-th record with this signature.
fn record(stored: &[u8], signature: &[u8; 4], nth: usize) -> usize {
    stored.windows(4).enumerate().filter(|(_, window)| window == signature).nth(nth).unwrap().0
}

const LOCAL: &[u8; 4] = b"PK\x03\x04";
const CENTRAL: &[u8; 4] = b"PK\x01\x02";

fn set(mut stored: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    stored[at..at + bytes.len()].copy_from_slice(bytes);
    stored
}

#[test]
fn files_are_unpacked_and_directories_are_not() {
    for method in [STORED, DEFLATED] {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.add_directory("reports/", SimpleFileOptions::default()).unwrap();
        writer.start_file("reports/é.json", SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(b"{\"bomFormat\": \"CycloneDX\"}").unwrap();
        writer.start_file("empty", SimpleFileOptions::default().compression_method(method)).unwrap();
        let stored = writer.finish().unwrap().into_inner();
        let shelf = Shelf::new(|_| {});
        let files = shelf.unpack(&stored).unwrap();
        assert_eq!(files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["reports/é.json", "empty"]);
        assert_eq!(files[0].outline.members[0].0, "bomFormat");
        assert_eq!(shelf.store.get(&files[0].digest).unwrap(), files[0].bytes);
    }
    assert_eq!(Shelf::new(|_| {}).unpack(&zip_of(&[], STORED)).unwrap().len(), 0);
}

#[test]
fn an_archive_that_was_written_as_a_stream_is_taken() {
    let mut writer = ZipWriter::new_stream(Vec::new());
    for name in ["a.json", "b.json"] {
        writer.start_file(name, SimpleFileOptions::default().compression_method(DEFLATED)).unwrap();
        writer.write_all(&b"[1, 2, 3]".repeat(100)).unwrap();
    }
    let stored = writer.finish().unwrap().into_inner();
    assert_ne!(stored[6] & 8, 0, "not a stream");
    assert_eq!(Shelf::new(|_| {}).unpack(&stored).unwrap().len(), 2);
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let names = [
        "../evil",
        "a/../../evil",
        "/etc/passwd",
        "C:/evil",
        "c:evil",
        "a\\b",
        "a\0b",
        "a//b",
        "./a",
        "a/.",
        "a\nb",
        "\u{85}",
    ];
    for name in names {
        assert_eq!(label(&zip_of(&[(name, b"x")], STORED)), "name", "{name:?}");
    }
    assert_eq!(label(&zip_of(&[(&"x".repeat(1025), b"x")], STORED)), "name");
    let not_utf8 = patched(patched(zip_of(&[("zz", b"")], STORED), b"zz", b"\xff\xfe", 0), b"zz", b"\xff\xfe", 0);
    assert_eq!(label(&not_utf8), "name");
}

#[test]
fn links_and_special_files_are_refused() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let link = writer.finish().unwrap().into_inner();
    assert_eq!(label(&link), "special");
    // A named pipe, by its type alone.
    let pipe = zip_of(&[("pipe", b"")], STORED);
    let attributes = record(&pipe, CENTRAL, 0) + 38;
    assert_eq!(label(&set(pipe, attributes, &(0o010_644_u32 << 16).to_le_bytes())), "special");
}

#[test]
fn names_that_some_system_takes_for_one_are_refused() {
    for (one, other) in [("a.json", "A.JSON"), ("é", "e\u{301}"), ("ſ", "s"), ("dir", "dir/")] {
        assert_eq!(label(&zip_of(&[(one, b""), (other, b"")], STORED)), "duplicate", "{one} {other}");
    }
    // The writer refuses equal names, so one is renamed afterwards, in both headers.
    let twice = zip_of(&[("aa", b"1"), ("bb", b"2")], STORED);
    let twice = patched(patched(twice, b"bb", b"aa", 0), b"bb", b"aa", 0);
    assert_eq!(label(&twice), "duplicate");
}

#[test]
fn encryption_and_odd_methods_are_refused() {
    let plain = zip_of(&[("a", b"x")], STORED);
    let (local, central) = (record(&plain, LOCAL, 0), record(&plain, CENTRAL, 0));
    let flags = [plain[local + 6] | 1, plain[local + 7]];
    let encrypted = set(set(plain.clone(), local + 6, &flags), central + 8, &flags);
    assert_eq!(label(&encrypted), "encrypted");
    let method = 12_u16.to_le_bytes();
    assert_eq!(label(&set(set(plain, local + 8, &method), central + 10, &method)), "method");
}

#[test]
fn bombs_are_refused_by_what_comes_out_of_them() {
    let zeros = vec![0; 4 << 20];
    let bomb = zip_of(&[("bomb", &zeros)], DEFLATED);
    assert!(bomb.len() < 10_000);
    assert_eq!(label(&bomb), "ratio");
    assert_eq!(label_with(&bomb, |caps| caps.entry_bytes = 1 << 20), "entry-size");
    // Declared small, so that only counting helps.
    let lying = set(bomb.clone(), record(&bomb, CENTRAL, 0) + 24, &100_u32.to_le_bytes());
    let lying = set(lying, record(&bomb, LOCAL, 0) + 22, &100_u32.to_le_bytes());
    assert!(matches!(label(&lying), "ratio" | "malformed"));
    let many = zip_of(&[("a", &[1; 600][..]), ("b", &[2; 600])], STORED);
    assert_eq!(label_with(&many, |caps| caps.total_bytes = 1_000), "size");
    assert_eq!(label_with(&many, |caps| caps.run_bytes = 1_000), "run-size");
    assert_eq!(label_with(&many, |caps| caps.entries = 1), "entries");
    // A short file of blanks exceeds any ratio, and is no bomb.
    assert!(Shelf::new(|_| {}).unpack(&zip_of(&[("blank", &[b' '; 900_000])], DEFLATED)).is_ok());
}

#[test]
fn a_size_that_is_not_the_real_one_is_a_contradiction() {
    let honest = zip_of(&[("a", &b"hello ".repeat(50))], DEFLATED);
    let lying = set(honest.clone(), record(&honest, CENTRAL, 0) + 24, &301_u32.to_le_bytes());
    let lying = set(lying, record(&honest, LOCAL, 0) + 22, &301_u32.to_le_bytes());
    assert!(matches!(label(&lying), "contradiction" | "malformed"));
}

#[test]
fn a_wrong_checksum_is_refused() {
    let wrong = patched(zip_of(&[("a", b"content")], STORED), b"content", b"CONTENT", 0);
    assert_eq!(label(&wrong), "malformed");
}

#[test]
fn headers_that_contradict_each_other_are_refused() {
    let other_name = patched(zip_of(&[("good", b"x")], STORED), b"good", b"evil", 0);
    assert_eq!(label(&other_name), "contradiction");
    let stored = zip_of(&[("a", b"x")], STORED);
    let other_method = set(stored.clone(), record(&stored, LOCAL, 0) + 8, &8_u16.to_le_bytes());
    assert_eq!(label(&other_method), "contradiction");
    let other_checksum = set(stored.clone(), record(&stored, LOCAL, 0) + 14, &[0; 4]);
    assert_eq!(label(&other_checksum), "contradiction");
}

#[test]
fn overlapping_entries_are_refused() {
    // The second entry's directory record points at the first one's data.
    let twins = zip_of(&[("aa", b"same"), ("bb", b"same")], STORED);
    let second = record(&twins, CENTRAL, 1) + 42;
    assert_eq!(label(&set(twins, second, &0_u32.to_le_bytes())), "overlap");
}

#[test]
fn an_entry_that_the_directory_hides_is_refused() {
    let stored = zip_of(&[("hidden", b"x"), ("shown", b"y")], STORED);
    let (first, second, end) = (record(&stored, CENTRAL, 0), record(&stored, CENTRAL, 1), stored.len() - 22);
    let directory = stored[second..end].to_vec();
    let mut hiding = [&stored[..first], &directory, &stored[end..]].concat();
    let end = hiding.len() - 22;
    hiding[end + 8..end + 12].copy_from_slice(&[1, 0, 1, 0]);
    hiding[end + 12..end + 16].copy_from_slice(&(directory.len() as u32).to_le_bytes());
    assert_eq!(label(&hiding), "contradiction");
}

#[test]
fn a_million_claimed_entries_cost_nothing() {
    let small = zip_of(&[("a", b"x")], STORED);
    let end = small.len() - 22;
    let claims = set(small.clone(), end + 8, &[0xfe, 0xff, 0xfe, 0xff]);
    assert_eq!(label(&claims), "entries");
    // The same in the large form: record, locator, saturated end record.
    let start = record(&small, CENTRAL, 0) as u64;
    let mut large = small[..end].to_vec();
    let at = large.len() as u64;
    large.extend(b"PK\x06\x06");
    for number in [44, 45 | 45 << 16, 1_000_000, 1_000_000, at - start, start] {
        // The second is versions; disk numbers follow as zeros.
        large.extend(&u64::to_le_bytes(number)[..if number == 45 | 45 << 16 { 4 } else { 8 }]);
        if number == 45 | 45 << 16 {
            large.extend([0; 8]);
        }
    }
    large.extend(b"PK\x06\x07\0\0\0\0");
    large.extend(at.to_le_bytes());
    large.extend(1_u32.to_le_bytes());
    large.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
    assert_eq!(label(&large), "entries");
}

#[test]
fn what_is_around_an_archive_is_refused() {
    let sound = zip_of(&[("a", b"x")], STORED);
    assert_eq!(label(&[b"MZ prefix", &sound[..]].concat()), "malformed");
    assert_eq!(label(&[&sound[..], b"suffix"].concat()), "malformed");
    assert_eq!(label(&sound[..sound.len() - 1]), "malformed");
    assert_eq!(label(b"PK\x03\x04"), "malformed");
}

#[test]
fn no_truncation_or_flipped_byte_makes_the_host_panic() {
    let sound = zip_of(&[("a.json", b"{\"a\": 1}"), ("b", &[7; 300])], DEFLATED);
    let shelf = Shelf::new(|_| {});
    for length in 0..sound.len() {
        assert!(shelf.unpack(&sound[..length]).is_err(), "{length}");
    }
    for at in 0..sound.len() {
        let mut changed = sound.clone();
        changed[at] ^= 0xff;
        // Times and versions may change without harm; what is taken has the right content.
        if let Ok(files) = shelf.unpack(&changed) {
            assert_eq!(&files[0].bytes[..], b"{\"a\": 1}", "{at}");
        }
    }
}

#[test]
fn a_raw_file_is_named_after_its_artifact() {
    let shelf = Shelf::new(|caps| caps.entry_bytes = 10);
    let run = RunBudget::new(shelf.store.caps());
    let budget = Budget { deadline: Instant::now() + Duration::from_secs(60), run: &run };
    let file = take_raw(&Bytes::from_static(b"{}"), "trivy.json", &shelf.store, &budget).unwrap();
    assert_eq!((file.path.as_str(), file.digest), ("trivy.json", Digest::of(b"{}")));
    let large = take_raw(&Bytes::from_static(b"eleven byte"), "x", &shelf.store, &budget);
    assert!(matches!(large, Err(Refused::File("entry-size", _))));
}

fn run() -> WorkflowRun {
    WorkflowRun {
        id: RunId(1),
        attempt: 1,
        workflow_path: ".github/workflows/ci.yml".to_owned(),
        workflow_name: "ci".to_owned(),
        event: "pull_request".to_owned(),
        state: RunState::Succeeded,
        head_sha: HeadSha::parse(&"a".repeat(40)).unwrap(),
        head_branch: None,
        head_repository_id: None,
        head_owner: None,
        actor: None,
        triggering_actor: None,
        workflow_id: None,
        referenced_workflows: Vec::new(),
        created_at: 0,
        started_at: 0,
        url: None,
    }
}

/// A GitHub with these artifacts; `blob` answers what stands behind `/blob/{id}`, with the number of asks before.
async fn github(
    artifacts: serde_json::Value,
    blob: impl Fn(&str, usize) -> Response + Send + Sync + 'static,
) -> Server {
    Server::start(move |asked, before| match asked.path.as_str() {
        _ if is_mint(asked) => token("t"),
        path if path.contains("/runs/1/artifacts") => json(200, json!({ "artifacts": artifacts })),
        path if path.ends_with("/zip") => {
            let id = path.rsplit('/').nth(1).unwrap();
            plain(302, &[("location", &format!("http://{}/blob/{id}", host(asked)))], "")
        }
        path => blob(path.rsplit('/').next().unwrap(), before),
    })
    .await
}

fn host(asked: &Asked) -> &str {
    asked.headers["host"].to_str().unwrap()
}

fn zipped(content: &[u8]) -> Response {
    plain(200, &[("content-type", "application/zip")], zip_of(&[("r.json", content)], DEFLATED))
}

fn unopened(fetched: &Fetched) -> Vec<(&str, &str, UnreadableCause)> {
    let entry = |entry: &'_ UnopenedArtifact| (entry.label, entry.unreadable.cause);
    fetched.unopened.iter().map(|e| (e.artifact.as_str(), entry(e).0, entry(e).1)).collect()
}

#[tokio::test]
async fn twenty_who_ask_cause_one_download() {
    let server = github(json!([{ "id": 1, "name": "scan" }, { "id": 2, "name": "sbom" }]), |_, _| zipped(b"{}")).await;
    let (github, shelf) = (server.github(), Shelf::new(|_| {}));
    let fetcher = Fetcher::new(shelf.store.clone());
    let (at, run) = (shop(), run());
    let asks = (0..20).map(|_| fetcher.fetch(&github, &at, &run));
    for fetched in futures::future::join_all(asks).await {
        let fetched = fetched.unwrap();
        let paths: Vec<_> = fetched.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["sbom/r.json", "scan/r.json"]);
    }
    assert_eq!(server.asked("GET /blob").len(), 2);
    assert_eq!(server.asked("GET /api/v3/repos/acme/shop/actions/runs/1/artifacts").len(), 1);
    // A re-run lists again, and downloads nothing again.
    assert_eq!(fetcher.fetch(&github, &at, &run).await.unwrap().files.len(), 2);
    assert_eq!(server.asked("GET /blob").len(), 2);
    assert_eq!(server.asked("GET /api/v3/repos/acme/shop/actions/runs/1/artifacts").len(), 2);
}

#[tokio::test]
async fn what_cannot_be_opened_says_whose_doing_it_is() {
    let listed = json!([
        { "id": 1, "name": "expired", "expired": true },
        { "id": 2, "name": "large", "size_in_bytes": 1_u64 << 40 },
        { "id": 3, "name": "gone" },
        { "id": 4, "name": "outage" },
        { "id": 5, "name": "digest", "digest": format!("sha256:{}", "0".repeat(64)) },
        { "id": 6, "name": "error-body" },
        { "id": 7, "name": "not-a-zip" },
        { "id": 8, "name": "zip-in-disguise" },
        { "id": 9, "name": "good", "digest": format!("sha256:{}", Digest::of(b"raw")) },
        { "id": 10, "name": "endless" },
    ]);
    let server = github(listed, |id, _| match id {
        "3" => plain(410, &[], ""),
        "4" => plain(503, &[], ""),
        "6" => json(400, json!({ "message": "no" })),
        "7" => plain(200, &[("content-type", "application/zip")], "raw"),
        "8" => plain(200, &[("content-type", "application/octet-stream")], zip_of(&[], STORED)),
        "9" => plain(200, &[("content-type", "application/octet-stream")], "raw"),
        "10" => plain(200, &[("content-type", "text/plain")], "x".repeat(10_001)),
        _ => zipped(b"{}"),
    });
    let server = server.await;
    let shelf = Shelf::new(|caps| caps.artifact_bytes = 10_000);
    let fetched = Fetcher::new(shelf.store.clone()).fetch(&server.github(), &shop(), &run()).await.unwrap();
    let (file, outage) = (UnreadableCause::File, UnreadableCause::Outage);
    assert_eq!(
        unopened(&fetched),
        [
            ("digest", "digest", file),
            ("endless", "artifact-size", file),
            ("error-body", "malformed", file),
            ("expired", "expired", file),
            ("gone", "gone", file),
            ("large", "artifact-size", file),
            ("not-a-zip", "kind", file),
            ("outage", "outage", outage),
            ("zip-in-disguise", "kind", file),
        ]
    );
    assert_eq!(fetched.files[0].path, "good/good");
    assert_eq!(fetched.listed.len(), 10);
    assert_eq!(shelf.store.usage().1, 1);
}

#[tokio::test]
async fn the_newest_artifact_of_a_name_counts() {
    let listed = json!([
        { "id": 2, "name": "scan", "created_at": "2026-01-02T00:00:00Z" },
        { "id": 3, "name": "scan", "created_at": "2026-01-01T00:00:00Z", "expired": true },
    ]);
    let server = github(listed, |id, _| zipped(format!("[{id}]").as_bytes())).await;
    let shelf = Shelf::new(|_| {});
    let fetched = Fetcher::new(shelf.store.clone()).fetch(&server.github(), &shop(), &run()).await.unwrap();
    assert_eq!((fetched.files.len(), &fetched.files[0].bytes[..]), (1, &b"[2]"[..]));
    assert!(fetched.unopened.is_empty());
    assert_eq!(fetched.files[0].created_at, 1_767_312_000);
}

#[tokio::test]
async fn an_artifact_that_never_ends_is_cut_off_by_time() {
    let listed = json!([{ "id": 1, "name": "slow" }, { "id": 2, "name": "good" }]);
    let server = github(listed, |id, _| match id {
        "1" => endless("x"),
        _ => zipped(b"{}"),
    });
    let server = server.await;
    let shelf = Shelf::new(|caps| caps.time = Duration::from_secs(1));
    let fetched = Fetcher::new(shelf.store.clone()).fetch(&server.github(), &shop(), &run()).await.unwrap();
    assert_eq!(unopened(&fetched), [("slow", "time", UnreadableCause::File)]);
    assert_eq!(fetched.files.len(), 1);
}

#[tokio::test]
async fn a_rate_limit_postpones_the_whole_fetch() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        _ if is_mint(asked) => token("t"),
        path if path.ends_with("/zip") => plain(429, &[("retry-after", "9")], ""),
        _ => json(200, json!({ "artifacts": [{ "id": 1, "name": "a" }] })),
    });
    let server = server.await;
    let shelf = Shelf::new(|_| {});
    let fetched = Fetcher::new(shelf.store.clone()).fetch(&server.github(), &shop(), &run()).await;
    assert!(matches!(fetched, Err(crate::github::GitHubError::RateLimited { .. })));
}

#[tokio::test]
async fn who_asks_after_all_others_gave_up_gets_a_new_listing() {
    let server = github(json!([{ "id": 1, "name": "scan" }]), |_, before| match before {
        0 => endless("PK"),
        _ => zipped(b"{}"),
    });
    let server = server.await;
    let shelf = Shelf::new(|_| {});
    let fetcher = Fetcher::new(shelf.store.clone());
    let (github, at, run) = (server.github(), shop(), run());
    let mut given_up = Box::pin(fetcher.fetch(&github, &at, &run));
    while server.asked("GET /blob").is_empty() {
        assert!(futures::poll!(&mut given_up).is_pending());
        tokio::task::yield_now().await;
    }
    drop(given_up);
    assert_eq!(fetcher.fetch(&github, &at, &run).await.unwrap().files.len(), 1);
    assert_eq!(server.asked("GET /api/v3/repos/acme/shop/actions/runs/1/artifacts").len(), 2);
}

#[tokio::test]
async fn an_evicted_file_is_fetched_again() {
    let server = github(json!([{ "id": 1, "name": "scan" }]), |_, _| zipped(b"{}")).await;
    let shelf = Shelf::new(|caps| caps.store_bytes = 100);
    let fetcher = Fetcher::new(shelf.store.clone());
    let github = server.github();
    fetcher.fetch(&github, &shop(), &run()).await.unwrap();
    shelf.store.put(&[0; 200]).unwrap();
    assert_eq!(fetcher.fetch(&github, &shop(), &run()).await.unwrap().files.len(), 1);
    assert_eq!(server.asked("GET /blob").len(), 2);
}
