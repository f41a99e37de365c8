//! The command line as a person types it: what it prints, and how it exits.

use palisade_tests::evidence;
use std::path::Path;
use std::process::{Command, Output};

fn palisade(directory: &Path, arguments: &[&str]) -> Output {
    let output = run(directory, arguments);
    palisade_tests::captured::keep("the program", &out(&output));
    palisade_tests::captured::log("the program", &err(&output));
    output
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_palisade-cli"))
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("PALISADE_CACHE_DIRECTORY", palisade_tests::compiled_code())
        .output()
        .expect("the program starts")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it exits")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn with_files(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, content) in files {
        std::fs::write(directory.path().join(name), content).expect("writing a file");
    }
    directory
}

#[test]
fn evaluate_exits_by_the_worst_that_it_saw() {
    let clean = ("clean.json", evidence::clean_trivy());
    let vulnerable = ("vulnerable.json", evidence::trivy(&[("CVE-2026-0001", "CRITICAL")]));
    let warned = ("warned.json", evidence::spdx(&[("left-pad", "LicenseRef-house")]));
    let unknown = ("unknown.json", b"{\"hello\": 1}".to_vec());
    let truncated = ("truncated.json", evidence::spdx(&[("left-pad", "MIT")])[..200].to_vec());
    let strictly: &[&str] = &["--strict"];
    let cases = [
        ("a clean scan", vec![&clean], &[][..], 0),
        ("a violation", vec![&vulnerable], &[][..], 1),
        ("a warning", vec![&warned], &[][..], 0),
        ("a warning, strictly", vec![&warned], strictly, 1),
        ("an unrecognised file", vec![&clean, &unknown], &[][..], 2),
        ("a truncated file", vec![&truncated], &[][..], 2),
        ("a violation beside an unreadable file", vec![&vulnerable, &truncated], &[][..], 1),
    ];
    for (case, files, more, expected) in cases {
        let directory = with_files(&files.iter().map(|file| (file.0, file.1.clone())).collect::<Vec<_>>());
        let mut arguments = vec!["evaluate"];
        arguments.extend(more);
        arguments.extend(files.iter().map(|file| file.0));
        let output = palisade(directory.path(), &arguments);
        assert_eq!(code(&output), expected, "{case}\n{}\n{}", out(&output), err(&output));
    }
}

#[test]
fn evaluate_writes_json_sarif_and_markdown() {
    let directory = with_files(&[("trivy.json", evidence::trivy(&[("CVE-2026-0001", "CRITICAL")]))]);
    for format in ["json", "sarif"] {
        let output = palisade(directory.path(), &["evaluate", "--format", format, "trivy.json"]);
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON on standard output");
        assert!(document.to_string().contains("CVE-2026-0001"), "{format}");
        assert_eq!(code(&output), 1);
    }
    let output = palisade(directory.path(), &["evaluate", "--format", "markdown", "trivy.json"]);
    assert!(out(&output).starts_with("# "), "{}", out(&output));
    let output = palisade(directory.path(), &["evaluate", "trivy.json"]);
    assert!(out(&output).contains("CVE-2026-0001"));
    assert!(!out(&output).contains('\u{1b}'), "no colour where no terminal is");
}

#[test]
fn the_same_files_give_the_same_bytes_ten_times() {
    let directory = with_files(&[
        ("a.json", evidence::trivy(&[("CVE-2026-0001", "CRITICAL"), ("CVE-2026-0002", "LOW")])),
        ("b.json", evidence::spdx(&[("left-pad", "MIT"), ("right-pad", "GPL-3.0-only")])),
        ("c.json", evidence::cyclonedx(&[("left-pad", "MIT")], &[("CVE-2026-0001", "high", "left-pad")])),
    ]);
    let run = || {
        let output = palisade(
            directory.path(),
            &["evaluate", "--now", "1767225600", "--format", "sarif", "a.json", "b.json", "c.json"],
        );
        out(&output)
    };
    let first = run();
    assert!(first.contains("CVE-2026-0001"));
    for _ in 0..9 {
        assert_eq!(run(), first);
    }
}

#[test]
fn the_same_files_give_the_same_bytes_while_the_machine_is_busy() {
    let directory = with_files(&[
        ("a.json", evidence::trivy(&[("CVE-2026-0001", "CRITICAL"), ("CVE-2026-0002", "LOW")])),
        ("b.json", evidence::spdx(&[("left-pad", "MIT"), ("right-pad", "GPL-3.0-only")])),
    ]);
    let run = || {
        out(&palisade(directory.path(), &["evaluate", "--now", "1767225600", "--format", "sarif", "a.json", "b.json"]))
    };
    let idle = run();
    // More at once than there are cores: each waits for the others, and the answer must not show it.
    let busy: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..10).map(|_| scope.spawn(run)).collect();
        running.into_iter().map(|run| run.join().expect("it ends")).collect()
    });
    assert!(idle.contains("CVE-2026-0001"));
    assert!(busy.iter().all(|answer| *answer == idle));
}

#[test]
fn a_missing_file_and_a_wrong_configuration_say_what_is_wrong() {
    let directory = with_files(&[("palisade.toml", b"[queue]\nworker = 1\n".to_vec())]);
    let output = palisade(directory.path(), &["evaluate", "nowhere.json"]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("queue.worker") && err(&output).contains("workers"), "{}", err(&output));
    std::fs::remove_file(directory.path().join("palisade.toml")).expect("removing");
    let output = palisade(directory.path(), &["evaluate", "nowhere.json"]);
    assert!(err(&output).contains("nowhere.json"), "{}", err(&output));
}

/// Proves R2.
#[test]
fn serve_refuses_to_start_with_everything_that_is_missing() {
    let directory = with_files(&[]);
    let output = palisade(directory.path(), &["serve"]);
    assert_eq!(code(&output), 2);
    for key in ["POLLY_GITHUB_APP_ID", "POLLY_GITHUB_PRIVATE_KEY_PATH", "webhook_secrets"] {
        assert!(err(&output).contains(key), "{key} in {}", err(&output));
    }
}

#[test]
fn doctor_names_each_thing_that_it_looked_at() {
    let directory = with_files(&[]);
    let output = palisade(directory.path(), &["doctor", "--offline"]);
    assert_eq!(code(&output), 2);
    for line in ["problem  configuration", "ok       plugin trivy", "ok       check \"License Check\""] {
        assert!(out(&output).contains(line), "{line} in {}", out(&output));
    }
}

#[test]
fn doctor_tells_each_fault_once() {
    let directory = with_files(&[(
        "palisade.toml",
        b"[github]\nprivate_key_path = 'nowhere.pem'\n[plugins.lost]\nfile = 'lost.wasm'\n[checks.\"Lost Check\"]\n\
          policies = ['lost', 'unheard-of']\n"
            .to_vec(),
    )]);
    let output = palisade(directory.path(), &["doctor"]);
    assert_eq!(code(&output), 2);
    let said = format!("{}{}", out(&output), err(&output));
    for fault in ["nowhere.pem", "lost.wasm", "there is no plugin `unheard-of`", "POLLY_GITHUB_APP_ID"] {
        let lines: Vec<&str> = said.lines().filter(|line| line.contains(fault)).collect();
        assert_eq!(lines.len(), 1, "{fault} in {said}");
    }
}

/// Proves R37, W42.
#[test]
fn doctor_refuses_groups_and_overlays_that_are_mistyped() {
    for (text, told) in [
        (
            "[groups.payments]\nrepository = []\n",
            "unknown key `groups.payments.repository`; did you mean `repositories`?",
        ),
        ("[overlay]\nallowed = []\n", "unknown key `overlay.allowed`; did you mean `allow`?"),
        ("[overlay]\nallow = ['setting']\n", "overlay.allow: unknown `setting`; did you mean `settings`?"),
        ("[groups.payments]\nchecks = ['License Chek']\n", "did you mean \"License Check\"?"),
    ] {
        let directory = with_files(&[("palisade.toml", text.as_bytes().to_vec())]);
        let output = palisade(directory.path(), &["doctor", "--offline"]);
        assert_eq!(code(&output), 2);
        assert!(out(&output).contains(told), "{told} in {}", out(&output));
    }
}

/// Proves R2.
#[test]
fn doctor_tells_which_secrets_and_keys_ended_and_which_end_with_nothing_to_follow() {
    let tomorrow = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    let doctor = |secrets: &str| {
        let text = format!("[github]\nwebhook_secrets = [{secrets}]\n[server]\ntrusted_proxies = ['10.0.0.0/99']\n");
        out(&palisade(with_files(&[("palisade.toml", text.into_bytes())]).path(), &["doctor", "--offline"]))
    };
    let told = doctor(&format!("{{ secret = 'hunter2', not_after = '{tomorrow}' }}"));
    assert!(told.contains("problem  webhook secrets: the last webhook secret ends at"), "{told}");
    assert!(told.contains("problem  server: server.trusted_proxies: \"10.0.0.0/99\" is neither"), "{told}");
    let told = doctor("{ secret = 'hunter2', not_after = '2001-01-01' }");
    assert!(told.contains("problem  webhook secrets: every webhook secret has passed its `not_after`"), "{told}");
    let told = doctor("'next', { secret = 'hunter2', not_after = '2001-01-01' }");
    let expected = "ok       webhook secrets: github.webhook_secrets[0], github.webhook_secrets[1] (ended at \
                    2001-01-01T00:00:00Z; it can be removed)";
    assert!(told.contains(expected), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn inspect_shows_what_a_plugin_is_and_refuses_what_is_none() {
    let license = palisade_first_party::all().iter().find(|plugin| plugin.name == "license").expect("built in");
    let directory = with_files(&[("license.wasm", license.wasm.to_vec()), ("text.wasm", b"hello".to_vec())]);
    let output = palisade(directory.path(), &["plugin", "inspect", "license.wasm"]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    for part in ["evaluator", "reads        licenses", "palisade:plugin", "setting      allowed", "sha256"] {
        assert!(out(&output).contains(part), "{part} in {}", out(&output));
    }
    let output = palisade(directory.path(), &["plugin", "inspect", "text.wasm"]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("text.wasm"), "{}", err(&output));
}

/// Proves R37, W42.
#[test]
fn the_example_configuration_is_read_and_holds_the_defaults() {
    let example = palisade_tests::workspace().join("examples").join("palisade.toml");
    let typed =
        palisade::config::Config::from_sources(Some(&example), Default::default()).expect("the example is valid");
    let defaults = palisade::config::Config::default();
    assert_eq!(format!("{:?}", typed.queue), format!("{:?}", defaults.queue));
    assert_eq!(format!("{:?}", typed.artifacts), format!("{:?}", defaults.artifacts));
    assert_eq!(format!("{:?}", typed.state), format!("{:?}", defaults.state));
    assert_eq!(format!("{:?}", typed.server), format!("{:?}", defaults.server));
}
