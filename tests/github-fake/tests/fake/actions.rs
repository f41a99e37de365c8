//! Workflow runs, artifacts and the blob host.

use crate::client::{Answer, Client, github};
use palisade_github_fake::{Artifact, Fake, Head, PullRequestOptions, Run, Trouble, Workflow};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::time::Duration;

async fn uploaded() -> (Fake, Run, Artifact, Client) {
    let (github, repository) = github().await;
    let run = repository.open_pull_request("Add a feature").start_run("ci.yml");
    let artifact = run.upload("trivy", &[("trivy.json", b"{}"), ("deep/sbom.json", b"[]")]);
    let client = Client::installation(&github).await;
    (github, run, artifact, client)
}

async fn ask(client: &Client, artifact: &Artifact) -> Answer {
    client.get(&format!("/repos/acme/shop/actions/artifacts/{}/zip", artifact.id())).await
}

/// The answer of the blob host, asked as it wants to be asked.
async fn fetch(github: &Fake, client: &Client, artifact: &Artifact) -> Result<Answer, String> {
    let found = ask(client, artifact).await;
    assert_eq!(found.status, 302);
    Client::anonymous(github).send("GET", found.header("location"), None).await
}

#[tokio::test]
async fn an_artifact_is_a_streamed_zip_behind_a_redirect() {
    let (github, run, artifact, client) = uploaded().await;
    let listed = client.get(&format!("/repos/acme/shop/actions/runs/{}/artifacts", run.id())).await;
    let answer = fetch(&github, &client, &artifact).await.unwrap();
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/zip"));
    let digest = format!("sha256:{}", hex::encode(Sha256::digest(&answer.bytes)));
    assert_eq!(listed.body["artifacts"][0]["digest"], json!(digest));
    assert_eq!(listed.body["artifacts"][0]["size_in_bytes"], json!(answer.bytes.len()));
    assert_eq!(answer.bytes[6] & 0b1000, 0b1000, "flag bit 3: sizes follow the data");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&answer.bytes)).unwrap();
    let mut content = String::new();
    archive.by_name("deep/sbom.json").unwrap().read_to_string(&mut content).unwrap();
    assert_eq!(content, "[]");
    github.assert_schemas();
}

#[tokio::test]
async fn the_blob_host_fails_whoever_sends_credentials_and_tells() {
    let (github, _, artifact, client) = uploaded().await;
    let found = ask(&client, &artifact).await;
    assert_eq!(client.get(found.header("location")).await.status, 400);
    assert_eq!(github.journal().credentials_at_the_blob_host().len(), 1);
    assert_eq!(Client::anonymous(&github).get(found.header("location")).await.status, 200);
    assert_eq!(github.journal().credentials_at_the_blob_host().len(), 1);
}

#[tokio::test]
async fn a_download_address_is_good_for_one_minute() {
    let (github, _, artifact, client) = uploaded().await;
    let found = ask(&client, &artifact).await;
    github.advance_clock(Duration::from_secs(61));
    assert_eq!(Client::anonymous(&github).get(found.header("location")).await.status, 403);
    assert_eq!(fetch(&github, &client, &artifact).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_raw_file_is_an_octet_stream() {
    let (github, run, _, client) = uploaded().await;
    let raw = run.upload_raw("report.json", &b"{}"[..]);
    let answer = fetch(&github, &client, &raw).await.unwrap();
    assert_eq!((answer.header("content-type"), &answer.bytes[..]), ("application/octet-stream", &b"{}"[..]));
}

#[tokio::test]
async fn each_trouble_shows_itself() {
    let (github, run, artifact, client) = uploaded().await;
    let whole = fetch(&github, &client, &artifact).await.unwrap().bytes.len();
    let listed = async |name: &str| {
        let path = format!("/repos/acme/shop/actions/runs/{}/artifacts?name={name}", run.id());
        client.get(&path).await.body["artifacts"][0][if name == "trivy" { "digest" } else { "name" }].clone()
    };
    let digest = listed("trivy").await;

    artifact.trouble(Trouble::Truncated);
    assert_eq!(fetch(&github, &client, &artifact).await.unwrap().bytes.len(), whole / 2);
    artifact.trouble(Trouble::Broken);
    assert!(fetch(&github, &client, &artifact).await.is_err(), "the body came whole");
    artifact.trouble(Trouble::RefusedOnce);
    // A download address was given out before, so the refusal is over already.
    assert_eq!(fetch(&github, &client, &artifact).await.unwrap().status, 200);
    let fresh = run.upload("fresh", &[]);
    fresh.trouble(Trouble::RefusedOnce);
    assert_eq!(fetch(&github, &client, &fresh).await.unwrap().status, 403);
    assert_eq!(fetch(&github, &client, &fresh).await.unwrap().status, 200);
    artifact.trouble(Trouble::WrongDigest);
    assert_ne!(listed("trivy").await, digest);
    artifact.trouble(Trouble::NoDigest);
    assert!(listed("trivy").await.is_null());
    artifact.trouble(Trouble::Missing);
    assert_eq!(ask(&client, &artifact).await.status, 404);
    artifact.expire();
    assert_eq!(ask(&client, &artifact).await.status, 410);
}

#[tokio::test]
async fn a_slow_artifact_waits_half_way_for_its_gate() {
    let (github, _, artifact, client) = uploaded().await;
    let gate = artifact.slow();
    let download = tokio::spawn({
        let found = ask(&client, &artifact).await.header("location").to_owned();
        let anonymous = Client::anonymous(&github);
        async move { anonymous.get(&found).await }
    });
    gate.reached().await;
    assert!(!download.is_finished());
    gate.open();
    assert_eq!(download.await.unwrap().status, 200);
}

#[tokio::test]
async fn artifacts_belong_to_the_run_not_to_the_attempt() {
    let (github, run, first, client) = uploaded().await;
    run.complete("failure");
    run.rerun();
    let second = run.upload("trivy", &[("trivy.json", b"{}")]);
    let path = format!("/repos/acme/shop/actions/runs/{}", run.id());
    let shown = client.get(&path).await;
    assert_eq!((shown.body["run_attempt"].as_u64(), shown.body["status"].as_str()), (Some(2), Some("queued")));
    let listed = client.get(&format!("{path}/artifacts")).await;
    let ids: Vec<_> = listed.body["artifacts"].as_array().unwrap().iter().map(|a| a["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [second.id(), first.id()]);
    let created = |at: usize| listed.body["artifacts"][at]["created_at"].as_str().unwrap();
    let started = shown.body["run_started_at"].as_str().unwrap();
    assert!(created(1) < started && created(0) >= started);
    assert_eq!(client.get(&format!("{path}/attempts/1/jobs")).await.status, 200);
    github.assert_schemas();
}

#[tokio::test]
async fn lists_are_paged_by_links_on_the_same_host_and_prefix() {
    let (github, run, _, client) = uploaded().await;
    for number in 0..34 {
        run.upload(&format!("more-{number}"), &[]);
    }
    let path = format!("/repos/acme/shop/actions/runs/{}/artifacts", run.id());
    let first = client.get(&path).await;
    assert_eq!((first.body["artifacts"].as_array().unwrap().len(), &first.body["total_count"]), (30, &json!(35)));
    let next = first.header("link").split('>').next().unwrap().trim_start_matches('<').to_owned();
    assert!(next.starts_with(&format!("{}/repos/", github.api_url())), "{next}");
    let second = client.get(&next).await;
    assert_eq!(second.body["artifacts"].as_array().unwrap().len(), 5);
    assert!(!second.header("link").contains("rel=\"next\""));
    let most = client.get(&format!("{path}?per_page=500")).await;
    assert_eq!((most.body["artifacts"].as_array().unwrap().len(), most.header("link")), (35, ""));
}

#[tokio::test]
async fn runs_are_found_by_the_commit_they_ran_for() {
    let (github, repository) = github().await;
    let fork =
        PullRequestOptions { title: "From outside".into(), head: Head::Fork("mallory".into()), ..Default::default() };
    let pull_request = repository.open_pull_request(fork);
    let run = pull_request.start_run("ci.yml");
    repository.start_run(&repository.branch_sha("main").unwrap(), Workflow::from("nightly.yml").on("schedule"));
    let client = Client::installation(&github).await;
    let found = client.get(&format!("/repos/acme/shop/actions/runs?head_sha={}", pull_request.head_sha())).await;
    assert_eq!(
        (found.body["total_count"].as_u64(), found.body["workflow_runs"][0]["id"].as_u64()),
        (Some(1), Some(run.id()))
    );
    assert_eq!(found.body["workflow_runs"][0]["pull_requests"], json!([]), "forks list no pull requests");
    assert_eq!(found.body["workflow_runs"][0]["head_repository"]["full_name"], json!("mallory/shop"));
    assert_eq!(client.get("/repos/acme/shop/actions/runs?event=schedule").await.body["total_count"], json!(1));
    github.assert_schemas();
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let (_github, _, artifact, client) = uploaded().await;
    for path in ["runs/1", "runs/1/artifacts", "artifacts/1", "artifacts/1/zip", "runs/x"] {
        assert_eq!(client.get(&format!("/repos/acme/shop/actions/{path}")).await.status, 404, "{path}");
    }
    let tar = format!("/repos/acme/shop/actions/artifacts/{}/tar", artifact.id());
    assert_eq!(client.get(&tar).await.status, 404);
}
