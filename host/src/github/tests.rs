//! This room against a scripted server on loopback.

use super::testing::{json as answer, *};
use super::*;
use crate::model::plan::Conclusion;
use crate::model::publication::{Annotation, AnnotationLevel, Button, CheckState};
use crate::model::{CheckName, HeadSha, RunId};
use futures::StreamExt as _;
use serde_json::json;
use std::sync::atomic::Ordering::Relaxed;

fn sha() -> HeadSha {
    HeadSha::parse(&"a".repeat(40)).unwrap()
}

fn pull(number: u64, head: &str) -> serde_json::Value {
    json!({ "number": number, "state": "open", "head": { "sha": head, "repo": null },
        "base": { "sha": "b".repeat(40), "ref": "main" } })
}

fn run(status: u16) -> Response {
    let body = json!({ "id": 1, "head_sha": "a".repeat(40), "status": "completed", "conclusion": "success",
        "path": "acme/shop/.github/workflows/ci.yml@main", "created_at": "2026-01-01T00:00:00Z", "head_branch": null });
    answer(status, body)
}

fn update(annotations: usize) -> CheckRunUpdate {
    let annotation = Annotation {
        path: "Cargo.lock".to_owned(),
        start_line: 1,
        end_line: 2,
        columns: Some((1, 2)),
        level: AnnotationLevel::Warning,
        title: String::new(),
        message: "old".to_owned(),
    };
    CheckRunUpdate {
        state: CheckState::Completed(Conclusion::Failure),
        title: "t".to_owned(),
        summary: "s".to_owned(),
        text: String::new(),
        annotations: vec![annotation; annotations],
        buttons: vec![Button::Rerun; annotations.min(1)],
        details_url: None,
        started_at: Some(1_700_000_000),
    }
}

fn new_check() -> NewCheckRun {
    NewCheckRun {
        name: CheckName::parse("Vulnerabilities / all").unwrap(),
        head_sha: sha(),
        external_id: "palisade/v1/x".to_owned(),
        content: CheckRunUpdate { state: CheckState::InProgress, ..update(0) },
    }
}

/// Proves R31.
#[tokio::test]
async fn a_thousand_callers_cause_one_mint() {
    let server = Server::start(|asked, _| if is_mint(asked) { token("one") } else { run(200) }).await;
    let github = server.github();
    let calls = (0..1_000).map(|_| github.workflow_run_of_shop());
    assert!(futures::future::join_all(calls).await.into_iter().all(|run| run.is_ok()));
    let mints = server.asked("POST /api/v3/app/installations/5/access_tokens");
    assert_eq!(mints.len(), 1);
    assert_eq!(mints[0].body["repositories"], json!(["shop"]));
    assert_eq!(mints[0].body["permissions"]["actions"], "read");
    assert_eq!(github.counters().mints.load(Relaxed), 1);
    assert_eq!(github.counters().reads.load(Relaxed), 1_000);
}

#[tokio::test]
async fn listings_of_an_installation_share_a_token_until_it_is_refused() {
    let server = Server::start(|asked, before| match is_mint(asked) {
        true => token(&format!("token-{before}")),
        false if before >= 20 && asked.authorization.as_deref() == Some("Bearer token-0") => answer(401, json!({})),
        false => answer(200, json!({ "repositories": [] })),
    });
    let server = server.await;
    let github = server.github();
    let calls = (0..20).map(|_| github.repositories_of(InstallationId(5)));
    assert!(futures::future::join_all(calls).await.into_iter().all(|listed| listed.is_ok()));
    assert_eq!(server.asked("POST").len(), 1);
    assert_eq!(server.asked("POST")[0].body, json!({ "permissions": { "metadata": "read" } }));
    assert!(github.repositories_of(InstallationId(5)).await.is_ok());
    assert_eq!(server.asked("POST").len(), 2);
}

#[tokio::test]
async fn a_failed_mint_is_shared_by_those_who_waited_for_it() {
    let server = Server::start(|_, _| answer(404, json!({}))).await;
    let github = server.github();
    let calls = (0..20).map(|_| github.workflow_run_of_shop());
    assert!(futures::future::join_all(calls).await.into_iter().all(|run| run.is_err()));
    // A second round of waiters may begin after the first failure, but not twenty rounds.
    assert!(server.asked("POST").len() < 10, "{}", server.asked("POST").len());
}

#[tokio::test]
async fn a_token_that_ends_soon_is_replaced_before_it_does() {
    let server = Server::start(|asked, _| match is_mint(asked) {
        true => answer(201, json!({ "token": "short", "expires_at": "2000-01-01T00:04:00Z" })),
        false => run(200),
    });
    let server = server.await;
    // 2000-01-01T00:00:00Z: the token has four minutes left.
    let github = server.github_with(|options| options.clock = Arc::new(StoppedClock(946_684_800)));
    github.workflow_run_of_shop().await.unwrap();
    github.workflow_run_of_shop().await.unwrap();
    assert_eq!(server.asked("POST").len(), 2);
}

#[tokio::test]
async fn a_refusal_just_after_minting_is_waited_out() {
    let server = Server::start(|asked, before| match (is_mint(asked), before) {
        (true, _) => token("new"),
        (false, 0) => answer(401, json!({})),
        _ => run(200),
    });
    let server = server.await;
    server.github().workflow_run_of_shop().await.unwrap();
    assert_eq!(server.asked("POST").len(), 1);
}

#[tokio::test]
async fn a_refused_token_is_minted_once_more_and_no_more() {
    let server = Server::start(|asked, before| match is_mint(asked) {
        true => token(&format!("token-{before}")),
        false if asked.authorization.as_deref() == Some("Bearer token-1") => run(200),
        false => answer(401, json!({})),
    });
    let server = server.await;
    server.github().workflow_run_of_shop().await.unwrap();
    assert_eq!(server.asked("POST").len(), 2);

    let stubborn = Server::start(|asked, _| if is_mint(asked) { token("t") } else { answer(401, json!({})) }).await;
    let error = stubborn.github().workflow_run_of_shop().await.unwrap_err();
    assert!(matches!(error, GitHubError::Unauthorized(_)), "{error}");
    assert_eq!(stubborn.asked("POST").len(), 2);
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_from_the_refusal() {
    let server = Server::start(|asked, before| match before {
        0 if asked.path.ends_with("/app") => plain(401, &[("date", "Fri, 01 Jan 2100 00:00:00 GMT")], "{}"),
        _ => answer(200, json!({ "id": 7, "slug": "palisade" })),
    });
    let server = server.await;
    let github = server.github_with(|options| options.clock = Arc::new(StoppedClock(1_000)));
    assert_eq!(github.app().await.unwrap(), App { id: 7, slug: "palisade".to_owned() });
    let asked = server.asked("GET /api/v3/app");
    let issued = |asked: &Asked| {
        let assertion = asked.authorization.clone().unwrap();
        let assertion = assertion.strip_prefix("Bearer ").unwrap();
        jsonwebtoken::dangerous::insecure_decode::<serde_json::Value>(assertion).unwrap().claims
    };
    assert_eq!(issued(&asked[0]), json!({ "iss": "7", "iat": 940, "exp": 1540 }));
    assert_eq!(issued(&asked[1])["iat"], 4_102_444_800_u64 - 60);
}

#[tokio::test]
async fn each_header_is_sent_once() {
    let server = Server::start(|_, _| answer(200, json!({ "id": 7 }))).await;
    server.github().app().await.unwrap();
    let headers = &server.asked("GET /api/v3/app")[0].headers;
    for (name, value) in [
        ("user-agent", "palisade-test"),
        ("accept", "application/vnd.github+json"),
        ("x-github-api-version", "2022-11-28"),
    ] {
        let values: Vec<_> = headers.get_all(name).iter().collect();
        assert_eq!(values, [value], "{name}");
    }
}

/// Proves R31, W33.
#[tokio::test]
async fn reading_is_repeated_three_times() {
    let server = Server::start(|asked, before| match (is_mint(asked), before) {
        (true, _) => token("t"),
        (false, 0..3) => plain(502, &[], ""),
        _ => run(200),
    });
    let server = server.await;
    let found = server.github().workflow_run_of_shop().await.unwrap();
    assert_eq!(found.workflow_path, ".github/workflows/ci.yml");
    assert_eq!(server.asked("GET").len(), 4);
}

#[tokio::test]
async fn an_outage_is_said_after_the_last_repetition() {
    let server = Server::start(|asked, _| if is_mint(asked) { token("t") } else { plain(503, &[], "") }).await;
    let error = server.github().workflow_run_of_shop().await.unwrap_err();
    assert_eq!(
        error,
        GitHubError::Unavailable("GET /repos/acme/shop/actions/runs/1: 503 Service Unavailable".to_owned())
    );
    assert_eq!(server.asked("GET").len(), 4);
}

#[tokio::test]
async fn a_creation_is_never_repeated_and_a_plain_update_is() {
    let server = Server::start(|asked, _| if is_mint(asked) { token("t") } else { plain(502, &[], "") }).await;
    let github = server.github();
    assert!(matches!(github.create_check_run(&shop(), &new_check()).await, Err(GitHubError::Unavailable(_))));
    assert_eq!(server.asked("POST /api/v3/repos").len(), 1);
    assert!(github.update_check_run(&shop(), CheckRunId(1), &update(0)).await.is_err());
    assert_eq!(server.asked("PATCH /api/v3/repos/acme/shop/check-runs/1").len(), 4);
    // Annotations append: repeating them would double them.
    assert!(github.update_check_run(&shop(), CheckRunId(2), &update(1)).await.is_err());
    assert_eq!(server.asked("PATCH /api/v3/repos/acme/shop/check-runs/2").len(), 1);
}

#[tokio::test]
async fn a_check_run_is_written_in_githubs_words() {
    let server = Server::start(|asked, _| match is_mint(asked) {
        true => token("t"),
        false => answer(201, json!({ "id": 99 })),
    });
    let server = server.await;
    let github = server.github();
    assert_eq!(github.create_check_run(&shop(), &new_check()).await.unwrap(), CheckRunId(99));
    assert_eq!(
        server.asked("POST /api/v3/repos/acme/shop/check-runs")[0].body,
        json!({ "name": "Vulnerabilities / all", "head_sha": "a".repeat(40), "external_id": "palisade/v1/x",
            "status": "in_progress", "output": { "title": "t", "summary": "s" }, "actions": [],
            "started_at": "2023-11-14T22:13:20Z" })
    );
    github.update_check_run(&shop(), CheckRunId(99), &update(1)).await.unwrap();
    let body = &server.asked("PATCH")[0].body;
    assert_eq!(body["conclusion"], "failure");
    assert_eq!(
        body["actions"],
        json!([{ "label": "Re-run", "description": "Judge this commit again", "identifier": "rerun" }])
    );
    // Columns are left out, because the annotation spans two lines.
    assert_eq!(
        body["output"]["annotations"],
        json!([{ "path": "Cargo.lock", "start_line": 1, "end_line": 2, "annotation_level": "warning", "message": "old" }])
    );
    assert_eq!(server.asked("POST /api/v3/app")[0].body["permissions"]["checks"], "write");
    assert!(matches!(
        github.update_check_run(&shop(), CheckRunId(99), &update(51)).await,
        Err(GitHubError::TooLarge(_))
    ));
}

/// Proves W02.
#[tokio::test]
async fn own_check_runs_are_told_from_others() {
    let server = Server::start(|asked, _| match is_mint(asked) {
        true => token("t"),
        false => answer(
            200,
            json!({ "total_count": 2, "check_runs": [
            { "id": 1, "name": "a b", "app": { "id": 7 }, "external_id": "x", "status": "completed",
              "conclusion": "stale", "started_at": "2026-01-01T00:00:00Z", "output": null },
            { "id": 2, "name": "a b", "app": { "id": 8 }, "external_id": "", "status": "queued" },
            { "id": 3, "name": "a b", "app": null, "external_id": "", "status": "queued" },
        ] }),
        ),
    });
    let server = server.await;
    let found = server.github().own_check_runs(&shop(), &sha(), 7).await.unwrap();
    assert_eq!(
        found,
        [CheckRunSummary {
            id: CheckRunId(1),
            external_id: Some("x".to_owned()),
            status: "completed".to_owned(),
            conclusion: Some("stale".to_owned()),
            started_at: Some(1_767_225_600),
            annotations_count: 0,
            policy: None,
            shown: crate::model::publication::shown_as("", "", "", 0),
        }]
    );
    assert!(server.asked("GET")[0].path.ends_with("/check-runs?app_id=7&filter=all&per_page=100"));
}

/// Proves R31, W33.
#[tokio::test]
async fn a_limited_installation_asks_nothing_until_its_time() {
    let server = Server::start(|asked, _| match is_mint(asked) {
        true => token("t"),
        false => plain(403, &[("retry-after", "30")], ""),
    });
    let server = server.await;
    let github = server.github_with(|options| options.clock = Arc::new(StoppedClock(1_000)));
    // The clock's second may have been nearly over.
    let limited = Err(GitHubError::RateLimited { until: 1_031 });
    assert_eq!(github.workflow_run_of_shop().await, limited);
    assert_eq!(github.workflow_run_of_shop().await, limited);
    assert_eq!(server.asked("GET").len(), 1);
    assert_eq!(github.counters().rate_limited.load(Relaxed), 2);
}

#[tokio::test]
async fn an_outage_that_names_its_end_is_waited_out_and_leaves_a_creation_open() {
    let server = Server::start(|asked, _| match is_mint(asked) {
        true => token("t"),
        false => plain(503, &[("retry-after", "30")], ""),
    });
    let server = server.await;
    let github = server.github_with(|options| options.clock = Arc::new(StoppedClock(1_000)));
    let created = github.create_check_run(&shop(), &new_check()).await;
    assert!(matches!(created, Err(GitHubError::Unavailable(_))), "{created:?}");
    assert_eq!(github.workflow_run_of_shop().await, Err(GitHubError::RateLimited { until: 1_031 }));
    assert!(server.asked("GET").is_empty());
}

/// Proves R31.
#[tokio::test]
async fn who_waits_for_a_place_when_the_limit_comes_does_not_ask() {
    let server = Server::start(|asked, _| match is_mint(asked) {
        true => token("t"),
        false => plain(429, &[("retry-after", "30")], ""),
    });
    let server = server.await;
    let github = server.github_with(|options| options.clock = Arc::new(StoppedClock(1_000)));
    let calls = (0..200).map(|_| github.workflow_run_of_shop());
    let limited = Err(GitHubError::RateLimited { until: 1_031 });
    assert!(futures::future::join_all(calls).await.into_iter().all(|answer| answer == limited));
    let asked = server.asked("GET").len();
    assert!((1..=limits::AT_ONCE).contains(&asked), "{asked} asked, though only those on their way may");
}

#[tokio::test]
async fn a_missing_permission_is_final() {
    let server = Server::start(|asked, _| match is_mint(asked) {
        true => token("t"),
        false => answer(403, json!({ "message": "Resource not accessible by integration" })),
    });
    let server = server.await;
    let error = server.github().workflow_run_of_shop().await.unwrap_err();
    assert!(matches!(&error, GitHubError::Permission(text) if text.contains("not accessible")), "{error}");
    assert_eq!(server.asked("GET").len(), 1);
}

#[tokio::test]
async fn pages_are_followed_on_the_configured_host_with_credentials() {
    let server = Server::start(|asked, _| match (is_mint(asked), asked.path.contains("page=2")) {
        (true, _) => token("t"),
        (_, false) => {
            let host = asked.headers["host"].to_str().unwrap();
            let link = format!("<http://{host}/api/v3/repos/acme/shop/actions/runs/1/artifacts?page=2>; rel=\"next\"");
            let body = json!({ "artifacts": [{ "id": 1, "name": "a", "digest": "md5:00" }] });
            plain(200, &[("link", &link)], body.to_string())
        }
        (_, true) => answer(
            200,
            json!({ "artifacts": [{ "id": 2, "name": "b", "expired": true,
            "digest": format!("sha256:{}", "0".repeat(64)), "created_at": "1970-01-01T00:00:09Z" }] }),
        ),
    });
    let server = server.await;
    let found = server.github().list_artifacts(&shop(), RunId(1)).await.unwrap();
    assert_eq!(
        found.iter().map(|a| (a.id, a.expired, a.digest.is_some())).collect::<Vec<_>>(),
        [(1, false, false), (2, true, true)]
    );
    let asked = server.asked("GET");
    assert_eq!(asked[1].path, "/api/v3/repos/acme/shop/actions/runs/1/artifacts?page=2");
    assert_eq!(asked[1].authorization.as_deref(), Some("Bearer t"));
}

#[tokio::test]
async fn a_moved_repository_is_followed_but_not_to_another_host() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        _ if is_mint(asked) => token("t"),
        "/api/v3/repos/acme/shop/actions/runs/1" => plain(301, &[("location", "/api/v3/repositories/9/runs/1")], ""),
        "/api/v3/repositories/9/runs/1" => run(200),
        _ => plain(301, &[("location", "https://evil.example/")], ""),
    });
    let server = server.await;
    let github = server.github();
    assert!(github.workflow_run_of_shop().await.is_ok());
    let error = github.workflow_run(&shop(), RunId(2)).await.unwrap_err();
    assert!(matches!(error, GitHubError::Redirect(_)), "{error}");
}

#[tokio::test]
async fn a_write_follows_where_it_may_and_else_never_passes_for_done() {
    for (status, follows) in [(307, true), (308, true), (301, false), (302, false), (303, false), (304, false)] {
        let server = Server::start(move |asked, _| match asked.path.as_str() {
            _ if is_mint(asked) => token("t"),
            path if path.starts_with("/api/v3/repositories/9/") => answer(200, json!({ "id": 99 })),
            path => {
                let target = path.replace("/repos/acme/shop", "/repositories/9");
                plain(status, &[("location", &target)], "")
            }
        });
        let server = server.await;
        let github = server.github();
        let done = [
            github.update_check_run(&shop(), CheckRunId(99), &update(0)).await,
            github.update_comment(&shop(), CommentId(99), "new").await,
            github.delete_comment(&shop(), CommentId(99)).await,
            github.create_comment(&shop(), 1, "new").await.map(drop),
        ];
        for outcome in done {
            assert!(follows == outcome.is_ok(), "{status}: {outcome:?}");
            assert!(follows || matches!(outcome, Err(GitHubError::Redirect(_))), "{status}: {outcome:?}");
        }
        let moved = server.asked("PATCH /api/v3/repositories/9/check-runs/99");
        assert_eq!(moved.len(), usize::from(follows), "{status}");
        assert!(moved.iter().all(|asked| asked.body["conclusion"] == "failure"), "{status}");
        assert!(server.asked("GET").is_empty(), "{status}");
    }
}

/// Proves R31, W22.
#[tokio::test]
async fn a_page_or_a_redirect_that_leads_elsewhere_is_refused_and_nothing_is_asked_there() {
    let evil = Server::start(|_, _| run(200)).await;
    let elsewhere = format!("http://{}/api/v3/repos/acme/shop", evil.address);
    for target in [elsewhere.as_str(), "/login", "/api/v3/../login", "/api/v3x/repos"] {
        let told = target.to_owned();
        let server = Server::start(move |asked, _| match asked.path.as_str() {
            _ if is_mint(asked) => token("t"),
            path if path.contains("/artifacts") => {
                let host = asked.headers["host"].to_str().unwrap();
                let address = if told.starts_with('/') { format!("http://{host}{told}") } else { told.clone() };
                plain(200, &[("link", &format!("<{address}>; rel=\"next\""))], r#"{"artifacts":[]}"#)
            }
            _ => plain(302, &[("location", &told)], ""),
        });
        let server = server.await;
        let github = server.github();
        let page = github.list_artifacts(&shop(), RunId(1)).await.unwrap_err();
        assert!(
            matches!(&page, GitHubError::Redirect(text) if text.contains("the next page leads")),
            "{target}: {page}"
        );
        let redirect = github.workflow_run_of_shop().await.unwrap_err();
        assert!(matches!(redirect, GitHubError::Redirect(_)), "{target}: {redirect}");
        assert_eq!(server.asked("GET").len(), 2, "{target}");
    }
    assert!(evil.asked("").is_empty(), "{:?}", evil.asked(""));
}

#[tokio::test]
async fn a_next_page_without_an_address_is_not_the_end() {
    let server = Server::start(|asked, _| match is_mint(asked) {
        true => token("t"),
        false => plain(200, &[("link", "<>; rel=\"next\"")], r#"{"artifacts":[]}"#),
    });
    let server = server.await;
    assert!(matches!(server.github().list_artifacts(&shop(), RunId(1)).await, Err(GitHubError::Redirect(_))));
}

#[tokio::test]
async fn only_open_pull_requests_with_this_head_count() {
    let (ours, other) = ("a".repeat(40), "c".repeat(40));
    let server = Server::start(move |asked, _| match is_mint(asked) {
        true => token("t"),
        false => {
            let mut closed = pull(3, &ours);
            closed["state"] = json!("closed");
            answer(200, json!([pull(2, &ours), pull(1, &other), closed]))
        }
    });
    let server = server.await;
    let found = server.github().open_pull_requests_with_head(&shop(), &sha()).await.unwrap();
    assert_eq!(found.iter().map(|pull| pull.number).collect::<Vec<_>>(), [2]);
    assert_eq!(found[0].head_repository_id, None);
}

#[tokio::test]
async fn a_download_carries_no_credentials() {
    let server = Server::start(move |asked, _| match asked.path.as_str() {
        _ if is_mint(asked) => token("t"),
        path if path.starts_with("/api") => plain(302, &[("location", &blob(asked, "/hop?sig=secret"))], ""),
        "/hop?sig=secret" => plain(302, &[("location", "/blob?sig=other")], ""),
        _ => plain(200, &[("content-type", "application/zip")], "bytes"),
    });
    let server = server.await;
    let download = server.github().download_artifact(&shop(), 3).await.unwrap();
    assert_eq!((download.content_type.as_deref(), download.length), (Some("application/zip"), Some(5)));
    let pieces: Vec<_> = download.body.map(|piece| piece.unwrap()).collect().await;
    assert_eq!(pieces.concat(), b"bytes");
    for asked in [server.asked("GET /hop"), server.asked("GET /blob")].concat() {
        assert_eq!(asked.authorization, None);
        assert!(!asked.headers.contains_key("x-github-api-version"));
    }
}

#[tokio::test]
async fn a_stale_download_address_is_replaced_once() {
    let server = Server::start(move |asked, before| match asked.path.as_str() {
        _ if is_mint(asked) => token("t"),
        path if path.starts_with("/api") => plain(302, &[("location", &blob(asked, "/blob"))], ""),
        _ if before == 0 => plain(403, &[], ""),
        _ => plain(200, &[], "bytes"),
    });
    let server = server.await;
    assert!(server.github().download_artifact(&shop(), 3).await.is_ok());
    assert_eq!(server.asked("GET /api/v3/repos/acme/shop/actions/artifacts/3/zip").len(), 2);
}

#[tokio::test]
async fn what_a_blob_host_refuses_is_told_apart() {
    for (status, expected) in [(404, "NotFound"), (403, "Permission"), (410, "Gone"), (503, "Unavailable")] {
        let server = Server::start(move |asked, _| match asked.path.as_str() {
            _ if is_mint(asked) => token("t"),
            path if path.starts_with("/api") => plain(302, &[("location", &blob(asked, "/blob?sig=secret"))], ""),
            _ => plain(status, &[], ""),
        });
        let server = server.await;
        let error = server.github().download_artifact(&shop(), 3).await.map(|_| ()).unwrap_err();
        let shown = format!("{error:?}");
        assert!(shown.starts_with(expected) && !shown.contains("sig="), "{shown}");
    }
}

#[tokio::test]
async fn an_expired_artifact_is_gone() {
    let server = Server::start(|asked, _| if is_mint(asked) { token("t") } else { answer(410, json!({})) }).await;
    let error = server.github().download_artifact(&shop(), 3).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, GitHubError::Gone(_)));
}

#[tokio::test]
async fn downloads_do_not_reach_into_private_networks() {
    for target in [
        "http://127.0.0.1:1/x",
        "https://127.0.0.1:1/x",
        "https://localhost:1/x",
        "https://[::1]:1/x",
        "https://169.254.169.254/latest",
        "http://blobs.example/x",
        "file:///etc/passwd",
    ] {
        let server = Server::start(move |asked, _| match is_mint(asked) {
            true => token("t"),
            false => plain(302, &[("location", target)], ""),
        });
        let server = server.await;
        let github = server.github_with(|options| options.blob_hosts = BlobHosts::Public);
        let error = github.download_artifact(&shop(), 3).await.map(|_| ()).unwrap_err();
        assert!(matches!(error, GitHubError::Redirect(_)), "{target}: {error}");
    }
}

#[tokio::test]
async fn endless_redirects_end() {
    let server = Server::start(move |asked, _| match asked.path.as_str() {
        _ if is_mint(asked) => token("t"),
        path if path.starts_with("/api") => plain(302, &[("location", &blob(asked, "/loop"))], ""),
        _ => plain(302, &[("location", "/loop")], ""),
    });
    let server = server.await;
    let error = server.github().download_artifact(&shop(), 3).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, GitHubError::Redirect(_)), "{error}");
    assert_eq!(server.asked("GET /loop").len(), 4);
}

#[tokio::test]
async fn a_body_that_is_shorter_than_announced_is_an_error() {
    let blobs = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/blob", blobs.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut connection, _) = blobs.accept().await.unwrap();
        assert!(connection.read(&mut [0; 4096]).await.unwrap() > 0);
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome").await.unwrap();
    });
    let server = Server::start(move |asked, _| match is_mint(asked) {
        true => token("t"),
        false => plain(302, &[("location", &address)], ""),
    });
    let server = server.await;
    let download = server.github().download_artifact(&shop(), 3).await.unwrap();
    let pieces: Vec<_> = download.body.collect().await;
    assert!(matches!(pieces.last(), Some(Err(GitHubError::Malformed(_)))), "{pieces:?}");
}

#[tokio::test]
async fn nothing_printed_holds_a_token() {
    let server = Server::start(|asked, _| match is_mint(asked) {
        true => token(&format!("ghs_{}", "z".repeat(40))),
        false => answer(422, json!({ "message": format!("odd: ghs_{}", "z".repeat(40)) })),
    });
    let server = server.await;
    let github = server.github();
    let error = github.workflow_run_of_shop().await.unwrap_err();
    assert!(!format!("{github:?} {error:?} {error}").contains("zzz"));
}

fn blob(asked: &Asked, path: &str) -> String {
    format!("http://{}{path}", asked.headers["host"].to_str().unwrap())
}

impl GitHub {
    async fn workflow_run_of_shop(&self) -> Result<crate::model::WorkflowRun, GitHubError> {
        self.workflow_run(&shop(), RunId(1)).await
    }
}

fn comment(id: u64, body: &str) -> serde_json::Value {
    json!({ "id": id, "body": body, "user": { "login": "palisade[bot]", "type": "Bot" },
        "performed_via_github_app": { "id": 7 } })
}

#[tokio::test]
async fn comments_are_listed_to_the_end_oldest_first_or_not_at_all() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        _ if is_mint(asked) => token("t"),
        "/api/v3/repos/acme/shop/issues/3/comments?per_page=100" => {
            let host = asked.headers["host"].to_str().unwrap();
            let link = format!("<http://{host}/api/v3/repos/acme/shop/issues/3/comments?page=2>; rel=\"next\"");
            plain(200, &[("link", &link)], json!([comment(5, "five"), comment(4, "four")]).to_string())
        }
        "/api/v3/repos/acme/shop/issues/3/comments?page=2" => {
            let person = json!({ "id": 6, "body": null, "user": { "login": "mona", "type": "User" } });
            answer(200, json!([comment(5, "five"), person]))
        }
        _ => plain(502, &[], ""),
    });
    let server = server.await;
    let listed = server.github().list_comments(&shop(), 3).await.unwrap();
    let ids: Vec<u64> = listed.iter().map(|comment| comment.id.0).collect();
    assert_eq!(ids, [4, 5, 6]);
    assert_eq!((listed[0].app_id, listed[0].bot.as_deref()), (Some(7), Some("palisade[bot]")));
    assert_eq!((listed[2].app_id, listed[2].bot.as_deref(), listed[2].body.as_str()), (None, None, ""));
    assert!(matches!(server.github().list_comments(&shop(), 4).await, Err(GitHubError::Unavailable(_))));
}

#[tokio::test]
async fn a_comment_is_created_once_changed_persistently_and_deleted_for_good() {
    let server = Server::start(|asked, before| match (is_mint(asked), asked.method.as_str()) {
        (true, _) => token("t"),
        (_, "DELETE") => answer(404, json!({})),
        (_, "PATCH") if before == 1 => answer(200, comment(9, "new")),
        _ => plain(502, &[], ""),
    });
    let server = server.await;
    let github = server.github();
    assert!(matches!(github.create_comment(&shop(), 3, "text").await, Err(GitHubError::Unavailable(_))));
    let created = server.asked("POST /api/v3/repos");
    assert_eq!((created.len(), &created[0].body), (1, &json!({ "body": "text" })));
    github.update_comment(&shop(), CommentId(9), "new").await.unwrap();
    assert_eq!(server.asked("PATCH /api/v3/repos/acme/shop/issues/comments/9").len(), 2);
    github.delete_comment(&shop(), CommentId(9)).await.unwrap();
    let minted = &server.asked("POST /api/v3/app")[0].body["permissions"];
    assert_eq!((&minted["pull_requests"], &minted["checks"]), (&json!("write"), &json!("write")));
}

fn file_at(path: &str, head: &str) -> serde_json::Value {
    let url = format!("https://api.github.com/repos/acme/shop/contents/{path}?ref={head}");
    json!({ "filename": path, "status": "modified", "contents_url": url, "patch": "@@ -1 +1 @@" })
}

#[tokio::test]
async fn a_list_of_files_says_of_which_commit_it_is_and_whether_it_is_whole() {
    let (head, other) = ("a".repeat(40), "b".repeat(40));
    let listed = move |asked: &Asked| match asked.path.split('/').nth(7) {
        Some("1") => json!([file_at("a.txt", &head), file_at("b.txt", &head)]),
        Some("2") => json!([file_at("a.txt", &head), file_at("b.txt", &other)]),
        Some("3") => json!([]),
        _ => json!((0..3_000).map(|n| file_at(&format!("{n}.txt"), &head)).collect::<Vec<_>>()),
    };
    let server = Server::start(move |asked, _| if is_mint(asked) { token("t") } else { answer(200, listed(asked)) });
    let server = server.await;
    let github = server.github();
    let read = async |number| {
        let changes = github.pull_request_files(&shop(), number).await.unwrap();
        (changes.files.len(), changes.extent, changes.head_sha)
    };
    use crate::model::changes::Extent::{Cut, Whole};
    assert_eq!(read(1).await, (2, Whole, Some(sha())));
    assert_eq!(read(2).await, (2, Whole, None), "two heads are none");
    assert_eq!(read(3).await, (0, Whole, None));
    assert_eq!(read(4).await, (3_000, Cut, Some(sha())), "GitHub lists no more");
}

#[tokio::test]
async fn a_directory_is_read_at_a_commit_or_a_branch_and_may_be_absent() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        _ if is_mint(asked) => token("t"),
        "/api/v3/repos/acme/shop/contents/.github?ref=feature%2Fx" => answer(
            200,
            json!([{ "name": "workflows", "type": "dir", "sha": "1" }, { "name": "link", "type": "symlink", "sha": "2" }]),
        ),
        _ => answer(404, json!({ "message": "Not Found" })),
    });
    let server = server.await;
    let github = server.github();
    let entries = github.directory(&shop(), ".github", "feature/x").await.unwrap().unwrap();
    let kinds: Vec<_> = entries.iter().map(|entry| (entry.name.as_str(), entry.kind)).collect();
    assert_eq!(kinds, [("workflows", EntryKind::Directory), ("link", EntryKind::Other)]);
    assert_eq!(github.directory(&shop(), ".github", "main").await, Ok(None));
}

/// Proves R30, W23.
#[tokio::test]
async fn a_fork_s_run_is_mapped_by_branch_commit_and_repository_and_by_nothing_less() {
    let ours = "a".repeat(40);
    let pull_of = |number: u64, head: &str, repository: u64| {
        let mut pull = pull(number, head);
        pull["head"]["repo"] = json!({ "id": repository, "owner": { "login": "mallory" } });
        pull
    };
    let by_branch = json!([pull_of(1, &"c".repeat(40), 2), pull_of(2, &ours, 3)]);
    let all = json!([pull_of(2, &ours, 3), pull_of(4, &ours, 2)]);
    let server = Server::start(move |asked, _| match asked.path.as_str() {
        _ if is_mint(asked) => token("t"),
        path if path.contains("&head=mallory:feature%2Fx&") => answer(200, by_branch.clone()),
        _ => answer(200, all.clone()),
    });
    let server = server.await;
    let github = server.github();
    let mut run = github_run();
    let found = async |run: &crate::model::WorkflowRun| {
        let found = github.pull_requests_for(&shop(), run).await.unwrap();
        found.iter().map(|pull| pull.number).collect::<Vec<_>>()
    };
    assert_eq!(found(&run).await, [2], "the branch leads to it with one call");
    assert_eq!(server.asked("GET").len(), 1);
    run.head_repository_id = Some(2);
    assert_eq!(found(&run).await, [4], "else every open one is looked at");
    run.head_repository_id = None;
    assert!(found(&run).await.is_empty(), "a deleted fork has nothing");
    assert_eq!(server.asked("GET").len(), 3);
}

fn github_run() -> crate::model::WorkflowRun {
    crate::model::WorkflowRun {
        id: RunId(1),
        attempt: 1,
        workflow_path: ".github/workflows/ci.yml".to_owned(),
        workflow_name: "ci".to_owned(),
        event: "pull_request".to_owned(),
        state: crate::model::event::RunState::Succeeded,
        head_sha: sha(),
        head_repository_id: Some(3),
        head_owner: Some("mallory".to_owned()),
        head_branch: Some("feature/x".to_owned()),
        actor: None,
        triggering_actor: None,
        workflow_id: None,
        referenced_workflows: Vec::new(),
        created_at: 0,
        started_at: 0,
        url: None,
    }
}
