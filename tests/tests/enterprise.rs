//! GitHub Enterprise Server and the networks that it stands in: every request below the prefix, certificates of an
//! authority of one's own, proxies, and a host that says what is wrong with any of it.

mod doctor;
mod front;
mod personal_token;
mod program;
mod registration;

use front::{Authority, Proxy};
use palisade::app;
use palisade::config::Config;
use palisade::model::Secret;
use palisade_github_fake::{Fake, FakeOptions, PullRequestOptions};
use palisade_tests::{TestHost, config, evidence};
use program::{configured, palisade};
use std::collections::BTreeMap;
use std::net::SocketAddr;

const LICENSES: &str = "License Check";

/// A host whose configuration a test has changed.
async fn host(github: Fake, config: Config) -> TestHost {
    TestHost::serving(github, config).await.expect("the host starts")
}

/// From a webhook to a check run, with what needs a second page and the blob host.
async fn whole_line(palisade: &TestHost) {
    let files = (0..105).map(|number| (format!("src/{number:03}.rs"), vec![b'x'])).collect();
    let options = PullRequestOptions { title: "Add a feature".to_owned(), files, ..PullRequestOptions::default() };
    let pull_request = palisade.repository().open_pull_request(options);
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.complete("success");
    pull_request.check_run_shows(LICENSES, "success: License Check - Passed").await;
    palisade.settled().await;
    let journal = palisade.github.journal();
    assert!(journal.mints() > 0, "tokens are asked of this GitHub too");
    assert!(journal.count("GET /blob/*") > 0, "artifacts came from the blob host");
    assert!(journal.entries.iter().any(|entry| entry.query.contains("page=2")), "a second page was read\n{journal}");
    assert_eq!(journal.outside_the_prefix().len(), 0, "{journal}");
    assert_eq!(journal.credentials_at_the_blob_host().len(), 0, "{journal}");
}

fn socket(url: &str) -> SocketAddr {
    let authority = url.trim_start_matches("http://").split('/').next().expect("an authority");
    authority.parse().expect("an address of loopback")
}

/// Proves R31, W22.
#[tokio::test(flavor = "multi_thread")]
async fn every_request_to_an_enterprise_server_is_below_its_prefix_though_nobody_typed_it() {
    let github = Fake::start(FakeOptions::default()).await.expect("a GitHub");
    let mut config = config(&github, "").expect("a configuration");
    config.github.base_url = github.site().to_owned();
    config.github.client_id = Some(github.client_id().to_owned());
    whole_line(&host(github, config).await).await;
}

/// Proves W22.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_take_our_version_of_the_api_stops_the_start() {
    let options = FakeOptions { api_versions: vec!["2021-01-01".to_owned()], ..FakeOptions::default() };
    let github = Fake::start(options).await.expect("a GitHub");
    let refused = app::serve(config(&github, "").expect("a configuration")).await.expect_err("it must not start");
    assert!(format!("{refused:#}").contains("set github.api_version to one"), "{refused:#}");
    let asked = github.journal().count("*");
    assert_eq!(asked, 1, "it was asked once\n{}", github.journal());
    let other = config(&github, "[github]\napi_version = \"2021-01-01\"\n").expect("a configuration");
    app::serve(other).await.expect("with its version it starts");
}

/// Proves R31.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_none_stops_the_start_and_says_which() {
    let github = Fake::start(FakeOptions::default()).await.expect("a GitHub");
    let mut config = config(&github, "").expect("a configuration");
    config.github.base_url = "http://github.example".to_owned();
    let refused = format!("{:#}", app::serve(config).await.expect_err("it must not start"));
    assert!(
        refused.contains("invalid GITHUB_BASE_URL: \"http://github.example\" must begin with https://"),
        "{refused}"
    );
    assert_eq!(github.journal().entries.len(), 0, "nobody else was asked instead");
}

/// Proves R31, W22.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_behind_an_authority_of_ones_own_is_trusted_with_its_file_and_not_without() {
    let github = Fake::start(FakeOptions::default()).await.expect("a GitHub");
    let authority = Authority::new();
    let api = authority.before("localhost", socket(github.api_url())).await;
    let blobs = authority.before("localhost", socket(github.blob_url())).await;
    let base_url = format!("https://localhost:{}", api.port());
    github.known_as(&format!("{base_url}/api/v3"), &format!("https://localhost:{}", blobs.port()));
    let directory = configured(&github, &base_url, "");

    let said = palisade(directory.path(), &["doctor"], &[]).await;
    assert_eq!(said.code, 2, "{said}");
    assert!(said.line("GitHub: ").contains("invalid peer certificate"), "{said}");
    assert_eq!(github.journal().entries.len(), 0, "nothing was said to a stranger");

    std::fs::write(directory.path().join("ca.pem"), &authority.pem).expect("writing the authority");
    let said = palisade(directory.path(), &["doctor"], &[("PALISADE_GITHUB_CA_FILE", "ca.pem")]).await;
    assert!(said.line("GitHub: ").starts_with("ok "), "{said}");

    let mut config = config(&github, "").expect("a configuration");
    config.github.base_url = base_url;
    config.github.ca_file = Some(directory.path().join("ca.pem"));
    config.github.artifact_hosts = vec!["localhost".to_owned()];
    whole_line(&host(github, config).await).await;
}

/// Names that nothing but the proxy resolves.
async fn behind_a_proxy(github: &Fake, authority: &Authority) -> Proxy {
    let api = authority.before("github.test", socket(github.api_url())).await;
    let blobs = authority.before("blobs.github.test", socket(github.blob_url())).await;
    github.known_as("https://github.test/api/v3", "https://blobs.github.test");
    let known = [("github.test:443", api), ("blobs.github.test:443", blobs)];
    Proxy::start(known.map(|(name, address)| (name.to_owned(), address)).into()).await
}

/// Proves R31.
#[tokio::test(flavor = "multi_thread")]
async fn api_tokens_and_artifacts_go_through_the_proxy_and_nothing_goes_around_it() {
    let github = Fake::start(FakeOptions::default()).await.expect("a GitHub");
    let authority = Authority::new();
    let proxy = behind_a_proxy(&github, &authority).await;
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("ca.pem"), &authority.pem).expect("writing the authority");
    let mut config = config(&github, "").expect("a configuration");
    config.github.base_url = "https://github.test".to_owned();
    config.github.ca_file = Some(directory.path().join("ca.pem"));
    config.github.artifact_hosts = vec!["*.github.test".to_owned()];
    config.proxies.https = Some(Secret::new(format!("http://mona:hunter2@{}", proxy.address)));
    whole_line(&host(github, config).await).await;
    let mut asked = proxy.asked();
    asked.sort();
    asked.dedup();
    assert_eq!(asked, ["blobs.github.test:443", "github.test:443"]);
}

/// Proves R31, R36.
#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_comes_from_the_environment_and_its_password_is_told_to_nobody() {
    let github = Fake::start(FakeOptions::default()).await.expect("a GitHub");
    let authority = Authority::new();
    let proxy = behind_a_proxy(&github, &authority).await;
    let directory = configured(&github, "https://github.test", "ca_file = \"ca.pem\"\n");
    std::fs::write(directory.path().join("ca.pem"), &authority.pem).expect("writing the authority");
    let address = |password: &str| format!("http://mona:{password}@{}", proxy.address);

    let said = palisade(directory.path(), &["doctor"], &[("https_proxy", &address("hunter2"))]).await;
    assert!(said.line("GitHub: ").starts_with("ok "), "{said}");
    let said = palisade(directory.path(), &["doctor"], &[("ALL_PROXY", &address("wrong-one"))]).await;
    let told = said.line("GitHub: ");
    assert!(told.contains("through the proxy 127.0.0.1:") && told.contains("authorization required"), "{said}");
    assert!(!format!("{said}").contains("wrong-one"), "{said}");
    let before = proxy.asked().len();
    let excepted = [("HTTPS_PROXY", address("hunter2")), ("NO_PROXY", "127.0.0.1,.test".to_owned())];
    let excepted = excepted.each_ref().map(|(name, value)| (*name, value.as_str()));
    let said = palisade(directory.path(), &["doctor"], &excepted).await;
    assert!(said.line("GitHub: ").starts_with("problem"), "nobody else knows the name\n{said}");
    assert_eq!(proxy.asked().len(), before, "it was not asked");

    let said = palisade(directory.path(), &["doctor"], &[("HTTPS_PROXY", "socks5://mona:hunter2@127.0.0.1:1")]).await;
    assert!(said.line("HTTPS_PROXY").contains("not the address of an HTTP proxy"), "{said}");
    assert!(!format!("{said}").contains("hunter2"), "{said}");
}

/// Proves R31, W42.
#[tokio::test(flavor = "multi_thread")]
async fn the_configured_installation_stands_in_where_a_webhook_names_none() {
    let github = Fake::start(FakeOptions::default()).await.expect("a GitHub");
    let repository = github.repository("acme/shop");
    let mut config = config(&github, "").expect("a configuration");
    config.github.installation_id = Some(github.installation_id("acme"));
    let palisade = host(github, config).await;
    // As the repository's own webhook sends it.
    palisade.github.pause_deliveries();
    let pull_request = repository.open_pull_request("Add a feature");
    let waiting = palisade.github.take_pending_deliveries();
    palisade.github.resume_deliveries();
    let opened = waiting.iter().find(|outgoing| outgoing.event == "pull_request").expect("it was announced");
    let mut payload: serde_json::Value = serde_json::from_slice(&opened.body).expect("JSON");
    assert!(payload.as_object_mut().expect("an object").remove("installation").is_some());
    let body = payload.to_string().into_bytes();
    let headers = BTreeMap::from([
        ("content-type", "application/json".to_owned()),
        ("x-github-event", "pull_request".to_owned()),
        ("x-github-delivery", "8a4f2d1c-0000-4000-8000-000000000001".to_owned()),
        ("x-hub-signature-256", palisade.github.sign(&body)),
    ]);
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = palisade_tests::http::post(&palisade.url("/webhook"), &headers, body).await.expect("an answer");
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(pull_request.check_run_opened(LICENSES).await.to_string(), "in_progress: License Check - In Progress");
    palisade.settled().await;
}
