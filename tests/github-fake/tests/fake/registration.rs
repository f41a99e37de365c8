//! How an App is registered: the manifest's page, its code, and what only people or only Apps may do.

use crate::client::{Client, github};
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client as Http;
use hyper_util::rt::TokioExecutor;
use palisade_github_fake::Fake;
use serde_json::{Value, json};

fn manifest() -> Value {
    json!({
        "name": "Palisade",
        "url": "https://palisade.example.com",
        "hook_attributes": { "url": "https://palisade.example.com/webhook", "active": true },
        "redirect_url": "http://127.0.0.1:1/registered",
        "default_events": ["pull_request"],
        "default_permissions": { "pull_requests": "write" },
    })
}

/// What the page answers: its status, and where it sends the browser.
async fn posted(github: &Fake, manifest: &Value) -> (u16, String) {
    let encoded: String = manifest.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
    let request = http::Request::post(format!("{}/settings/apps/new?state=s", github.site()))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(format!("manifest={encoded}"))))
        .unwrap();
    let http: Http<_, Full<Bytes>> = Http::builder(TokioExecutor::new()).build_http();
    let answer = http.request(request).await.unwrap();
    let location = answer.headers().get("location").map_or("", |location| location.to_str().unwrap());
    (answer.status().as_u16(), location.to_owned())
}

#[tokio::test]
async fn a_code_is_good_once_and_needs_no_credentials() {
    let (github, _) = github().await;
    let (status, location) = posted(&github, &manifest()).await;
    assert_eq!(status, 302);
    let code = location.strip_prefix("http://127.0.0.1:1/registered?code=").unwrap().strip_suffix("&state=s").unwrap();
    let client = Client::anonymous(&github);
    let path = format!("/app-manifests/{code}/conversions");
    let answer = client.post(&path, &json!({})).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert!(answer.body["pem"].as_str().unwrap().contains("PRIVATE KEY"));
    assert_eq!(client.post(&path, &json!({})).await.status, 404);
    assert_eq!(Client::app(&github).get("/app").await.body["events"], json!(["pull_request"]));
    github.assert_schemas();
}

#[tokio::test]
async fn a_manifest_that_github_would_refuse_is_refused() {
    let (github, _) = github().await;
    for (place, value) in [
        ("/url", json!("nowhere")),
        ("/hook_attributes/url", json!(null)),
        ("/default_permissions", json!({ "pull_requests": "write", "everything": "write" })),
        ("/default_events", json!(["pull_request", "merge_group"])),
    ] {
        let mut wrong = manifest();
        *wrong.pointer_mut(place).unwrap() = value;
        assert_eq!(posted(&github, &wrong).await.0, 422, "{wrong}");
    }
}

#[tokio::test]
async fn a_person_reads_and_only_apps_write_checks() {
    let (github, repository) = github().await;
    github.add_personal_token("a person's token", "mona");
    let person = Client::anonymous(&github).with("a person's token");
    assert_eq!(person.get("/repos/acme/shop").await.status, 200);
    let run = json!({ "name": "License Check", "head_sha": repository.branch_sha("main").unwrap() });
    assert_eq!(person.post("/repos/acme/shop/check-runs", &run).await.status, 403);
    for path in ["/app", "/app/hook/config"] {
        assert_eq!(person.get(path).await.status, 401, "{path}");
    }
    assert_eq!(person.get("/installation/repositories").await.status, 403);
}
