//! Uploads that are no sound archives: where evidence is expected they are named and nothing passes; beside it, under
//! any other name, they change nothing.

use palisade_github_fake::{CheckRun, Run};
use palisade_tests::{TestHost, evidence};
use std::io::Write;
use std::time::{Duration, Instant};
use zip::write::SimpleFileOptions;

const LICENSES: &str = "License Check";
const REGULAR_FILE: u32 = 0o100_644;
const SYMBOLIC_LINK: u32 = 0o120_777;
const CHARACTER_DEVICE: u32 = 0o020_666;
const ENCRYPTED: u16 = 1;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// One stored entry, with everything about it that may be a lie.
struct Entry<'a> {
    name: &'a str,
    content: &'a [u8],
    flags: u16,
    mode: u32,
    crc: u32,
    method: u16,
    /// The size that it claims to have when it is unpacked.
    declared: usize,
}

impl<'a> Entry<'a> {
    fn sound(name: &'a str, content: &'a [u8]) -> Self {
        let (crc, declared) = (crc32(content), content.len());
        Self { name, content, flags: 0, mode: REGULAR_FILE, crc, method: STORED, declared }
    }

    fn fixed(&self) -> Vec<u8> {
        let small = |size: usize| u32::try_from(size).expect("a test's file is small");
        let (packed, size) = (small(self.content.len()), small(self.declared));
        let name = u16::try_from(self.name.len()).expect("a test's name is short");
        // Version needed, flags, method, midnight, 1 January 1980.
        let mut bytes = [20, self.flags, self.method, 0, 0x21].map(u16::to_le_bytes).concat();
        bytes.extend([self.crc, packed, size].map(u32::to_le_bytes).concat());
        bytes.extend([name, 0].map(u16::to_le_bytes).concat());
        bytes
    }
}

/// A zip by hand: the library writes no bad ones.
fn archive(entries: &[Entry<'_>]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = u32::try_from(bytes.len()).expect("a test's archive is small");
        bytes.extend([b"PK\x03\x04".as_slice(), &entry.fixed(), entry.name.as_bytes(), entry.content].concat());
        // Made on Unix; no comment, disk 0, no internal attributes.
        let made_by = [0x0314_u16].map(u16::to_le_bytes).concat();
        let attributes =
            [[0_u16; 3].map(u16::to_le_bytes).concat(), (entry.mode << 16).to_le_bytes().to_vec()].concat();
        directory.extend([b"PK\x01\x02".as_slice(), &made_by, &entry.fixed(), &attributes].concat());
        directory.extend([&offset.to_le_bytes(), entry.name.as_bytes()].concat());
    }
    let count = u16::try_from(entries.len()).expect("fewer entries than a zip64 needs");
    let sizes = [directory.len(), bytes.len()].map(|size| u32::try_from(size).expect("small").to_le_bytes()).concat();
    let end = [[0, 0, count, count].map(u16::to_le_bytes).concat(), sizes, vec![0, 0]].concat();
    [bytes, directory, b"PK\x05\x06".to_vec(), end].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0_u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

/// Deflated, as large as a thousand times its own size.
fn bomb(sbom: &[u8]) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut archive = zip::ZipWriter::new(&mut bytes);
    for (name, content) in [("sbom.json", sbom), ("zeros.json", &vec![b' '; 8 << 20])] {
        archive.start_file(name, SimpleFileOptions::default()).expect("a valid name");
        archive.write_all(content).expect("writing to memory does not fail");
    }
    archive.finish().expect("writing to memory does not fail");
    bytes.into_inner()
}

/// The n-th place where a record of this kind begins.
fn place(archive: &[u8], mark: &[u8], number: usize) -> usize {
    let places = archive.windows(mark.len()).enumerate().filter(|(_, window)| *window == mark);
    places.map(|(at, _)| at).nth(number).expect("the record is there")
}

fn patched(mut archive: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    archive[at..at + bytes.len()].copy_from_slice(bytes);
    archive
}

/// Two entries of one content, the second of which lies where the first one does.
fn overlapping(sbom: &[u8]) -> Vec<u8> {
    let twins = archive(&[Entry::sound("a-sbom.json", sbom), Entry::sound("b-sbom.json", sbom)]);
    let second = place(&twins, b"PK\x01\x02", 1) + 42;
    patched(twins, second, &[0; 4])
}

/// One entry that has one name where it lies and another in the directory.
fn contradicting(sbom: &[u8]) -> Vec<u8> {
    let honest = archive(&[Entry::sound("sbom.json", sbom)]);
    let name = place(&honest, b"sbom.json", 0);
    patched(honest, name, b"evil.json")
}

/// The large form of a directory's end, which claims a million entries.
fn lying_zip64(sbom: &[u8]) -> Vec<u8> {
    let sound = archive(&[Entry::sound("sbom.json", sbom)]);
    let (start, end) = (place(&sound, b"PK\x01\x02", 0) as u64, sound.len() - 22);
    let (mut bytes, at) = (sound[..end].to_vec(), end as u64);
    bytes.extend([b"PK\x06\x06".as_slice(), &44_u64.to_le_bytes(), &[45, 0, 45, 0], &[0; 8]].concat());
    bytes.extend([1_000_000, 1_000_000, at - start, start].map(u64::to_le_bytes).concat());
    bytes.extend([b"PK\x06\x07".as_slice(), &[0; 4], &at.to_le_bytes(), &1_u32.to_le_bytes()].concat());
    bytes.extend([b"PK\x05\x06".as_slice(), &[0; 4], &[0xff; 12], &[0; 2]].concat());
    bytes
}

/// 64 MiB of blanks.
fn deflated_blanks() -> Vec<u8> {
    let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..64 {
        packed.write_all(&[b' '; 1 << 20]).expect("writing to memory does not fail");
    }
    packed.finish().expect("writing to memory does not fail")
}

fn sbom() -> Vec<u8> {
    evidence::spdx(&[("left-pad", "MIT")])
}

/// What is wrong, the archive, and a word that tells the reader.
fn hostile() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let sbom = &sbom();
    let other = &evidence::spdx(&[("right-pad", "GPL-3.0-only")]);
    let beside = |entry: Entry<'_>| archive(&[Entry::sound("sbom.json", sbom), entry]);
    let names: Vec<String> = (0..10_001).map(|number| format!("{number}.json")).collect();
    let many: Vec<Entry<'_>> = names.iter().map(|name| Entry::sound(name, b"{}")).collect();
    let sound = archive(&[Entry::sound("sbom.json", sbom)]);
    let blanks = &deflated_blanks();
    let lying_bomb = Entry { method: DEFLATED, declared: 100, ..Entry::sound("b.json", blanks) };
    vec![
        ("a bomb", bomb(sbom), "100 times"),
        ("a bomb that claims to be small", beside(lying_bomb), "declared"),
        ("two entries in one place", overlapping(sbom), "overlap"),
        ("a name that is another in the directory", contradicting(sbom), "name"),
        ("a million claimed entries", lying_zip64(sbom), "entries; 10000 are taken"),
        ("a device", beside(Entry { mode: CHARACTER_DEVICE, ..Entry::sound("b.json", b"") }), "special file"),
        ("a directory with content", beside(Entry { mode: 0, ..Entry::sound("b/", other) }), "directory"),
        ("a size that is not the real one", beside(Entry { declared: 3, ..Entry::sound("b.json", other) }), "sbom"),
        ("a name that is no text", beside(Entry::sound("b\0.json", other)), "control"),
        ("a name that some systems read alike", beside(Entry::sound("ſbom.json", other)), "two entries"),
        ("a path upwards", beside(Entry::sound("../sbom.json", sbom)), "inside"),
        ("a path upwards on the way", beside(Entry::sound("a/../../sbom.json", sbom)), "inside"),
        ("an absolute path", beside(Entry::sound("/tmp/sbom.json", sbom)), "inside"),
        ("a drive", beside(Entry::sound("C:/sbom.json", sbom)), "drive"),
        ("a backslash", beside(Entry::sound("..\\sbom.json", sbom)), "backslash"),
        ("a link", beside(Entry { mode: SYMBOLIC_LINK, ..Entry::sound("link.json", b"/etc/passwd") }), "link"),
        ("a name twice", beside(Entry::sound("sbom.json", other)), "two entries"),
        ("a name in other letters", beside(Entry::sound("SBOM.json", other)), "two entries"),
        ("a password", beside(Entry { flags: ENCRYPTED, ..Entry::sound("b.json", other) }), "encrypted"),
        ("a wrong checksum", beside(Entry { crc: 1, ..Entry::sound("b.json", other) }), "checksum"),
        ("too many entries", archive(&many), "10001 entries"),
        ("half of it", sound[..sound.len() / 2].to_vec(), "zip"),
        ("all but its last byte", sound[..sound.len() - 1].to_vec(), "zip"),
        ("nothing", Vec::new(), "zip"),
        ("something behind it", [sound.as_slice(), b"{}"].concat(), "zip"),
        ("two archives", [sound.as_slice(), &archive(&[Entry::sound("b.json", other)])].concat(), "zip"),
    ]
}

/// The licence check after a workflow that uploaded these zips.
async fn shown(palisade: &TestHost, uploads: &[(&str, &[u8])]) -> CheckRun {
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    for (name, zip) in uploads {
        run.upload_zip(name, zip.to_vec());
    }
    run.complete("success");
    pull_request.check_run_completed(LICENSES).await
}

fn words(run: &CheckRun) -> String {
    [&run.summary, &run.text].into_iter().flatten().cloned().collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_by_hand_is_as_good_as_any() {
    let palisade = TestHost::start().await;
    let run = shown(&palisade, &[("sbom", &archive(&[Entry::sound("sbom.json", &sbom())]))]).await;
    assert_eq!(run.to_string(), "success: License Check - Passed", "{}", words(&run));
}

/// Proves W04, R20.
#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_archive_among_the_evidence_is_named_and_nothing_passes() {
    let palisade = TestHost::start().await;
    let good = archive(&[Entry::sound("good.json", &sbom())]);
    let mut wrong = Vec::new();
    for (case, zip, word) in hostile() {
        for uploads in [vec![("sbom", zip.as_slice())], vec![("good-sbom", &good), ("sbom", &zip)]] {
            let run = shown(&palisade, &uploads).await;
            let words = words(&run);
            assert_eq!(run.to_string(), "failure: License Check - Artifacts Unreadable", "{case}\n{words}");
            if !words.contains("sbom") || !words.to_lowercase().contains(word) {
                wrong.push(format!("{case}: {word}\n{words}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_archive_that_nobody_takes_for_evidence_changes_nothing() {
    let palisade = TestHost::start().await;
    let good = archive(&[Entry::sound("good.json", &sbom())]);
    for (case, zip, _) in hostile() {
        let run = shown(&palisade, &[("sbom", &good), ("dist", &zip)]).await;
        assert_eq!(run.to_string(), "success: License Check - Passed", "{case}\n{}", words(&run));
    }
}

/// After a workflow that uploaded one thing.
async fn shown_of(palisade: &TestHost, upload: impl FnOnce(&Run)) -> CheckRun {
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    upload(&run);
    run.complete("success");
    pull_request.check_run_completed(LICENSES).await
}

/// Proves W04.
#[tokio::test(flavor = "multi_thread")]
async fn an_archive_inside_an_archive_is_a_file_that_nobody_reads() {
    let palisade = TestHost::start().await;
    let denied = evidence::spdx(&[("right-pad", "GPL-3.0-only")]);
    let inner = archive(&[Entry::sound("sbom.json", &denied)]);
    let alone = archive(&[Entry::sound("inner.zip", &inner)]);
    let shown = shown_of(&palisade, |run| drop(run.upload_zip("sbom", alone))).await;
    assert_eq!(shown.to_string(), "failure: License Check - Artifacts Unreadable", "{}", words(&shown));
    assert!(words(&shown).contains("no normalizer recognises it"), "{}", words(&shown));
    let beside = archive(&[Entry::sound("good.json", &sbom()), Entry::sound("inner.zip", &inner)]);
    let shown = shown_of(&palisade, |run| drop(run.upload_zip("sbom", beside))).await;
    assert_eq!(shown.to_string(), "success: License Check - Passed", "{}", words(&shown));
}

/// Proves W04, R20.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_an_archive_is_read_where_it_was_sent_as_one_and_nowhere_else() {
    let palisade = TestHost::start().await;
    let shown = shown_of(&palisade, |run| drop(run.upload_raw("sbom.spdx.json", sbom()))).await;
    assert_eq!(shown.to_string(), "success: License Check - Passed", "{}", words(&shown));
    let shown = shown_of(&palisade, |run| drop(run.upload_zip("sbom", sbom()))).await;
    assert_eq!(shown.to_string(), "failure: License Check - Artifacts Unreadable", "{}", words(&shown));
    assert!(words(&shown).contains("was sent as a zip archive and is none"), "{}", words(&shown));
    let zip = archive(&[Entry::sound("sbom.json", &sbom())]);
    let shown = shown_of(&palisade, |run| drop(run.upload_raw("sbom", zip))).await;
    assert_eq!(shown.to_string(), "failure: License Check - Artifacts Unreadable", "{}", words(&shown));
    assert!(words(&shown).contains("was not sent as one"), "{}", words(&shown));
}

/// Proves W04.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_bombs_take_little_time_and_no_room() {
    // Far beyond what refusing them takes, and far below what inflating 6 GiB would.
    const PATIENCE: Duration = Duration::from_secs(30);
    let palisade = TestHost::start().await;
    let blanks = deflated_blanks();
    let names: Vec<String> = (0..100).map(|number| format!("{number}.json")).collect();
    let bombs: Vec<Entry<'_>> =
        names.iter().map(|name| Entry { method: DEFLATED, declared: 1_000, ..Entry::sound(name, &blanks) }).collect();
    let zip = archive(&bombs);
    let began = Instant::now();
    let shown = shown_of(&palisade, |run| drop(run.upload_zip("sbom", zip))).await;
    assert_eq!(shown.to_string(), "failure: License Check - Artifacts Unreadable", "{}", words(&shown));
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    let metrics = palisade_tests::http::get(&palisade.url("/metrics")).await.expect("an answer").body;
    assert!(metrics.contains("palisade_totals{name=\"artifact_bytes\"} 0"), "{metrics}");
}
