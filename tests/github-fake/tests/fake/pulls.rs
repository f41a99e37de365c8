//! Pull requests, commits and files, with the gaps that forks have.

use crate::client::{Client, github};
use palisade_github_fake::{Head, PullRequestOptions};
use serde_json::{Value, json};

fn from_fork(head: Head) -> PullRequestOptions {
    PullRequestOptions { title: "From outside".into(), head, ..PullRequestOptions::default() }
}

fn numbers(body: &Value) -> Vec<u64> {
    body.as_array().unwrap().iter().map(|pull| pull["number"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn pull_requests_are_listed_by_state_and_head() {
    let (github, repository) = github().await;
    let first = repository.open_pull_request("One");
    repository.open_pull_request(from_fork(Head::Fork("mallory".into())));
    first.close();
    let client = Client::installation(&github).await;
    let list = async |query: &str| numbers(&client.get(&format!("/repos/acme/shop/pulls?{query}")).await.body);
    assert_eq!(list("").await, [2]);
    assert_eq!(list("state=all").await, [2, 1]);
    assert_eq!(list("state=closed").await, [1]);
    assert_eq!(list("head=mallory:change-2").await, [2]);
    assert_eq!(list("head=acme:change-2").await, Vec::<u64>::new());
    assert_eq!(list("state=all&sort=updated&direction=desc").await, [1, 2], "closing is an update");
    assert_eq!(client.get("/repos/acme/shop/pulls?state=some").await.status, 422);
    assert_eq!(client.get("/repos/acme/shop/pulls/9").await.status, 404);
    github.assert_schemas();
}

#[tokio::test]
async fn a_commit_of_a_fork_lists_no_pull_requests() {
    let (github, repository) = github().await;
    let own = repository.open_pull_request("One");
    let fork = repository.open_pull_request(from_fork(Head::Fork("mallory".into())));
    let client = Client::installation(&github).await;
    let pulls = async |sha: String| client.get(&format!("/repos/acme/shop/commits/{sha}/pulls")).await;
    assert_eq!(numbers(&pulls(own.head_sha()).await.body), [1]);
    assert_eq!(pulls(fork.head_sha()).await.body, json!([]));
    assert_eq!(pulls("feed".repeat(10)).await.status, 422);
    github.assert_schemas();
}

#[tokio::test]
async fn a_deleted_fork_is_null() {
    let (github, repository) = github().await;
    repository.open_pull_request(from_fork(Head::DeletedFork("mallory".into())));
    let client = Client::installation(&github).await;
    let shown = client.get("/repos/acme/shop/pulls/1").await;
    assert_eq!((shown.status, &shown.body["head"]["repo"]), (200, &Value::Null));
    github.assert_schemas();
}

#[tokio::test]
async fn two_pull_requests_may_share_a_head() {
    let (github, repository) = github().await;
    repository.create_branch("release");
    let first = repository.open_pull_request("One");
    let second = repository.open_pull_request(PullRequestOptions {
        title: "The same".into(),
        head: Head::NamedBranch(first.head_branch()),
        head_sha: Some(first.head_sha()),
        base: Some("release".into()),
        ..PullRequestOptions::default()
    });
    let client = Client::installation(&github).await;
    let listed = client.get(&format!("/repos/acme/shop/commits/{}/pulls", second.head_sha())).await;
    assert_eq!(numbers(&listed.body), [1, 2]);
}

#[tokio::test]
async fn files_commits_trees_and_comparisons_fit_together() {
    let (github, repository) = github().await;
    repository.write_file("palisade.toml", b"a = 1");
    let pull_request = repository.open_pull_request("One");
    pull_request.push_files(&[("palisade.toml", b"a = 2"), ("src/new.rs", b"fn main() {}")]);
    let (client, sha) = (Client::installation(&github).await, pull_request.head_sha());
    let files = client.get("/repos/acme/shop/pulls/1/files").await;
    let changed: Vec<_> =
        files.body.as_array().unwrap().iter().map(|f| (f["filename"].clone(), f["status"].clone())).collect();
    // The first is what every pull request of the fake changes.
    let expected = [("changes/1.txt", "added"), ("palisade.toml", "modified"), ("src/new.rs", "added")];
    assert_eq!(changed, expected.map(|(path, status)| (json!(path), json!(status))));
    let content = client.get("/repos/acme/shop/contents/palisade.toml").await;
    assert_eq!((content.body["content"].as_str(), content.body["size"].as_u64()), (Some("YSA9IDE="), Some(5)));
    let content = client.get(&format!("/repos/acme/shop/contents/src?ref={sha}")).await;
    assert_eq!(content.body[0]["path"], json!("src/new.rs"));
    let compared = client.get(&format!("/repos/acme/shop/compare/main...{sha}")).await;
    assert_eq!((compared.body["status"].as_str(), compared.body["ahead_by"].as_u64()), (Some("ahead"), Some(2)));
    let commit = client.get(&format!("/repos/acme/shop/commits/{sha}")).await;
    let tree = commit.body["commit"]["tree"]["sha"].as_str().unwrap();
    let tree = client.get(&format!("/repos/acme/shop/git/trees/{tree}?recursive=1")).await;
    // The host's own workflow, what every pull request changes, and the three of this test with their directory.
    assert_eq!(tree.body["tree"].as_array().unwrap().len(), 5);
    assert_eq!(client.get("/repos/acme/shop/contents/nothing").await.status, 404);
    assert_eq!(client.get("/repos/acme/shop/compare/main").await.status, 404);
    assert_eq!(client.get("/repos/acme/shop/commits/nothing").await.status, 422);
    assert_eq!(client.get("/repos/acme/shop/git/trees/nothing").await.status, 404);
    github.assert_schemas();
}

#[tokio::test]
async fn the_permission_of_a_collaborator_has_a_coarse_and_a_fine_name() {
    let (github, repository) = github().await;
    repository.add_collaborator("mona", "maintain");
    let client = Client::installation(&github).await;
    let permission = async |login: &str| {
        let answer = client.get(&format!("/repos/acme/shop/collaborators/{login}/permission")).await;
        (answer.body["permission"].clone(), answer.body["role_name"].clone())
    };
    assert_eq!(permission("mona").await, (json!("write"), json!("maintain")));
    assert_eq!(permission("acme").await, (json!("admin"), json!("admin")));
    assert_eq!(permission("mallory").await, (json!("none"), json!("none")));
    github.assert_schemas();
}
