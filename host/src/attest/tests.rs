//! Against what GitHub and Sigstore really signed: bundles and roots that the verifying library's own packages carry. What
//! is false in one way each is in the feature tests, signed by an authority of their own.

use super::*;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Where Cargo keeps a package that this one is built with.
fn package(name: &str) -> PathBuf {
    static METADATA: OnceLock<serde_json::Value> = OnceLock::new();
    let metadata = METADATA.get_or_init(|| {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let arguments = ["metadata", "--format-version", "1", "--offline", "--locked", "--manifest-path", manifest];
        let output = std::process::Command::new(cargo).args(arguments).output().expect("cargo starts");
        serde_json::from_slice(&output.stdout).expect("cargo describes what this is built with")
    });
    let packages = metadata["packages"].as_array().expect("packages");
    let found = packages.iter().find(|package| package["name"] == name).expect("it is a dependency");
    PathBuf::from(found["manifest_path"].as_str().expect("a path")).with_file_name("")
}

fn bundle(name: &str) -> Bundle {
    let path = package("sigstore-verify").join("test_data/bundles").join(name);
    read(&std::fs::read_to_string(path).expect("the package carries it")).unwrap()
}

fn root(name: &str) -> String {
    std::fs::read_to_string(package("sigstore-trust-root").join("src").join(name)).expect("the package carries it")
}

fn digest(hex: &str) -> Digest {
    Digest::try_from(hex.to_owned()).unwrap()
}

const CONDA: &str = "54303491a8418fbed24344b513546182c29b43bf282ceb433af65e2299f9271f";

#[test]
fn what_a_workflow_signed_with_the_public_sigstore_names_workflow_commit_and_run() {
    let roots = TrustedRoots::parse(&root("trusted_root.json")).unwrap();
    let claims = roots.signed_by(&bundle("conda-attestation.sigstore.json"), &digest(CONDA)).unwrap();
    let repository = "https://github.com/prefix-dev/sigstore-example";
    assert_eq!(claims.issuer.as_deref(), Some("https://token.actions.githubusercontent.com"));
    assert_eq!(claims.repository.as_deref(), Some(repository));
    assert_eq!(claims.runner.as_deref(), Some("github-hosted"));
    assert_eq!(claims.sha.as_deref(), Some("193b5bd7d3985809503963ae400594ea16df31cf"));
    assert_eq!(claims.run, Some(format!("{repository}/actions/runs/17377272645/attempts/1")));
    let signer = format!("{repository}/.github/workflows/action.yaml@refs/heads/main");
    assert_eq!((claims.signer, claims.repository_id), (Some(signer), Some("1048392115".to_owned())));
}

#[test]
fn what_github_signed_with_its_own_sigstore_holds_by_a_timestamp_alone() {
    let both = [root("trusted_root.json"), root("trusted_root_github.json")].join("\n");
    let roots = TrustedRoots::parse(&both).unwrap();
    let github = bundle("github-private-attestation.sigstore.json");
    let SignatureContent::DsseEnvelope(envelope) = &github.content else { panic!("a statement") };
    let statement: serde_json::Value = serde_json::from_slice(envelope.payload.as_bytes()).unwrap();
    let subject = statement["subject"][1]["digest"]["sha256"].as_str().expect("a file").to_owned();
    roots.signed_by(&github, &digest(&subject)).unwrap();
    // Both roots count, each for its own; neither for the other's, and none for other bytes.
    roots.signed_by(&bundle("conda-attestation.sigstore.json"), &digest(CONDA)).unwrap();
    let public = TrustedRoots::parse(&root("trusted_root.json")).unwrap();
    public.signed_by(&github, &digest(&subject)).unwrap_err();
    roots.signed_by(&github, &Digest::of(b"other bytes")).unwrap_err();
}

#[test]
fn a_statement_of_another_kind_is_none_of_provenance() {
    let refused = states_provenance(&bundle("conda-attestation.sigstore.json")).unwrap_err();
    assert!(refused.starts_with("it states `https://schemas.conda.org/"), "{refused}");
}

#[test]
fn what_is_too_large_or_no_bundle_is_refused_before_anything_is_verified() {
    assert!(read(&" ".repeat(LARGEST_BUNDLE + 1)).unwrap_err().contains("more than"));
    assert!(read("{}").unwrap_err().contains("cannot be read"));
    let mut text: serde_json::Value = serde_json::from_str(
        &std::fs::read_to_string(package("sigstore-verify").join("test_data/bundles/conda-attestation.sigstore.json"))
            .expect("the package carries it"),
    )
    .unwrap();
    let entry = text["verificationMaterial"]["tlogEntries"][0].clone();
    text["verificationMaterial"]["tlogEntries"] = vec![entry; MOST_PROOFS + 1].into();
    assert!(read(&text.to_string()).unwrap_err().contains("certificates, log entries and timestamps"));
}

#[test]
fn a_file_without_a_root_is_refused() {
    for text in ["", "{}", "[]", "no JSON", r#"{"certificateAuthorities":[]}"#] {
        assert!(TrustedRoots::parse(text).is_err(), "{text:?}");
    }
    let many = vec![root("trusted_root.json"); MOST_ROOTS + 1].join("\n");
    assert!(matches!(TrustedRoots::parse(&many), Err(UnusableRoots::TooMany)));
}
