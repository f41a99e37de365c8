//! The door: what is let in, what is refused, and what nobody has to know.

use palisade_tests::{TestHost, evidence, http};

fn headers<'a>(event: &'a str, guid: &'a str, signature: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("content-type", "application/json"),
        ("x-github-event", event),
        ("x-github-delivery", guid),
        ("x-hub-signature-256", signature),
    ]
}

/// Proves W01, R2.
#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_with_a_wrong_or_missing_signature_has_no_effect_and_learns_nothing() {
    let palisade = TestHost::start().await;
    palisade.github.pause_deliveries();
    palisade.repository().open_pull_request("Add a feature");
    let pending = palisade.github.take_pending_deliveries();
    let delivery = pending.into_iter().find(|sent| sent.event == "pull_request").expect("a pull request event");
    for (name, signature) in [("wrong", format!("sha256={}", "0".repeat(64))), ("none", String::new())] {
        let mut sent: Vec<(&str, &str)> = headers("pull_request", name, &signature);
        if signature.is_empty() {
            sent.pop();
        }
        let answer = http::post(&palisade.url("/webhook"), &sent, delivery.body.to_vec()).await.expect("an answer");
        assert_eq!(answer.status, 401, "{name}");
        assert!(!answer.body.contains("acme"), "{}", answer.body);
    }
    palisade.host.idle().await;
    assert!(palisade.github.check_runs().is_empty());
}

/// Proves R1, R4, W31.
#[tokio::test(flavor = "multi_thread")]
async fn both_addresses_take_the_same_delivery_once() {
    let palisade = TestHost::start().await;
    palisade.github.pause_deliveries();
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let pending = palisade.github.take_pending_deliveries();
    let delivery = pending.into_iter().find(|sent| sent.event == "pull_request").expect("a pull request event");
    let sent: Vec<(&str, &str)> =
        delivery.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let first = http::post(&palisade.url("/webhook"), &sent, delivery.body.to_vec()).await.expect("an answer");
    assert_eq!(first.status, 202, "{}", first.body);
    assert!(first.body.contains("\"status\":\"accepted\"") && first.body.contains("\"job\":"), "{}", first.body);
    let second =
        http::post(&palisade.url("/api/webhooks/github"), &sent, delivery.body.to_vec()).await.expect("an answer");
    assert_eq!(second.status, 200, "{}", second.body);
    pull_request.check_run_opened("License Check").await;
    palisade.host.idle().await;
    assert_eq!(pull_request.check_runs().len(), 2);
}

/// Proves R5, W21.
#[tokio::test(flavor = "multi_thread")]
async fn ping_and_unknown_events_are_answered_and_bad_requests_named() {
    let palisade = TestHost::start().await;
    let cases = [
        ("ping", "{\"zen\":\"Approachable is better than simple.\"}", 200),
        ("star", "{\"action\":\"created\"}", 200),
        ("pull_request", "{\"action\":\"labeled\"}", 200),
        ("pull_request", "not json", 400),
    ];
    for (number, (event, body, status)) in cases.into_iter().enumerate() {
        let (guid, signature) = (format!("guid-{number}"), palisade.github.sign(body.as_bytes()));
        let sent = headers(event, &guid, &signature);
        let answer = http::post(&palisade.url("/webhook"), &sent, body).await.expect("an answer");
        assert_eq!(answer.status, status, "{event} {body}: {}", answer.body);
    }
    let answer = http::get(&palisade.url("/webhook")).await.expect("an answer");
    assert_eq!(answer.status, 405);
    let answer =
        http::post(&palisade.url("/webhook"), &[("content-type", "text/plain")], "x").await.expect("an answer");
    assert!(matches!(answer.status, 400 | 401 | 415), "{}", answer.status);
}

/// Proves R32.
#[tokio::test(flavor = "multi_thread")]
async fn health_readiness_and_metrics_answer() {
    let palisade = TestHost::start().await;
    let health = http::get(&palisade.url("/health")).await.expect("an answer");
    assert_eq!(health.status, 200);
    assert!(health.body.contains("Storage service is responding: pong"), "{}", health.body);
    assert_eq!(http::get(&palisade.url("/live")).await.expect("an answer").status, 200);
    assert_eq!(http::get(&palisade.url("/ready")).await.expect("an answer").status, 200);
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("trivy", &[("trivy.json", &evidence::clean_trivy())]);
    run.complete("success");
    pull_request.check_run_completed("Vulnerability Scan Check").await;
    palisade.settled().await;
    let metrics = http::get(&palisade.url("/metrics")).await.expect("an answer").body;
    for line in [
        "palisade_deliveries_total{event=\"pull_request\",result=\"queued\"} 1",
        "palisade_plugin_calls_total{kind=\"evaluate\",outcome=\"ok\",plugin=\"vulnerability\",verdict=\"pass\"} 1",
        "palisade_checks_total{conclusion=\"success\"} 1",
        "palisade_queue_depth{state=\"buried\"} 0",
    ] {
        assert!(metrics.contains(line), "no {line} in\n{metrics}");
    }
}
