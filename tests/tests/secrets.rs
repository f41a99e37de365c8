//! Secrets: what holds one does not print it, and a run through the line shows none. All output of all tests is searched
//! afterwards, by the stage `secrets` of `cargo xtask test`.

use palisade::app::{SystemClock, github_options};
use palisade::config::Config;
use palisade::config::telemetry::Telemetry as Settings;
use palisade::model::{Rotating, Secret};
use palisade::telemetry::Reports;
use palisade::webhook::WebhookOptions;
use palisade_github_fake::{Fake, FakeOptions};
use palisade_tests::{TestHost, captured, evidence, http};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const PLANTED: &str = "planted-for-tests-0123456789";
const SETTING: &str = "LicenseRef-planted-setting-for-tests-0123456789";
const BODY: &str = "planted-body-for-tests-0123456789";

/// Proves R36, W06.
#[tokio::test]
async fn whatever_holds_a_secret_prints_without_it() {
    let github = Fake::start(FakeOptions::default()).await.expect("a GitHub");
    let mut config = palisade_tests::config(&github, "").expect("a configuration");
    config.github.webhook_secrets.push(Secret::new(PLANTED).into());
    config.telemetry = Settings {
        endpoint: Some("http://127.0.0.1:1".to_owned()),
        headers: Some(Secret::new(format!("authorization={PLANTED}"))),
        ..Settings::default()
    };
    let key = github.private_key_pem().lines().nth(1).expect("a key has lines").to_owned();
    let options = github_options(&config, Arc::new(SystemClock)).expect("the key is there");
    let door = WebhookOptions {
        secrets: Rotating::new(config.webhook_secrets().expect("they stand in the configuration")),
        allow_unsigned: false,
        installation: None,
        body_timeout: Duration::from_secs(10),
        clock: Arc::new(SystemClock),
    };
    let client = palisade::github::GitHub::new(options.clone()).expect("a client");
    let reports = Reports::new(&config.telemetry).expect("good settings");
    let mut shown = vec![
        format!("{config:?}"),
        format!("{config:#?}"),
        format!("{options:?}"),
        format!("{door:?}"),
        format!("{client:?}"),
        format!("{reports:?}"),
    ];
    let host = palisade::app::serve(config.clone()).await.expect("the host starts");
    shown.push(format!("{host:?}"));
    for text in &shown {
        for secret in [PLANTED, key.as_str(), github.webhook_secret()] {
            assert!(!text.contains(secret), "{}", text.replace(secret, "THE SECRET"));
        }
    }
}

fn keep_files(directory: &Path) -> usize {
    let mut kept = 0;
    for entry in std::fs::read_dir(directory).expect("a readable directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            kept += keep_files(&path);
        } else {
            captured::keep("a record's file", &String::from_utf8_lossy(&std::fs::read(&path).expect("readable")));
            kept += 1;
        }
    }
    kept
}

/// Proves R36, W06.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_through_the_line_shows_no_secret_and_logs_no_body() {
    captured::plant_in_body("a plugin's setting", SETTING);
    captured::plant_in_body("a package's name", BODY);
    let records = tempfile::tempdir().expect("a directory");
    let text = format!(
        "[server]\npages = \"public\"\n[records]\ndirectory = {:?}\n\
         [plugins.license.settings]\nallowed = [\"MIT\", \"{SETTING}\"]\n",
        records.path()
    );
    let options = FakeOptions { long_tokens: true, ..FakeOptions::default() };
    let palisade = TestHost::try_with(&text, options).await.expect("the host starts");
    let pull_request = palisade.repository().open_pull_request(BODY);
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[(BODY, "GPL-3.0-only")]))]);
    run.complete("success");
    let check = pull_request.check_run_completed("License Check").await;
    palisade.settled().await;
    let address = check.details_url.as_deref().unwrap_or_default().to_owned();
    let job = address.rsplit('/').next().unwrap_or_default();
    let mut seen = vec![format!("{check:?}"), pull_request.comment_by_app().await.body];
    for path in ["/metrics", "/health", &format!("/decisions/{job}"), &format!("/api/v1/decisions/{job}")] {
        seen.push(http::get(&palisade.url(path)).await.expect("an answer").body);
    }
    assert!(keep_files(records.path()) > 0, "records are kept");
    let secrets = palisade.github.secrets();
    assert!(secrets.len() > 3, "tokens were minted and artifacts fetched");
    for (what, secret) in &secrets {
        assert!(seen.iter().all(|text| !text.contains(secret)), "{what} shows");
    }
    assert!(!seen[2].contains(BODY) && !seen[2].contains(SETTING), "metrics hold no body");
    let said = std::fs::read_to_string(captured::said()).expect("log lines are kept");
    assert!(said.contains("check-completed"), "the log is what is looked at");
    for (what, secret) in secrets
        .iter()
        .map(|(what, secret)| (*what, secret.as_str()))
        .chain([("a plugin's setting", SETTING), ("a package's name", BODY)])
    {
        assert!(!said.contains(secret), "{what} shows in the log");
    }
}

/// Proves R36.
#[test]
fn a_configuration_that_cannot_be_read_tells_no_value_of_a_secret() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("palisade.toml");
    std::fs::write(&file, format!("[github]\nwebhook_secrets = {{ a = \"{PLANTED}\" }}\n")).expect("a file");
    let refused = Config::from_sources(Some(&file), Default::default()).expect_err("no list").to_string();
    assert!(!refused.contains(PLANTED), "{refused}");
}
