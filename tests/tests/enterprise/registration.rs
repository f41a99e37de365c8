//! `palisade app create`, with the fake as GitHub and the test as browser.

use super::program::{Said, command, palisade};
use palisade_github_fake::{Fake, FakeOptions};
use palisade_tests::http::{Answer, get, send};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Child;

/// What GitHub hands to whoever registers the App must show nowhere.
fn plant(github: &Fake) {
    for (what, secret) in github.secrets() {
        palisade_tests::captured::plant(what, &secret);
    }
}

/// A directory that only its owner writes to, with a configuration that names this GitHub and no App.
fn prepared(github: &Fake) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let text = format!(
        "[server]\npublic_url = \"https://palisade.example.com\"\n[github]\nbase_url = \"{}\"\n",
        github.api_url()
    );
    std::fs::write(directory.path().join("palisade.toml"), text).expect("writing the configuration");
    directory
}

/// `app create` while it waits, and the address of its page.
async fn waiting(directory: &Path, more: &[&str]) -> (Child, String) {
    let arguments = [&["app", "create"], more].concat();
    let mut program = command(directory, &arguments, &[])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(program.stderr.take().expect("it is piped")).lines();
    let line = lines.next_line().await.expect("it speaks").expect("it says where its page is");
    let page = line.split(' ').find(|word| word.starts_with("http://")).expect("an address").to_owned();
    (program, page)
}

async fn end(mut program: Child) -> Said {
    let mut out = String::new();
    program.stdout.take().expect("it is piped").read_to_string(&mut out).await.expect("text");
    let status = program.wait().await.expect("it ends");
    palisade_tests::captured::log("the program", &out);
    Said { code: status.code().expect("it exits"), out, err: String::new() }
}

/// What the page's form holds: where it goes, and the manifest.
fn form(page: &str) -> (String, String) {
    let value = |before: &str| {
        let rest = page.split_once(before).unwrap_or_else(|| panic!("{before} in {page}")).1;
        let text = rest.split_once('"').expect("it is closed").0;
        text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    };
    (value("action=\""), value("name=\"manifest\" value=\""))
}

/// What a browser gets that was led to the page's address by another name.
async fn named(page: &str, host: &str) -> String {
    let address = page.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("text");
    answer
}

/// Presses the button. GitHub answers with where the browser goes next.
async fn press(page: &str) -> Answer {
    let (action, manifest) = form(page);
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    let encoded: String =
        manifest.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    send("POST", &action, &headers, format!("manifest={encoded}").into_bytes()).await.expect("GitHub answers")
}

/// Proves R31, R36.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_registered_in_a_browser_and_its_credentials_are_kept_for_the_owner_only() {
    let github =
        Fake::start(FakeOptions { permissions: Default::default(), ..FakeOptions::default() }).await.expect("GitHub");
    plant(&github);
    github.repository("acme/shop");
    let directory = prepared(&github);
    let (program, address) = waiting(directory.path(), &["--org", "acme"]).await;
    assert!(address.starts_with("http://127.0.0.1:"), "{address}");
    let page = get(&address).await.expect("the page");
    let (action, _) = form(&page.body);
    assert!(action.starts_with(&format!("{}/organizations/acme/settings/apps/new?state=", github.site())), "{action}");
    let policy = &page.headers["content-security-policy"];
    assert!(
        policy.contains(&format!("form-action {}", github.site())) && policy.contains("default-src 'none'"),
        "{policy}"
    );

    let elsewhere = named(&address, "attacker.example").await;
    assert!(elsewhere.starts_with("HTTP/1.1 421 ") && !elsewhere.contains("state="), "{elsewhere}");
    let sent = press(&page.body).await;
    assert_eq!(sent.status, 302, "{}", sent.body);
    let wrong = sent.headers["location"].replace("state=", "state=0");
    assert_eq!(get(&wrong).await.expect("an answer").status, 400, "a state that the page does not have is refused");
    assert_eq!(github.journal().count("POST /app-manifests/*"), 0, "its code is not used");
    assert_eq!(get(&sent.headers["location"]).await.expect("an answer").status, 200);
    let said = end(program).await;
    assert_eq!(said.code, 0, "{said}");
    assert!(said.out.contains("/apps/palisade/installations/new"), "{said}");
    let file = directory.path().join("palisade-app.toml");
    let kept = std::fs::read_to_string(&file).expect("it is there");
    assert_eq!(std::fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
    for secret in [github.webhook_secret(), "PRIVATE KEY"] {
        assert!(kept.contains(secret), "{secret} is kept");
        assert!(!format!("{said}").contains(secret), "{said}");
    }

    // What was written is a configuration, and the App is as `doctor` wants it.
    let with_url = format!("{kept}\n[server]\npublic_url = \"https://palisade.example.com\"\n");
    std::fs::write(directory.path().join("whole.toml"), with_url).expect("writing the configuration");
    let said = palisade(directory.path(), &["--config", "whole.toml", "doctor"], &[]).await;
    assert_eq!(said.code, 0, "{said}");
    github.assert_schemas();
}

/// Proves R36.
#[tokio::test(flavor = "multi_thread")]
async fn a_printed_page_needs_no_listener_and_its_code_is_good_once() {
    let github = Fake::start(FakeOptions::default()).await.expect("a GitHub");
    plant(&github);
    let directory = prepared(&github);
    let said = palisade(directory.path(), &["app", "create", "--print", "--name", "Guard <1>"], &[]).await;
    assert_eq!(said.code, 0, "{said}");
    let (_, manifest) = form(&said.out);
    assert!(manifest.contains("\"name\":\"Guard <1>\""), "{manifest}");
    let sent = press(&said.out).await;
    let location = &sent.headers["location"];
    assert!(location.starts_with("https://palisade.example.com?code="), "{location}");
    let state = location.split_once("&state=").expect("it comes back").1;
    assert!(said.err.contains(state), "{said}");
    let code = location.split_once("code=").expect("a code").1.split('&').next().expect("a code");

    let create = ["app", "create", "--code", code];
    let said = palisade(directory.path(), &create, &[]).await;
    assert_eq!(said.code, 0, "{said}");
    let said = palisade(directory.path(), &create, &[]).await;
    assert!(said.code == 2 && said.err.contains("it exists; move it away"), "{said}");
    let said = palisade(directory.path(), &[&create[..], &["--force"]].concat(), &[]).await;
    assert!(said.code == 2 && said.err.contains("it is good once, and for an hour"), "{said}");
    assert_eq!(github.journal().count("POST /app-manifests/*"), 2, "what cannot be stored is not asked for");
    let kept = std::fs::read_to_string(directory.path().join("palisade-app.toml")).expect("it is still there");
    assert!(kept.contains("PRIVATE KEY"), "what failed replaced nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_nobody_opens_ends_by_itself_and_unsafe_places_are_refused_before() {
    let github = Fake::start(FakeOptions::default()).await.expect("a GitHub");
    let directory = prepared(&github);
    let said = palisade(directory.path(), &["app", "create", "--wait", "50ms"], &[]).await;
    assert!(said.code == 2 && said.err.contains("nobody registered the App within"), "{said}");
    let said = palisade(directory.path(), &["app", "create", "--serve", "0.0.0.0:0"], &[]).await;
    assert!(said.code == 2 && said.err.contains("an address that your browser reaches"), "{said}");

    let shared = directory.path().join("shared");
    std::fs::create_dir(&shared).expect("a directory");
    std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o777)).expect("everybody's");
    let said = palisade(directory.path(), &["app", "create", "--out", "shared/app.toml", "--code", "x"], &[]).await;
    assert!(said.code == 2 && said.err.contains("its directory can be written by others"), "{said}");
    let said = palisade(directory.path(), &["app", "create", "--org", "../x"], &[]).await;
    assert!(said.code == 2 && said.err.contains("is no organisation's name"), "{said}");
    assert_eq!(github.journal().entries.len(), 0, "{}", github.journal());
}
