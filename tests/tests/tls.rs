//! TLS by file: what is spoken, what is not understood, and certificates that are replaced.

use palisade_tests::{TestHost, http};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, crypto, version};

/// For what must come, on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Writes a new certificate and its key, and returns what trusts it and nothing else.
fn issue(directory: &Path) -> RootCertStore {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(directory.join("tls.crt"), issued.cert.pem()).expect("writing the certificate");
    std::fs::write(directory.join("tls.key"), issued.signing_key.serialize_pem()).expect("writing the key");
    let mut roots = RootCertStore::empty();
    roots.add(issued.cert.der().clone()).expect("a certificate");
    roots
}

async fn host(directory: &Path) -> TestHost {
    let text = format!(
        "[server]\nheader_timeout = \"2s\"\nreload_interval = \"0s\"\n[server.tls]\ncertificate = \"{0}/tls.crt\"\n\
         key = \"{0}/tls.key\"\n",
        directory.display()
    );
    TestHost::with(&text).await
}

async fn connect(
    palisade: &TestHost,
    roots: &RootCertStore,
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).expect("versions");
    let mut config = config.with_root_certificates(roots.clone()).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(palisade.host.address).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn ask(stream: &mut TlsStream<TcpStream>, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.expect("the host reads");
    let mut answer = String::new();
    let reading = stream.read_to_string(&mut answer);
    tokio::time::timeout(PATIENCE, reading).await.expect("an answer").expect("a proper end");
    answer
}

const LIVE: &str = "GET /live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
const METRICS: &str = "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_comes_in_over_tls_1_2_and_1_3() {
    let directory = tempfile::tempdir().expect("a directory");
    let roots = issue(directory.path());
    let palisade = host(directory.path()).await;
    assert!(palisade.host.url().starts_with("https://"));
    for version in [&version::TLS12, &version::TLS13] {
        let mut stream = connect(&palisade, &roots, &[version]).await.expect("a handshake");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"http/1.1".as_slice()));
        let body = "{\"zen\": \"x\"}";
        let request = format!(
            "POST /webhook HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nx-github-event: ping\r\n\
             x-github-delivery: guid\r\nx-hub-signature-256: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            palisade.github.sign(body.as_bytes()),
            body.len()
        );
        let answer = ask(&mut stream, &request).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("pong"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_tls_or_never_becomes_it_is_closed_and_counted() {
    let directory = tempfile::tempdir().expect("a directory");
    let roots = issue(directory.path());
    let palisade = host(directory.path()).await;
    assert!(http::get(&format!("http://{}/live", palisade.host.address)).await.is_err(), "plain HTTP is not answered");
    for garbage in [&b"\x16\x03\x01\xff\xff\xff\xff"[..], &[0; 600], b"SSH-2.0-OpenSSH\r\n", b""] {
        let mut stream = TcpStream::connect(palisade.host.address).await.expect("it listens");
        // It may be closed before all of it was taken.
        let _ = stream.write_all(garbage).await;
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it is closed");
        assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    }
    let mut stream = connect(&palisade, &roots, &[&version::TLS13]).await.expect("a handshake");
    let metrics = ask(&mut stream, METRICS).await;
    let counted = |result: &str| {
        let prefix = format!("palisade_connections_total{{result=\"{result}\"}} ");
        metrics.lines().find_map(|line| line.strip_prefix(&prefix)?.parse::<u64>().ok()).unwrap_or_default()
    };
    assert_eq!(counted("handshake") + counted("slow"), 5, "{metrics}");
    assert!(counted("slow") >= 1, "who never says a word is cut off: {metrics}");
}

/// Proves R36.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_replaced_without_a_restart_and_a_broken_one_is_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let old = issue(directory.path());
    let palisade = host(directory.path()).await;
    let mut before = connect(&palisade, &old, &[&version::TLS13]).await.expect("a handshake");
    let key = std::fs::read(directory.path().join("tls.key")).expect("the key");
    let new = issue(directory.path());
    let new_key = std::fs::read(directory.path().join("tls.key")).expect("the key");

    // The new certificate with the old key, as between the two writes.
    std::fs::write(directory.path().join("tls.key"), key).expect("writing the key");
    let told = palisade.host.reload().await.failed.join("\n");
    assert!(told.contains("tls.crt and the key in") && told.contains("do not go together"), "{told}");
    std::fs::write(directory.path().join("tls.key"), "hunter2").expect("writing the key");
    let told = palisade.host.reload().await.failed.join("\n");
    assert!(told.contains("tls.key holds no private key") && !told.contains("hunter2"), "{told}");
    connect(&palisade, &old, &[&version::TLS13]).await.expect("the old certificate is still there");

    std::fs::write(directory.path().join("tls.key"), new_key).expect("writing the key");
    assert_eq!(palisade.host.reload().await.changed, ["TLS certificate"]);
    connect(&palisade, &old, &[&version::TLS13]).await.expect_err("the old certificate is gone");
    let mut after = connect(&palisade, &new, &[&version::TLS12]).await.expect("a handshake");
    assert!(ask(&mut after, LIVE).await.ends_with("alive\n"));
    assert!(ask(&mut before, LIVE).await.ends_with("alive\n"), "who was connected stays so");
}
