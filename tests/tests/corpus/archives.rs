//! Uploads that are no sound archives: where evidence is expected they are named and nothing passes; beside it, under
//! any other name, they change nothing.

use palisade_github_fake::CheckRun;
use palisade_tests::{TestHost, evidence};
use std::io::Write;
use zip::write::SimpleFileOptions;

const LICENSES: &str = "License Check";
const REGULAR_FILE: u32 = 0o100_644;
const SYMBOLIC_LINK: u32 = 0o120_777;
const ENCRYPTED: u16 = 1;

/// One stored entry, with everything about it that may be a lie.
struct Entry<'a> {
    name: &'a str,
    content: &'a [u8],
    flags: u16,
    mode: u32,
    crc: u32,
}

impl<'a> Entry<'a> {
    fn sound(name: &'a str, content: &'a [u8]) -> Self {
        Self { name, content, flags: 0, mode: REGULAR_FILE, crc: crc32(content) }
    }

    fn fixed(&self) -> Vec<u8> {
        let size = u32::try_from(self.content.len()).expect("a test's file is small");
        let name = u16::try_from(self.name.len()).expect("a test's name is short");
        // Version needed, flags, stored, midnight, 1 January 1980.
        let mut bytes = [20, self.flags, 0, 0, 0x21].map(u16::to_le_bytes).concat();
        bytes.extend([self.crc, size, size].map(u32::to_le_bytes).concat());
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
    vec![
        ("a bomb", bomb(sbom), "100 times"),
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
    for (case, zip, word) in hostile() {
        for uploads in [vec![("sbom", zip.as_slice())], vec![("good-sbom", &good), ("sbom", &zip)]] {
            let run = shown(&palisade, &uploads).await;
            let words = words(&run);
            assert_eq!(run.to_string(), "failure: License Check - Artifacts Unreadable", "{case}\n{words}");
            assert!(words.contains("sbom") && words.to_lowercase().contains(word), "{case}: {word}\n{words}");
        }
    }
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
