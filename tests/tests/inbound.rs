//! The listener from outside: peers that are slow, many, or send nonsense, and deliveries that arrive beside them.

use palisade_github_fake::{Fake, FakeOptions};
use palisade_tests::process::HostProcess;
use palisade_tests::{TestHost, http};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

const LICENSES: &str = "License Check";
/// Another loopback address than the one that deliveries come from.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// For what must come, on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

async fn connected(palisade: &TestHost, source: IpAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::new(source, 0)).expect("all of 127/8 is this machine");
    socket.connect(palisade.host.address).await.expect("the host listens")
}

/// All that comes until the other side closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end as well: what was not read is not answered.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the connection ends");
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn metric(palisade: &TestHost, line: &str) -> u64 {
    let metrics = http::get(&palisade.url("/metrics")).await.expect("an answer").body;
    let value = metrics.lines().find_map(|given| given.strip_prefix(line)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().expect("a whole number"))
}

async fn a_delivery_arrives(palisade: &TestHost) {
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    pull_request.check_run_opened(LICENSES).await;
    palisade.settled().await;
}

fn wrong(number: usize) -> Vec<(&'static str, String)> {
    vec![
        ("content-type", "application/json".to_owned()),
        ("x-github-event", "ping".to_owned()),
        ("x-github-delivery", format!("wrong-{number}")),
        ("x-hub-signature-256", format!("sha256={}", "0".repeat(64))),
    ]
}

/// Statuses of so many deliveries with a wrong signature, one after the other; the last one's answer besides.
async fn flood(palisade: &TestHost, count: usize, forwarded: Option<&str>) -> (Vec<u16>, http::Answer) {
    let mut statuses = Vec::new();
    let mut last = None;
    for number in 0..count {
        let mut headers = wrong(number);
        headers.extend(forwarded.map(|source| ("x-forwarded-for", source.to_owned())));
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = http::post_from(ELSEWHERE, &palisade.url("/webhook"), &headers, "{}").await.expect("an answer");
        statuses.push(answer.status);
        last = Some(answer);
    }
    (statuses, last.expect("at least one was sent"))
}

/// Proves W32.
#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_come_to_an_end_is_cut_off_while_others_are_served() {
    let palisade = TestHost::with("[server]\nheader_timeout = \"100ms\"\n").await;
    let mut slow = JoinSet::new();
    for _ in 0..20 {
        let mut stream = connected(&palisade, ELSEWHERE).await;
        slow.spawn(async move {
            let (mut answer, mut head) = stream.split();
            head.write_all(b"POST /webhook HTTP/1.1\r\nhost: palisade\r\nx-slow: ").await.expect("the host listens");
            let trickle = async {
                // The pace of one who means to keep a place, not a wait for something to happen.
                let mut pace = tokio::time::interval(Duration::from_millis(5));
                while head.write_all(b"x").await.is_ok() {
                    pace.tick().await;
                }
            };
            tokio::select! {
                () = trickle => {}
                ended = answer.read_u8() => assert!(ended.is_err(), "there is nothing to answer"),
            }
        });
    }
    let mut silent = connected(&palisade, ELSEWHERE).await;
    a_delivery_arrives(&palisade).await;
    tokio::time::timeout(PATIENCE, slow.join_all()).await.expect("all of them are cut off");
    assert_eq!(rest(&mut silent).await, "", "who says nothing at all is not waited for either");
    assert!(metric(&palisade, "palisade_connections_total{result=\"slow\"}").await >= 1);
}

/// Proves R3.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_to_an_end_is_answered_408_while_others_are_served() {
    let palisade = TestHost::with("[server]\nbody_timeout = \"100ms\"\n").await;
    let mut stream = connected(&palisade, ELSEWHERE).await;
    let head = "POST /webhook HTTP/1.1\r\nhost: palisade\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\
                connection: close\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.expect("the host listens");
    a_delivery_arrives(&palisade).await;
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(metric(&palisade, "palisade_deliveries_total{event=\"other\",result=\"timeout\"}").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_is_answered_431() {
    let palisade = TestHost::start().await;
    let field = |number| format!("x-{number}: y\r\n");
    for fields in [format!("x-large: {}\r\n", "y".repeat(40 << 10)), (0..200).map(field).collect::<String>()] {
        let mut stream = connected(&palisade, ELSEWHERE).await;
        // What is refused need not be read to its end.
        let _ = stream.write_all(format!("GET /live HTTP/1.1\r\nhost: x\r\n{fields}\r\n").as_bytes()).await;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 431");
    }
}

/// Proves W32.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_opens_too_many_connections_loses_the_rest_and_others_none() {
    let palisade = TestHost::with("[server]\nmax_connections_per_source = 8\n").await;
    let mut closed = JoinSet::new();
    for _ in 0..20 {
        let mut stream = connected(&palisade, ELSEWHERE).await;
        closed.spawn(async move {
            // Ready only when the other side closes.
            let ended = stream.read_u8().await.is_err();
            (ended, stream)
        });
    }
    for _ in 0..12 {
        let ended = tokio::time::timeout(PATIENCE, closed.join_next()).await.expect("twelve are closed");
        assert!(ended.expect("there are more").expect("it did not panic").0);
    }
    a_delivery_arrives(&palisade).await;
    assert_eq!(metric(&palisade, "palisade_connections_total{result=\"source-full\"}").await, 12);
    assert!(closed.try_join_next().is_none(), "eight stay open");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_when_every_place_is_taken_waits_for_one() {
    let palisade = TestHost::with("[server]\nmax_connections = 3\nheader_timeout = \"300ms\"\n").await;
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(connected(&palisade, ELSEWHERE).await);
    }
    // Its place is that of a connection which said nothing for too long.
    assert_eq!(http::get(&palisade.url("/live")).await.expect("an answer").status, 200);
    assert!(metric(&palisade, "palisade_connections_total{result=\"waited\"}").await >= 1);
    for stream in &mut silent {
        assert_eq!(rest(stream).await, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_a_stranger_keeps_between_requests_give_way_to_those_that_come() {
    let palisade = TestHost::with("[server]\nmax_connections = 32\nidle_timeout = \"10m\"\n").await;
    let mut resting = Vec::new();
    for _ in 0..80 {
        let mut stream = connected(&palisade, ELSEWHERE).await;
        stream.write_all(b"GET /live HTTP/1.1\r\nhost: palisade\r\n\r\n").await.expect("the host listens");
        let mut status = [0; 12];
        let answered = tokio::time::timeout(PATIENCE, stream.read_exact(&mut status)).await;
        answered.expect("there is a place in time").expect("an answer");
        assert_eq!(String::from_utf8_lossy(&status), "HTTP/1.1 200");
        resting.push(stream);
    }
}

/// Proves W32.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_that_take_every_place_they_can_leave_some_for_who_has_delivered_before() {
    let palisade = TestHost::with("[server]\nmax_connections = 32\nheader_timeout = \"10m\"\n").await;
    a_delivery_arrives(&palisade).await;
    let mut closed = JoinSet::new();
    for _ in 0..40 {
        let mut stream = connected(&palisade, ELSEWHERE).await;
        closed.spawn(async move { (stream.read_u8().await.is_err(), stream) });
    }
    for _ in 0..12 {
        let ended = tokio::time::timeout(PATIENCE, closed.join_next()).await.expect("what is beyond is closed");
        assert!(ended.expect("there are more").expect("it did not panic").0);
    }
    a_delivery_arrives(&palisade).await;
    assert!(metric(&palisade, "palisade_connections_total{result=\"strangers-full\"}").await >= 12);
}

/// More connections than the process may have files: those that it has end in time, and then there is room again.
#[tokio::test(flavor = "multi_thread")]
async fn a_lack_of_files_is_waited_out() {
    let github = Fake::start(FakeOptions::default()).await.expect("loopback has free ports");
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("app.pem"), github.private_key_pem()).expect("writing the key");
    let few_files = directory.path().join("few-files");
    let script = format!("#!/bin/sh\nulimit -n 256\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_palisade-cli"));
    std::fs::write(&few_files, script).expect("writing the script");
    std::fs::set_permissions(&few_files, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    let text = format!(
        "[server]\naddress = \"127.0.0.1:0\"\nmax_connections_per_source = 1024\nheader_timeout = \"5s\"\n[github]\n\
         app_id = {}\nprivate_key_path = \"app.pem\"\nbase_url = \"{}\"\nwebhook_secrets = [\"x\"]\n",
        github.app_id(),
        github.api_url()
    );
    let host = HostProcess::run(&few_files, directory.path(), &text).await.expect("it starts");
    let address = host.address.strip_prefix("http://").expect("an address");
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(address).await.expect("the backlog has room"));
    }
    let metrics = http::get(&format!("{}/metrics", host.address)).await.expect("an answer").body;
    let line = "palisade_connections_total{result=\"not-accepted\"} ";
    let refused = metrics.lines().find_map(|given| given.strip_prefix(line)).expect("it ran out of files");
    let refused: u64 = refused.parse().expect("a number");
    assert!((1..1_000).contains(&refused), "it did not try again and again: {refused}");
    host.kill().await.expect("it ends");
}

/// Proves W01, R2.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_floods_with_wrong_signatures_is_turned_away_unread_while_others_deliver() {
    let palisade = TestHost::with("[server]\nmax_refusals_per_minute = 5\n").await;
    let (statuses, last) = flood(&palisade, 20, None).await;
    assert_eq!(statuses[..6], [401; 6]);
    assert_eq!((last.status, last.body.as_str()), (429, "{\"status\":\"too many requests\"}"));
    let retry_after: u64 = last.headers["retry-after"].parse().expect("seconds");
    assert!((1..=13).contains(&retry_after), "{retry_after}");
    a_delivery_arrives(&palisade).await;
    let read = metric(&palisade, "palisade_deliveries_total{event=\"ping\",result=\"unauthorized\"}").await;
    let shed = metric(&palisade, "palisade_requests_shed_total{reason=\"refusals\"}").await;
    assert_eq!(read + shed, 20);
    assert!(shed >= 10, "{shed}");
}

/// As behind a reverse proxy that nobody told the host of.
///
/// Proves W01.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_from_where_deliveries_come_from_shuts_none_of_them_out() {
    let palisade = TestHost::with("[server]\nmax_refusals_per_minute = 1\n").await;
    a_delivery_arrives(&palisade).await;
    for number in 0..20 {
        let headers = wrong(number);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = http::post(&palisade.url("/webhook"), &headers, "{}").await.expect("an answer");
        assert_eq!(answer.status, 401);
    }
    a_delivery_arrives(&palisade).await;
    assert!(palisade.github.deliveries().iter().all(|delivery| (200..300).contains(&delivery.status_code)));
}

/// Proves W30.
#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_was_turned_away_is_found_again_in_githubs_log() {
    let palisade = TestHost::with("[server]\nmax_refusals_per_minute = 1\n").await;
    for number in 0..2 {
        let headers = wrong(number);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        http::post(&palisade.url("/webhook"), &headers, "{}").await.expect("an answer");
    }
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    palisade.settled().await;
    let refused = palisade.github.deliveries().iter().filter(|delivery| delivery.status_code == 429).count();
    assert!(refused > 0 && pull_request.check_runs().is_empty());
    palisade.host.reconcile_now().await.expect("GitHub is well");
    pull_request.check_run_opened(LICENSES).await;
    palisade.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_each_source_is_limited_for_itself() {
    let proxy = "[server]\nmax_refusals_per_minute = 1\ntrusted_proxies = [\"127.0.0.2\"]\n";
    let palisade = TestHost::with(proxy).await;
    let (statuses, _) = flood(&palisade, 4, Some("198.51.100.1, 203.0.113.7")).await;
    assert_eq!(statuses, [401, 401, 429, 429]);
    let (statuses, _) = flood(&palisade, 1, Some("203.0.113.8")).await;
    assert_eq!(statuses, [401], "another source behind the same proxy");
    let (statuses, _) = flood(&palisade, 1, Some("203.0.113.9, 203.0.113.7")).await;
    assert_eq!(statuses, [429], "what a source says of itself is not believed");
    drop(palisade);

    let untold = TestHost::with("[server]\nmax_refusals_per_minute = 1\n").await;
    let (statuses, _) = flood(&untold, 2, Some("203.0.113.7")).await;
    assert_eq!(statuses, [401, 401]);
    let (statuses, _) = flood(&untold, 1, Some("203.0.113.8")).await;
    assert_eq!(statuses, [429], "nobody else's word counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_asks_too_much_is_told_when_to_come_again() {
    let palisade = TestHost::with("[server]\nmax_requests_per_second = 1\n").await;
    let refused = async {
        loop {
            let answer = http::get(&palisade.url("/live")).await.expect("an answer");
            if answer.status == 429 {
                return answer;
            }
        }
    };
    let answer = tokio::time::timeout(PATIENCE, refused).await.expect("one a second is soon exceeded");
    assert!(answer.headers["retry-after"].parse::<u64>().expect("seconds") >= 1);
}
