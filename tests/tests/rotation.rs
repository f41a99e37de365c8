//! Webhook secrets, the App's keys and certificates are replaced while the host runs, and the old ones end.

use palisade::model::Unix;
use palisade_github_fake::{Fake, FakeOptions};
use palisade_tests::process::HostProcess;
use palisade_tests::{TestHost, captured, config, http};
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const LICENSES: &str = "License Check";
/// For what must come, on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the webhook's secret becomes.
const NEW: &str = "planted-next-secret-for-tests";

fn rotate(github: &Fake) {
    captured::plant("the webhook's next secret", NEW);
    github.rotate_webhook_secret(NEW);
}

fn instant(time: Unix) -> String {
    jiff::Timestamp::from_second(i64::try_from(time).expect("not so far")).expect("a time").to_string()
}

async fn metric(url: &str, line: &str) -> u64 {
    let metrics = http::get(&format!("{url}/metrics")).await.expect("an answer").body;
    let value = metrics.lines().find_map(|given| given.strip_prefix(line)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().expect("a whole number"))
}

/// The status of a ping with the signature that the fake makes now.
async fn ping(github: &Fake, url: &str, guid: &str) -> u16 {
    let body = "{\"zen\": \"x\"}";
    let signature = github.sign(body.as_bytes());
    let headers = [
        ("content-type", "application/json"),
        ("x-github-event", "ping"),
        ("x-github-delivery", guid),
        ("x-hub-signature-256", signature.as_str()),
    ];
    http::post(&format!("{url}/webhook"), &headers, body).await.expect("an answer").status
}

async fn opens_a_check(palisade: &TestHost, repository: &str) {
    let pull_request = palisade.github.repository(repository).open_pull_request("Add a feature");
    pull_request.check_run_opened(LICENSES).await;
    palisade.settled().await;
}

/// Proves R2, W01.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_secret_counts_until_its_end_and_the_new_one_from_the_start() {
    let end = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs() + 3_600;
    let old = FakeOptions::default().webhook_secret;
    let text = format!(
        "[github]\nwebhook_secrets = [\"{NEW}\", {{ secret = \"{old}\", not_after = \"{}\" }}]\n",
        instant(end)
    );
    let palisade = TestHost::with(&text).await;
    let url = palisade.url("");
    let matches = |slot: u32| format!("palisade_webhook_secret_matches_total{{slot=\"{slot}\"}}");
    assert_eq!(ping(&palisade.github, &url, "1").await, 200);
    assert_eq!((metric(&url, &matches(0)).await, metric(&url, &matches(1)).await), (0, 1));
    palisade.clock.advance(Duration::from_secs(3_601));
    assert_eq!(ping(&palisade.github, &url, "2").await, 401, "its end has come");
    rotate(&palisade.github);
    assert_eq!(ping(&palisade.github, &url, "3").await, 200);
    assert_eq!((metric(&url, &matches(0)).await, metric(&url, &matches(1)).await), (1, 1));
    let told = metric(&url, "palisade_credential_not_after_seconds{kind=\"webhook secret\",slot=\"1\"}").await;
    assert_eq!(told, end);
}

/// Proves R2.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_secrets_or_keys_have_all_ended_does_not_start() {
    let github = Fake::start(FakeOptions::default()).await.expect("loopback has free ports");
    let directory = tempfile::tempdir().expect("a directory");
    let key = directory.path().join("app.pem");
    std::fs::write(&key, github.private_key_pem()).expect("writing the key");
    let secrets = "webhook_secrets = [{ secret = \"x\", not_after = \"2001-01-01\" }]".to_owned();
    let keys = format!("private_keys = [{{ path = \"{}\", not_after = \"2001-01-01\" }}]", key.display());
    for (text, told) in [(secrets, "every webhook secret has passed"), (keys, "every private key has passed")] {
        let config = config(&github, &format!("[github]\n{text}\n")).expect("it is well formed");
        let error = palisade::app::serve(config).await.expect_err("it does not start");
        assert!(error.to_string().contains(told), "{error:#}");
    }
}

fn configuration(github: &Fake, more: &str) -> String {
    format!(
        "[server]\naddress = \"127.0.0.1:0\"\nreload_interval = \"0s\"\n[github]\napp_id = {}\n\
         private_key_path = \"app.pem\"\nbase_url = \"{}\"\n{more}\n",
        github.app_id(),
        github.api_url()
    )
}

/// Proves R2, W01.
#[tokio::test(flavor = "multi_thread")]
async fn sighup_takes_a_new_secret_over_while_a_delivery_is_under_way() {
    let github = Fake::start(FakeOptions::default()).await.expect("loopback has free ports");
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("app.pem"), github.private_key_pem()).expect("writing the key");
    std::fs::write(at("secret"), format!("{}\n", github.webhook_secret())).expect("writing the secret");
    let text = configuration(&github, "webhook_secrets = [{ path = \"secret\" }]");
    let program = Path::new(env!("CARGO_BIN_EXE_palisade-cli"));
    let host = HostProcess::run(program, directory.path(), &text).await.expect("it starts");
    assert_eq!(ping(&github, &host.address, "before").await, 200);

    rotate(&github);
    let body = "{\"zen\": \"under way\"}";
    let head = format!(
        "POST /webhook HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-github-event: ping\r\n\
         x-github-delivery: under-way\r\nx-hub-signature-256: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        github.sign(body.as_bytes()),
        body.len()
    );
    let address = host.address.strip_prefix("http://").expect("an address");
    let mut under_way = TcpStream::connect(address).await.expect("it listens");
    under_way.write_all(format!("{head}{}", &body[..5]).as_bytes()).await.expect("it reads");

    std::fs::write(at("secret"), format!("{NEW}\n")).expect("writing the secret");
    host.hang_up().await.expect("it runs");
    let reloaded =
        async { while metric(&host.address, "palisade_credential_reloads_total{result=\"changed\"}").await == 0 {} };
    tokio::time::timeout(PATIENCE, reloaded).await.expect("SIGHUP is heard");
    under_way.write_all(&body.as_bytes()[5..]).await.expect("it reads");
    let mut answer = String::new();
    under_way.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");

    assert_eq!(ping(&github, &host.address, "after").await, 200);
    github.rotate_webhook_secret(&FakeOptions::default().webhook_secret);
    assert_eq!(ping(&github, &host.address, "old").await, 401, "the old one is gone");
    host.kill().await.expect("it ends");
}

/// As Kubernetes does it: the files' directory is a link, and a new link takes its place.
///
/// Proves R2.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_swapped_is_noticed_without_being_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    for (version, secret) in [("1", FakeOptions::default().webhook_secret), ("2", NEW.to_owned())] {
        std::fs::create_dir(at(version)).expect("a directory");
        std::fs::write(at(version).join("secret"), secret).expect("writing the secret");
    }
    std::os::unix::fs::symlink(at("1"), at("data")).expect("a link");
    let text = format!(
        "[server]\nreload_interval = \"5ms\"\n[github]\nwebhook_secrets = [{{ path = \"{}\" }}]\n",
        at("data").join("secret").display()
    );
    let palisade = TestHost::with(&text).await;
    opens_a_check(&palisade, "acme/shop").await;
    std::os::unix::fs::symlink(at("2"), at("next")).expect("a link");
    std::fs::rename(at("next"), at("data")).expect("swapping the links");
    rotate(&palisade.github);
    let noticed = async {
        let mut number = 0;
        while ping(&palisade.github, &palisade.url(""), &format!("try-{number}")).await != 200 {
            number += 1;
        }
    };
    tokio::time::timeout(PATIENCE, noticed).await.expect("the new secret is taken over");
    opens_a_check(&palisade, "acme/shop").await;
    assert_eq!(metric(&palisade.url(""), "palisade_credential_reloads_total{result=\"changed\"}").await, 1);
}

/// Proves R31.
#[tokio::test(flavor = "multi_thread")]
async fn a_private_key_that_github_deleted_gives_way_to_the_next() {
    let github = Fake::start(FakeOptions::default()).await.expect("loopback has free ports");
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("old.pem"), github.private_key_pem()).expect("writing the key");
    let key = github.add_private_key().await;
    for line in key.lines().filter(|line| !line.starts_with("-----")) {
        captured::plant("a line of the App's next key", line);
    }
    std::fs::write(at("new.pem"), key).expect("writing the key");
    let keys = format!(
        "[github]\nprivate_keys = [{{ path = \"{}\" }}, {{ path = \"{}\" }}]\n",
        at("old.pem").display(),
        at("new.pem").display()
    );
    let palisade = TestHost::of(github, &keys).await;
    let slot = "palisade_totals{name=\"private_key_slot\"}";
    opens_a_check(&palisade, "acme/shop").await;
    assert_eq!(metric(&palisade.url(""), slot).await, 0);
    palisade.github.delete_first_private_key();
    // An installation of its own: its token has yet to be minted.
    opens_a_check(&palisade, "globex/site").await;
    assert_eq!(metric(&palisade.url(""), slot).await, 1);
    let refused = || palisade.github.journal().entries.iter().filter(|entry| entry.status == Some(401)).count();
    let so_far = refused();
    opens_a_check(&palisade, "initech/pay").await;
    assert_eq!(refused(), so_far, "the one that GitHub takes is used at once");
}

/// Proves R31, R36.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_in_a_new_file_is_named_and_the_old_values_stay() {
    let github = Fake::start(FakeOptions::default()).await.expect("loopback has free ports");
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("app.pem"), github.private_key_pem()).expect("writing the key");
    std::fs::write(at("secret"), github.webhook_secret()).expect("writing the secret");
    let text = format!(
        "[server]\nreload_interval = \"0s\"\n[github]\nwebhook_secrets = [{{ path = \"{}\" }}]\n\
         private_keys = [{{ path = \"{}\" }}]\n",
        at("secret").display(),
        at("app.pem").display()
    );
    let palisade = TestHost::of(github, &text).await;
    assert_eq!(palisade.host.reload().await, palisade::app::Reloaded::default(), "nothing changed");
    std::fs::write(at("app.pem"), "-----BEGIN hunter2").expect("writing the key");
    std::fs::write(at("secret"), "\n").expect("writing the secret");
    let done = palisade.host.reload().await;
    assert!(done.changed.is_empty(), "{done:?}");
    let told = done.failed.join("\n");
    for part in ["secret is empty; write the webhook secret into it", "app.pem): it must be an RSA key in PEM form"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert!(!told.contains("hunter2"), "{told}");
    opens_a_check(&palisade, "acme/shop").await;
    assert_eq!(metric(&palisade.url(""), "palisade_credential_reloads_total{result=\"failed\"}").await, 1);

    // One that is mended is taken over, whatever the other is.
    std::fs::write(at("secret"), NEW).expect("writing the secret");
    rotate(&palisade.github);
    assert_eq!(palisade.host.reload().await.changed, ["webhook secret"]);
    opens_a_check(&palisade, "globex/site").await;
}

/// Proves R2, R36.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_are_all_empty_are_not_taken_over() {
    let github = Fake::start(FakeOptions::default()).await.expect("loopback has free ports");
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("app.pem"), github.private_key_pem()).expect("writing the key");
    let with = |secrets: &str| configuration(&github, &format!("webhook_secrets = [{secrets}]"));
    let program = Path::new(env!("CARGO_BIN_EXE_palisade-cli"));
    let text = with(&format!("\"{}\"", github.webhook_secret()));
    let host = HostProcess::run(program, directory.path(), &text).await.expect("it starts");
    for (number, secrets) in ["\"\"", "{ secret = \"\" }", ""].into_iter().enumerate() {
        std::fs::write(directory.path().join("palisade.toml"), with(secrets)).expect("writing the configuration");
        host.hang_up().await.expect("it runs");
        let failed = "palisade_credential_reloads_total{result=\"failed\"}";
        let refused = async { while metric(&host.address, failed).await <= number as u64 {} };
        tokio::time::timeout(PATIENCE, refused).await.expect("the file counts as broken");
        assert_eq!(ping(&github, &host.address, &format!("after-{number}")).await, 200, "{secrets}");
    }
    host.kill().await.expect("it ends");
}
