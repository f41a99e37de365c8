use super::signature::Key;
use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::io::Write;

const WASM: &[u8] = b"\0asm\x01\0\0\0";
const SECRET: &[u8] = b"a secret of the tests";

fn tar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ::tar::Builder::new(Vec::new());
    for (path, bytes) in entries {
        archive.get_mut().extend(entry(path, bytes, ::tar::EntryType::Regular));
    }
    archive.into_inner().unwrap()
}

/// Written by hand, because the library refuses to write the paths that are tried here.
fn entry(path: &str, bytes: &[u8], kind: ::tar::EntryType) -> Vec<u8> {
    let mut header = ::tar::Header::new_gnu();
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_size(bytes.len() as u64);
    header.set_mode(0o600);
    header.set_entry_type(kind);
    header.set_cksum();
    let padding = vec![0; bytes.len().div_ceil(512) * 512 - bytes.len()];
    [header.as_bytes().as_slice(), bytes, &padding].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bundle(entries: &[(&str, &[u8])]) -> Vec<u8> {
    gzip(&tar(entries))
}

fn refused(archive: &[u8]) -> String {
    format!("{:#}", read(archive, None).unwrap_err())
}

#[test]
fn a_bundle_gives_its_module_and_its_data_by_their_directories() {
    let manifest = br#"{"revision": "7", "roots": ["limits", "a/b"], "wasm": [{"entrypoint": "main/deny", "module": "/policy.wasm"}]}"#;
    let read = read(
        &bundle(&[
            ("/data.json", br#"{"limits": {"most": 3.0}}"#),
            ("/a/b/data.yaml", b"names: [x, y]\n"),
            ("/policy.wasm", WASM),
            ("/.manifest", manifest),
        ]),
        None,
    );
    let read = read.unwrap();
    assert_eq!(read.data, r#"{"a":{"b":{"names":["x","y"]}},"limits":{"most":3.0}}"#);
    assert_eq!(read.program, Program::Module { path: "policy.wasm".into(), wasm: WASM.to_vec() });
    assert_eq!((read.revision.as_deref(), read.signature), (Some("7"), Signature::Absent));
    assert_eq!(read.entrypoints, ["main/deny"]);
}

#[test]
fn a_bundle_of_sources_gives_them_without_their_tests() {
    let read = read(&bundle(&[("main.rego", b"package main"), ("main_test.rego", b"package main")]), None).unwrap();
    assert_eq!(read.program, Program::Rego(BTreeMap::from([("main.rego".into(), "package main".into())])));
    assert_eq!(read.data, "{}");
}

#[test]
fn data_outside_the_roots_is_refused_with_its_place() {
    let archive = bundle(&[
        ("data.json", br#"{"mine": 1, "theirs": {"x": 1}}"#),
        ("policy.wasm", WASM),
        (".manifest", br#"{"roots": ["mine"]}"#),
    ]);
    assert_eq!(
        refused(&archive),
        "the manifest's roots do not allow data at \"theirs\"; add it to `roots`, or move the data"
    );
}

#[test]
fn several_modules_are_named_unless_one_serves_all() {
    let two = [("a.wasm", WASM), ("b.wasm", WASM)];
    assert!(refused(&bundle(&two)).contains("several modules") && refused(&bundle(&two)).contains("a.wasm, b.wasm"));
    let one_serves =
        br#"{"wasm": [{"entrypoint": "x", "module": "/b.wasm"}, {"entrypoint": "y", "module": "/b.wasm"}]}"#;
    let read = read(&bundle(&[two[0], two[1], (".manifest", one_serves)]), None).unwrap();
    assert!(matches!(read.program, Program::Module { path, .. } if path == "b.wasm"));
    let both_serve = br#"{"wasm": [{"entrypoint": "x", "module": "a.wasm"}, {"entrypoint": "y", "module": "b.wasm"}]}"#;
    let said = refused(&bundle(&[two[0], two[1], (".manifest", both_serve)]));
    assert!(said.contains("answered by several modules: a.wasm, b.wasm"), "{said}");
    let nowhere = br#"{"wasm": [{"entrypoint": "x", "module": "/c.wasm"}]}"#;
    assert_eq!(refused(&bundle(&[two[0], (".manifest", nowhere)])), "the manifest names c.wasm, which is not there");
}

#[test]
fn an_archive_without_a_policy_says_how_to_build_one() {
    assert!(refused(&bundle(&[("data.json", b"{}")])).contains("opa build -t wasm"));
}

#[test]
fn hostile_archives_are_refused_with_a_reason() {
    let link = |kind| gzip(&entry("policy.wasm", b"", kind));
    let valid = bundle(&[("policy.wasm", WASM)]);
    let twice = bundle(&[("policy.wasm", WASM), ("/policy.wasm", WASM)]);
    let behind = gzip(&[tar(&[("policy.wasm", WASM)]), b"more".to_vec()].concat());
    let cases: [(&str, Vec<u8>, &str); 12] = [
        ("parent", bundle(&[("../policy.wasm", WASM)]), "leads out of the bundle"),
        ("parent inside", bundle(&[("a/../../policy.wasm", WASM)]), "leads out of the bundle"),
        ("absolute twice", bundle(&[("//etc/policy.wasm", WASM)]), "leads out of the bundle"),
        ("windows", bundle(&[("..\\policy.wasm", WASM)]), "leads out of the bundle"),
        ("symbolic link", link(::tar::EntryType::Symlink), "is a link"),
        ("hard link", link(::tar::EntryType::Link), "is a link"),
        ("device", link(::tar::EntryType::Char), "neither a file nor a directory"),
        ("twice", twice, "is there twice"),
        ("gzip tail", [valid.clone(), b"tail".to_vec()].concat(), "4 bytes behind the end of its gzip stream"),
        ("archive tail", behind, "behind the end of its archive"),
        ("cut", valid[..valid.len() - 12].to_vec(), ""),
        ("no gzip", b"PK\x03\x04 something else".to_vec(), "reading its archive"),
    ];
    for (name, archive, reason) in cases {
        let said = refused(&archive);
        assert!(said.contains(reason), "{name}: {said}");
    }
}

#[test]
fn a_bomb_ends_at_the_cap_and_not_at_the_end_of_memory() {
    let zeros = vec![0_u8; (caps::RATIO_FLOOR_BYTES as usize) * 8];
    let said = refused(&bundle(&[("data.json", &zeros)]));
    assert!(said.contains("unpacks to more than"), "{said}");
}

#[test]
fn more_entries_than_the_cap_are_refused() {
    let entries = (0..=caps::ENTRIES).map(|number| entry(&number.to_string(), b"", ::tar::EntryType::Directory));
    let said = refused(&gzip(&entries.collect::<Vec<_>>().concat()));
    assert!(said.contains("more than 10000 entries"), "{said}");
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Signs as OPA does: digests of documents are over their canonical form.
fn signed(files: &[(&str, &[u8], &[u8])], claims: serde_json::Value) -> Vec<u8> {
    let listed: Vec<_> = files
        .iter()
        .map(|(name, _, hashed)| json!({"name": name, "hash": hash(hashed), "algorithm": "SHA-256"}))
        .collect();
    let mut payload = json!({ "files": listed });
    payload.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    let token =
        jsonwebtoken::encode(&Header::new(jsonwebtoken::Algorithm::HS256), &payload, &EncodingKey::from_secret(SECRET));
    let signatures = json!({"signatures": [token.unwrap()]}).to_string();
    let mut entries: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes, _)| (*name, *bytes)).collect();
    entries.push((".signatures.json", signatures.as_bytes()));
    bundle(&entries)
}

const FILES: [(&str, &[u8], &[u8]); 2] =
    [("data.json", b"{\"b\": 1.0,\n \"a\": 2}", b"{\"a\":2,\"b\":1.0}"), ("policy.wasm", WASM, WASM)];

fn verification(secret: &[u8], scope: Option<&str>) -> Verification {
    Verification::One(Key::new(secret, Some("HS256"), scope).unwrap())
}

fn verified(archive: &[u8], verification: &Verification) -> Result<Signature, String> {
    read(archive, Some(verification)).map(|bundle| bundle.signature).map_err(|error| format!("{error:#}"))
}

#[test]
fn a_signature_is_held_against_the_key_the_scope_and_every_file() {
    let good = signed(&FILES, json!({"keyid": "ours", "scope": "write"}));
    // A secret that an editor saved ends with a line break.
    let key = verification(b"a secret of the tests\n", Some("write"));
    let expected = Signature::Verified { algorithm: "HS256".into(), key_id: Some("ours".into()) };
    assert_eq!(verified(&good, &key), Ok(expected));
    assert_eq!(read(&good, None).unwrap().signature, Signature::NotChecked);

    let other_key = verified(&good, &verification(b"another", Some("write"))).unwrap_err();
    assert!(other_key.contains("does not match the verification_key"), "{other_key}");
    let other_scope = verified(&good, &verification(SECRET, None)).unwrap_err();
    assert!(other_scope.contains("for the scope \"write\""), "{other_scope}");

    let key = verification(SECRET, None);
    let unsigned = verified(&bundle(&[("policy.wasm", WASM)]), &key).unwrap_err();
    assert!(unsigned.starts_with("it is not signed, and a verification_key is configured"), "{unsigned}");
    let changed = [FILES[0], ("policy.wasm", WASM, b"another module".as_slice())];
    let changed = verified(&signed(&changed, json!({})), &key).unwrap_err();
    assert!(changed.starts_with("policy.wasm is not the file that was signed"), "{changed}");
}

#[test]
fn a_file_that_is_not_listed_and_one_that_is_not_there_are_refused() {
    let key = verification(SECRET, None);
    let added = signed(&FILES, json!({}));
    let mut files = archive::unpack(&added).unwrap();
    files.insert("extra.rego".into(), b"package extra".to_vec());
    assert_eq!(signature::check(&files, Some(&key)).unwrap_err().to_string(), "extra.rego is not in its signature");
    files.remove("extra.rego");
    files.remove("data.json");
    let said = signature::check(&files, Some(&key)).unwrap_err().to_string();
    assert_eq!(said, "its signature lists what is not there: data.json");
}

#[test]
fn of_several_keys_the_one_that_the_signature_names_counts_with_its_own_scope() {
    let key = |secret: &[u8], scope| Key::new(secret, Some("HS256"), scope).unwrap();
    let of = |keys: &[(&str, Key)]| {
        Verification::ById(keys.iter().map(|(id, key)| ((*id).to_owned(), key.clone())).collect())
    };
    let (old, new) = (key(b"the one before", None), key(SECRET, Some("write")));
    let keys = of(&[("2025", old.clone()), ("2026", new.clone())]);
    let good = signed(&FILES, json!({"keyid": "2026", "scope": "write"}));
    let expected = Signature::Verified { algorithm: "HS256".into(), key_id: Some("2026".into()) };
    assert_eq!(verified(&good, &keys), Ok(expected));

    let other_scope = verified(&signed(&FILES, json!({"keyid": "2026"})), &keys).unwrap_err();
    assert!(other_scope.contains("the scope of verification_keys.2026"), "{other_scope}");
    let other_key = verified(&signed(&FILES, json!({"keyid": "2025"})), &keys).unwrap_err();
    assert!(other_key.contains("does not match the verification_keys.2025"), "{other_key}");
    let unknown = verified(&signed(&FILES, json!({"keyid": "2024"})), &keys).unwrap_err();
    assert!(unknown.contains("names the key \"2024\", and verification_keys has 2025, 2026"), "{unknown}");
    let unnamed = verified(&signed(&FILES, json!({})), &keys).unwrap_err();
    assert!(unnamed.contains("names no key"), "{unnamed}");
}

#[test]
fn a_token_of_another_algorithm_is_refused_and_so_is_a_key_that_is_none() {
    let key = Verification::One(Key::new(SECRET, Some("HS512"), None).unwrap());
    assert!(verified(&signed(&FILES, json!({})), &key).unwrap_err().contains("does not match"));
    let said = format!("{:#}", Key::new(SECRET, None, None).unwrap_err());
    assert!(said.contains("no public key in PEM for RS256"), "{said}");
    assert!(Key::new(SECRET, Some("none"), None).unwrap_err().to_string().contains("\"none\" is none of"));
}

#[test]
fn a_module_takes_the_data_beside_it_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let module = directory.path().join("policy.wasm");
    let (alone, found) = of_module(&module, WASM.to_vec(), None).unwrap();
    assert_eq!((alone.data.as_str(), found), ("{}", None));
    std::fs::write(directory.path().join("data.yaml"), "a: 1\n").unwrap();
    let (with_data, found) = of_module(&module, WASM.to_vec(), None).unwrap();
    assert_eq!((with_data.data.as_str(), found), (r#"{"a":1}"#, Some(directory.path().join("data.yaml"))));
    std::fs::write(directory.path().join("data.json"), "{}").unwrap();
    assert!(of_module(&module, WASM.to_vec(), None).unwrap_err().to_string().contains("name one with `data`"));
    let (named, _) = of_module(&module, WASM.to_vec(), Some(&directory.path().join("data.json"))).unwrap();
    assert_eq!(named.data, "{}");
}

#[test]
fn a_directory_gives_its_sources_and_skips_what_is_hidden() {
    let directory = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("main.rego", "package main");
    write("lib/names.rego", "package lib.names");
    write("lib/data.json", r#"{"x": 1}"#);
    write(".git/hook.rego", "package hidden");
    write("README.md", "text");
    let read = read_directory(directory.path()).unwrap();
    let Program::Rego(sources) = read.program else { panic!("sources") };
    assert_eq!(sources.keys().collect::<Vec<_>>(), ["lib/names.rego", "main.rego"]);
    assert_eq!(read.data, r#"{"lib":{"x":1}}"#);
}

#[test]
fn data_have_a_cap_of_their_own_over_all_files() {
    let half = vec![b' '; caps::DATA_BYTES as usize / 2 + 1];
    let data = |paths: &[&str]| paths.iter().map(|path| ((*path).to_owned(), half.clone())).collect::<Files>();
    let said = of_files(data(&["a/data.json", "b/data.yaml"]), None).unwrap_err().to_string();
    assert!(said.contains("33554434 bytes in all, and at most 33554432 may be used"), "{said}");
    let said = format!("{:#}", of_files(data(&["a/data.json", "b/names.txt"]), None).unwrap_err());
    assert!(said.contains("a/data.json: it is not JSON"), "one of them fits, and is read: {said}");

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("data.json");
    std::fs::write(&file, r#"{"a": 1}"#).unwrap();
    assert!(data_file(&file, 8).is_ok());
    assert!(data_file(&file, 7).unwrap_err().to_string().contains("more than 7 bytes"));
}

#[cfg(unix)]
#[test]
fn a_link_to_a_directory_is_refused_and_one_to_a_file_is_followed() {
    use std::os::unix::fs::symlink;
    let mounted = tempfile::tempdir().unwrap();
    let policy = mounted.path();
    std::fs::create_dir(policy.join("..2026_11_21")).unwrap();
    std::fs::write(policy.join("..2026_11_21/main.rego"), "package main").unwrap();
    // As Kubernetes mounts a ConfigMap.
    symlink("..2026_11_21", policy.join("..data")).unwrap();
    symlink("..data/main.rego", policy.join("main.rego")).unwrap();
    let Program::Rego(sources) = read_directory(policy).unwrap().program else { panic!("sources") };
    assert_eq!(sources.keys().collect::<Vec<_>>(), ["main.rego"]);

    let elsewhere = tempfile::tempdir().unwrap();
    symlink(elsewhere.path(), policy.join("more")).unwrap();
    let said = read_directory(policy).unwrap_err().to_string();
    assert!(said.contains(&policy.join("more").display().to_string()), "{said}");
    assert!(said.contains("put the directory itself there"), "{said}");
    std::fs::remove_file(policy.join("more")).unwrap();
    symlink("nowhere.rego", policy.join("more.rego")).unwrap();
    assert!(read_sources(policy).unwrap_err().to_string().contains("leads to no file"));
}
