//! OPA policies from files: what `opa build` makes, signed or not, and folders of Rego, each as a check.

use flate2::Compression;
use flate2::write::GzEncoder;
use palisade_github_fake::{CheckRun, PullRequest};
use palisade_tests::{TestHost, evidence, opa};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const COMPLIANCE: &str = r#"package compliance

vulnerability_report := {
	"compliant": count(denied) == 0,
	"total_vulnerabilities": count(input.vulnerabilities),
	"compliant_count": count(input.vulnerabilities) - count(denied),
	"non_compliant_count": count(denied),
	"non_compliant_vulnerabilities": [v |
		some d in denied
		v := {"id": d.id, "package": d["package"].name, "version": d["package"].version, "severity": d.severity}
	],
}

denied contains v if {
	some v in input.vulnerabilities
	v.severity in data.severities.blocked
}
"#;

const CONFTEST: &str = r#"package main

deny contains msg if {
	some f in input.findings
	upper(f.finding.severity) in data.severities.blocked
	msg := sprintf("%s must be fixed", [f.finding.id])
}
"#;

/// A folder of Rego with data, as a security team keeps it.
fn folder(source: &str, blocked: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |path: &str, text: String| {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("writing a file");
    };
    write("rules/policy.rego", source.to_owned());
    write("rules/policy_test.rego", "package rules_test\n\nimport data.main\n".to_owned());
    write("rules/severities/data.json", format!("{{\"blocked\": [\"{blocked}\"]}}"));
    directory
}

/// What `opa build` makes of it.
fn bundle(command: &Path, directory: &Path, more: &[&str]) -> PathBuf {
    let mut arguments = vec!["build", "-b", "rules", "-t", "wasm", "-o", "bundle.tar.gz", "--ignore", "*_test.rego"];
    arguments.extend(more);
    opa::run(command, directory, &arguments);
    directory.join("bundle.tar.gz")
}

const REPORT: &[&str] = &["-e", "compliance/vulnerability_report"];

fn configuration(file: &Path, plugin: &str, check: &str) -> String {
    format!(
        "[plugins.ours]\nfile = \"{}\"\n{plugin}\n[checks.\"Our Check\"]\npolicies = [\"ours\"]\n{check}\n",
        file.display()
    )
}

fn after_ci(palisade: &TestHost, severity: &str) -> PullRequest {
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("trivy", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0001", severity)]))]);
    run.complete("success");
    pull_request
}

async fn judged(palisade: &TestHost, severity: &str) -> CheckRun {
    after_ci(palisade, severity).check_run_completed("Our Check").await
}

fn text(check: &CheckRun) -> String {
    format!("{} {}", check.summary.clone().unwrap_or_default(), check.text.clone().unwrap_or_default())
}

async fn start_error(text: &str) -> String {
    let started = TestHost::try_with(text, Default::default()).await;
    format!("{:#}", started.err().unwrap_or_else(|| panic!("{text} must not start")))
}

/// Proves R25.
#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_a_check_with_three_lines_of_configuration() {
    let Some(command) = opa::command() else { return };
    let directory = folder(COMPLIANCE, "CRITICAL");
    let bundle = bundle(&command, directory.path(), REPORT);
    let palisade = TestHost::with(&configuration(&bundle, "", "")).await;
    let failed = judged(&palisade, "CRITICAL").await;
    assert_eq!(failed.to_string(), "failure: Our Check - Failed");
    assert!(text(&failed).contains("CVE-2026-0001"), "{}", text(&failed));
    let passed = judged(&palisade, "LOW").await;
    assert_eq!(passed.to_string(), "success: Our Check - Passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_module_takes_the_data_beside_it_or_the_data_that_are_named() {
    let Some(command) = opa::command() else { return };
    let directory = folder(COMPLIANCE, "CRITICAL");
    let bundle = bundle(&command, directory.path(), REPORT);
    let module = directory.path().join("policy.wasm");
    std::fs::write(&module, member(&bundle, "/policy.wasm")).expect("writing the module");
    std::fs::write(directory.path().join("data.yaml"), "severities:\n  blocked: [HIGH]\n").expect("writing data");
    let beside = TestHost::with(&configuration(&module, "", "")).await;
    assert_eq!(judged(&beside, "HIGH").await.to_string(), "failure: Our Check - Failed");
    std::fs::write(directory.path().join("other.json"), r#"{"severities": {"blocked": ["LOW"]}}"#)
        .expect("writing data");
    let other = format!("data = \"{}\"", directory.path().join("other.json").display());
    let named = TestHost::with(&configuration(&module, &other, "")).await;
    assert_eq!(judged(&named, "HIGH").await.to_string(), "success: Our Check - Passed");
    assert_eq!(judged(&named, "LOW").await.to_string(), "failure: Our Check - Failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conftest_rule_needs_a_check_that_says_what_it_reads() {
    let Some(command) = opa::command() else { return };
    let directory = folder(CONFTEST, "CRITICAL");
    let bundle = bundle(&command, directory.path(), &["-e", "main/deny"]);
    let error = start_error(&configuration(&bundle, "", "")).await;
    assert!(error.contains("main/deny") && error.contains("reads ="), "{error}");
    let palisade = TestHost::with(&configuration(&bundle, "", "reads = [\"vulnerabilities\"]")).await;
    let failed = judged(&palisade, "CRITICAL").await;
    assert_eq!(failed.to_string(), "failure: Our Check - Failed");
    assert!(text(&failed).contains("CVE-2026-0001 must be fixed"), "{}", text(&failed));
    assert_eq!(judged(&palisade, "LOW").await.to_string(), "success: Our Check - Passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_with_several_entrypoints_lists_them_until_one_is_named() {
    let Some(command) = opa::command() else { return };
    let directory = folder(COMPLIANCE, "CRITICAL");
    let more = [REPORT, &["-e", "compliance/denied"]].concat();
    let bundle = bundle(&command, directory.path(), &more);
    let error = start_error(&configuration(&bundle, "", "")).await;
    assert!(error.contains("compliance/denied") && error.contains("compliance/vulnerability_report"), "{error}");
    let settings = "settings = { ours = { entrypoint = \"compliance/vulnerability_report\" } }";
    let palisade = TestHost::with(&configuration(&bundle, "", settings)).await;
    assert_eq!(judged(&palisade, "CRITICAL").await.to_string(), "failure: Our Check - Failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_rego_is_a_check_without_any_opa_tool() {
    let directory = folder(COMPLIANCE, "CRITICAL");
    let rules = directory.path().join("rules");
    let settings = "settings = { entrypoint = \"compliance/vulnerability_report\" }";
    let palisade = TestHost::with(&configuration(&rules, settings, "")).await;
    assert_eq!(judged(&palisade, "CRITICAL").await.to_string(), "failure: Our Check - Failed");
    assert_eq!(judged(&palisade, "LOW").await.to_string(), "success: Our Check - Passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_lost_its_label_needs_a_check_that_says_what_it_reads() {
    let Some(_) = opa::command() else { return };
    let directory = folder(CONFTEST, "CRITICAL");
    let built = palisade_cli(directory.path(), &["policy", "build", "rules", "-e", "main/deny", "-o", "ours.wasm"]);
    assert!(built.status.success(), "{}", said(&built));
    let file = directory.path().join("ours.wasm");
    let mut component = std::fs::read(&file).expect("the component is there");
    let label: &[u8] = b"palisade:opa-policy";
    let at = component.windows(label.len()).rposition(|name| name == label).expect("it has a label");
    component[at..at + label.len()].copy_from_slice(b"palisade:no-policy!");
    std::fs::write(&file, component).expect("writing the component");
    let error = start_error(&configuration(&file, "", "")).await;
    assert!(error.contains("main/deny") && error.contains("reads ="), "{error}");
    let palisade = TestHost::with(&configuration(&file, "", "reads = [\"vulnerabilities\"]")).await;
    assert_eq!(judged(&palisade, "CRITICAL").await.to_string(), "failure: Our Check - Failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_interpreter_from_a_file_needs_a_check_that_says_what_it_reads() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("interpreter.wasm");
    let rego = palisade_first_party::all().iter().find(|plugin| plugin.name == "rego").expect("it comes with the host");
    std::fs::write(&file, rego.wasm).expect("writing the component");
    let settings =
        r#"settings = { policy = "package main\n\ndeny contains \"no\" if input.never\n", entrypoint = "main/deny" }"#;
    let error = start_error(&configuration(&file, settings, "")).await;
    assert!(error.contains("main/deny") && error.contains("reads ="), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_by_which_no_check_could_fail_stop_the_start() {
    let directory = folder(COMPLIANCE, "CRITICAL");
    let rules = directory.path().join("rules");
    let entrypoint = "entrypoint = \"compliance/vulnerability_report\"";
    let tests = format!("settings = {{ {entrypoint}, run_tests = true }}");
    let error = start_error(&configuration(&rules, &tests, "")).await;
    assert!(error.contains("`/run_tests` runs the policy's tests"), "{error}");
    let plugin = format!("settings = {{ {entrypoint} }}");
    let error = start_error(&configuration(&rules, &plugin, "settings = { ours = { result = \"value\" } }")).await;
    assert!(error.contains("`/result` is `value`"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_language_that_a_manifest_names_is_not_named_again() {
    let directory = folder(COMPLIANCE, "CRITICAL");
    let rules = directory.path().join("rules");
    std::fs::write(rules.join(".manifest"), r#"{"rego_version": 1, "roots": [""]}"#).expect("writing the manifest");
    let entrypoint = "entrypoint = \"compliance/vulnerability_report\"";
    let both = format!("settings = {{ {entrypoint}, rego_version = \"v0\" }}");
    let error = start_error(&configuration(&rules, &both, "")).await;
    assert!(error.contains("`plugins.ours.settings.rego_version` and `file` both give `rego_version`"), "{error}");
    let plugin = format!("settings = {{ {entrypoint} }}");
    let check = "settings = { ours = { rego_version = \"v0\" } }";
    let error = start_error(&configuration(&rules, &plugin, check)).await;
    assert!(error.contains("`/rego_version` is not a setting"), "{error}");
    let palisade = TestHost::with(&configuration(&rules, &plugin, "")).await;
    assert_eq!(judged(&palisade, "CRITICAL").await.to_string(), "failure: Our Check - Failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_bundle_is_verified_with_the_key_and_refused_without_a_match() {
    let Some(command) = opa::command() else { return };
    let directory = folder(COMPLIANCE, "CRITICAL");
    // HMAC: OPA takes the secret itself where it takes the path of a private key.
    let sign = ["--signing-alg", "HS256", "--signing-key", "a secret of the tests"];
    let bundle = bundle(&command, directory.path(), &[REPORT, &sign].concat());
    let secret = directory.path().join("secret");
    std::fs::write(&secret, "a secret of the tests\n").expect("writing the secret");
    let verified = |key: &Path, more: &str| {
        format!("verification_key = \"{}\"\nverification_algorithm = \"HS256\"\n{more}", key.display())
    };
    let palisade = TestHost::with(&configuration(&bundle, &verified(&secret, ""), "")).await;
    assert_eq!(judged(&palisade, "CRITICAL").await.to_string(), "failure: Our Check - Failed");

    let wrong = directory.path().join("wrong");
    std::fs::write(&wrong, "another secret").expect("writing the secret");
    let error = start_error(&configuration(&bundle, &verified(&wrong, ""), "")).await;
    assert!(error.contains("does not match the verification_key"), "{error}");
    let error = start_error(&configuration(&bundle, &verified(&secret, "verification_scope = \"write\""), "")).await;
    assert!(error.contains("verification_scope"), "{error}");

    // Without an id of its own OPA names every key so.
    let by_id = |key: &Path, id: &str| {
        format!("verification_keys.{id} = {{ file = \"{}\", algorithm = \"HS256\" }}", key.display())
    };
    let both = format!("{}\n{}", by_id(&wrong, "before"), by_id(&secret, "default"));
    let palisade = TestHost::with(&configuration(&bundle, &both, "")).await;
    assert_eq!(judged(&palisade, "CRITICAL").await.to_string(), "failure: Our Check - Failed");
    let error = start_error(&configuration(&bundle, &by_id(&secret, "before"), "")).await;
    assert!(error.contains("names the key \"default\", and verification_keys has before"), "{error}");

    let module = repacked(&bundle, |path, bytes| if path == "/data.json" { b"{}".to_vec() } else { bytes });
    std::fs::write(&bundle, module).expect("writing the bundle");
    let error = start_error(&configuration(&bundle, &verified(&secret, ""), "")).await;
    assert!(error.contains("data.json is not the file that was signed"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_signed_with_a_private_key_is_verified_with_the_public_one() {
    let Some(command) = opa::command() else { return };
    let directory = folder(COMPLIANCE, "CRITICAL");
    let private = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).expect("a key");
    let write = |name: &str, pem: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, pem).expect("writing the key");
        path
    };
    let pem = rsa::pkcs1::EncodeRsaPrivateKey::to_pkcs1_pem(&private, Default::default()).expect("PEM");
    write("private.pem", &pem);
    let pem = rsa::pkcs8::EncodePublicKey::to_public_key_pem(&private.to_public_key(), Default::default());
    let public = write("public.pem", &pem.expect("PEM"));
    let bundle = bundle(&command, directory.path(), &[REPORT, &["--signing-key", "private.pem"]].concat());
    let palisade =
        TestHost::with(&configuration(&bundle, &format!("verification_key = \"{}\"", public.display()), "")).await;
    assert_eq!(judged(&palisade, "CRITICAL").await.to_string(), "failure: Our Check - Failed");
    let shown =
        palisade_cli(directory.path(), &["plugin", "inspect", "bundle.tar.gz", "--verification-key", "public.pem"]);
    assert!(said(&shown).contains("verified (RS256, key default)"), "{}", said(&shown));
    let shown = palisade_cli(directory.path(), &["plugin", "inspect", "bundle.tar.gz"]);
    assert!(said(&shown).contains("signed, not checked"), "{}", said(&shown));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_wraps_nothing() {
    let Some(command) = opa::command() else { return };
    let directory = folder(COMPLIANCE, "CRITICAL");
    let bundle = bundle(&command, directory.path(), REPORT);
    let mut config: palisade::config::Config =
        toml::from_str(&configuration(&bundle, "", "")).expect("a configuration");
    config.runtime.cache_directory = Some(directory.path().join("cache"));
    for plugin in palisade_first_party::all() {
        config.plugins.entry(plugin.name.to_owned()).or_default().disabled = true;
    }
    let first = palisade::app::bench(&config).await.expect("it starts").runtime.statistics().cache;
    assert_eq!((first.wrapped_hits, first.wrapped_misses, first.misses), (0, 1, 1));
    let second = palisade::app::bench(&config).await.expect("it starts").runtime.statistics().cache;
    assert_eq!((second.wrapped_hits, second.wrapped_misses, second.hits, second.misses), (1, 0, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn bundles_that_cannot_be_used_stop_the_start_with_a_reason() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("bundle.tar.gz");
    let key = directory.path().join("key.pem");
    std::fs::write(&key, "no key").expect("writing the key");
    let module: &[u8] = b"\0asm\x01\0\0\0";
    let cases: [(&str, Vec<u8>, &str); 6] = [
        ("", packed(&[("README.md", b"nothing")]), "opa build -t wasm"),
        ("", packed(&[("a.wasm", module), ("b.wasm", module)]), "a.wasm, b.wasm"),
        ("", packed(&[("../policy.wasm", module)]), "leads out of the bundle"),
        ("", [packed(&[("policy.wasm", module)]), b"tail".to_vec()].concat(), "behind the end of its gzip stream"),
        ("verification_key = \"KEY\"", packed(&[("policy.wasm", module)]), "no public key in PEM"),
        ("verification_scope = \"write\"", packed(&[("main.rego", b"package main")]), "checks nothing"),
    ];
    for (plugin, bytes, expected) in cases {
        std::fs::write(&file, bytes).expect("writing the bundle");
        let plugin = plugin.replace("KEY", &key.display().to_string());
        let error = start_error(&configuration(&file, &plugin, "")).await;
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(error.contains("plugins.ours"), "the key is named: {error}");
    }
}

fn palisade_cli(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_palisade-cli"))
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        // Where `opa` is found, if it has no path of its own.
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PALISADE_CACHE_DIRECTORY", palisade_tests::compiled_code())
        .env("PALISADE_OPA", opa::command().unwrap_or_else(|| "no-such-opa".into()))
        .output()
        .expect("the program starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn inspect_shows_the_policy_in_a_bundle() {
    let Some(command) = opa::command() else { return };
    let directory = folder(COMPLIANCE, "CRITICAL");
    bundle(&command, directory.path(), REPORT);
    let output = palisade_cli(directory.path(), &["plugin", "inspect", "bundle.tar.gz"]);
    let shown = said(&output);
    assert!(output.status.success(), "{shown}");
    for expected in
        ["OPA bundle policy.wasm", "compliance/vulnerability_report", "not signed", "evaluator", "entrypoint"]
    {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}

#[test]
fn build_makes_a_component_of_a_folder_that_says_what_it_is() {
    let Some(_) = opa::command() else { return };
    let directory = folder(COMPLIANCE, "CRITICAL");
    let output = palisade_cli(directory.path(), &["policy", "build", "rules", "-e", REPORT[1], "-o", "ours.wasm"]);
    let shown = said(&output);
    assert!(output.status.success() && shown.contains("compiled rules with opa "), "{shown}");
    let inspected = said(&palisade_cli(directory.path(), &["plugin", "inspect", "ours.wasm"]));
    assert!(inspected.contains("entrypoint   compliance/vulnerability_report"), "{inspected}");
}

/// Draws lots, and says something on the way.
const TALKATIVE: &str = r#"package main

deny contains msg if {
	some f in input.findings
	trace(sprintf("traced %s", [f.finding.id]))
	print("printed", f.finding.id)
	msg := sprintf("drawn %d, %s", [rand.intn("x", 1000000), uuid.rfc4122("x")])
}
"#;

#[test]
fn chance_is_the_same_each_time_and_what_a_policy_says_stands_in_the_log() {
    let directory = folder(TALKATIVE, "CRITICAL");
    std::fs::write(directory.path().join("trivy.json"), evidence::trivy(&[("CVE-2026-0001", "LOW")])).expect("writing");
    let compiled = opa::command().map(|command| bundle(&command, directory.path(), &["-e", "main/deny"]));
    let sources = "settings = { entrypoint = \"main/deny\" }";
    let as_sources = (directory.path().join("rules"), sources, ["traced CVE-2026-0001", "printed CVE-2026-0001"]);
    // OPA's compiler leaves `print` out of modules.
    let as_module = compiled.map(|bundle| (bundle, "", ["traced CVE-2026-0001"; 2]));
    for (file, plugin, words) in [as_sources].into_iter().chain(as_module) {
        let config = configuration(&file, plugin, "reads = [\"vulnerabilities\"]");
        std::fs::write(directory.path().join("palisade.toml"), config).expect("writing the configuration");
        let ask = ["evaluate", "--log", "palisade=debug", "--now", "1767225600", "--format", "markdown", "trivy.json"];
        let (first, second) = (palisade_cli(directory.path(), &ask), palisade_cli(directory.path(), &ask));
        let (told, log) = (String::from_utf8_lossy(&first.stdout), String::from_utf8_lossy(&first.stderr));
        assert!(told.contains("drawn "), "{told}{log}");
        assert_eq!(first.stdout, second.stdout, "chance comes from the plugin's digest");
        assert!(words.iter().all(|word| log.contains(word)), "{log}");
    }
}

#[test]
fn capabilities_let_opa_say_early_what_is_missing() {
    let Some(command) = opa::command() else { return };
    let directory = folder("package main\n\ndeny contains msg if {\n\tmsg := http.send({}).body\n}\n", "CRITICAL");
    let output = palisade_cli(directory.path(), &["policy", "capabilities"]);
    std::fs::write(directory.path().join("capabilities.json"), &output.stdout).expect("writing the file");
    let arguments = ["build", "-b", "rules", "-t", "wasm", "-e", "main/deny", "--capabilities", "capabilities.json"];
    let built = Command::new(command).args(arguments).current_dir(directory.path()).output().expect("opa starts");
    assert!(!built.status.success() && said(&built).contains("undefined function http.send"), "{}", said(&built));
    let built = palisade_cli(directory.path(), &["policy", "build", "rules", "-e", "main/deny"]);
    assert!(
        built.status.code() == Some(2) && said(&built).contains("undefined function http.send"),
        "{}",
        said(&built)
    );
}

#[test]
fn build_without_opa_says_how_the_folder_runs_all_the_same() {
    let directory = folder(COMPLIANCE, "CRITICAL");
    let output = Command::new(env!("CARGO_BIN_EXE_palisade-cli"))
        .args(["policy", "build", "rules"])
        .current_dir(directory.path())
        .env_clear()
        .env("PALISADE_OPA", "no-such-opa")
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(2));
    let shown = said(&output);
    assert!(shown.contains("plugin `rego`") && shown.contains("[plugins.rules]"), "{shown}");
}

fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    for (path, bytes) in files {
        // By hand: the library refuses to write a path that leads out of its archive.
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        let padding = vec![0; bytes.len().div_ceil(512) * 512 - bytes.len()];
        gzip.write_all(&[header.as_bytes().as_slice(), bytes, &padding].concat()).expect("writing to memory");
    }
    gzip.finish().expect("writing to memory")
}

fn members(bundle: &Path) -> Vec<(String, Vec<u8>)> {
    let file = std::fs::File::open(bundle).expect("the bundle is there");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let entries = archive.entries().expect("an archive");
    entries
        .map(|entry| {
            let mut entry = entry.expect("an entry");
            let path = String::from_utf8(entry.path_bytes().into_owned()).expect("UTF-8");
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).expect("its bytes");
            (path, bytes)
        })
        .collect()
}

fn member(bundle: &Path, path: &str) -> Vec<u8> {
    members(bundle).into_iter().find(|(name, _)| name == path).expect("it is in the bundle").1
}

fn repacked(bundle: &Path, change: impl Fn(&str, Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let changed: Vec<_> =
        members(bundle).into_iter().map(|(path, bytes)| (path.clone(), change(&path, bytes))).collect();
    packed(&changed.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect::<Vec<_>>())
}
