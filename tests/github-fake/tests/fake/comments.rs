//! Comments: written, changed and deleted by the App, and told from those of people.

use crate::client::{Client, github};
use serde_json::json;

#[tokio::test]
async fn a_comment_is_written_changed_and_deleted() {
    let (github, repository) = github().await;
    let pull_request = repository.open_pull_request("One");
    pull_request.comment_as("mona", "Nice");
    let client = Client::installation(&github).await;
    let written = client.post("/repos/acme/shop/issues/1/comments", &json!({ "body": "Passed" })).await;
    assert_eq!((written.status, &written.body["performed_via_github_app"]["id"]), (201, &json!(github.app_id())));
    assert_eq!(pull_request.comment_by_app().await.body, "Passed");
    let path = format!("/repos/acme/shop/issues/comments/{}", written.id());
    assert_eq!(client.patch(&path, &json!({ "body": "Failed" })).await.body["body"], json!("Failed"));
    let comments = pull_request.comments();
    assert_eq!((comments.len(), comments[1].by_app, comments[0].by_app), (2, true, false));
    let listed = client.get("/repos/acme/shop/issues/1/comments?per_page=1").await;
    assert!(listed.body[0]["performed_via_github_app"].is_null() && listed.header("link").contains("next"));
    assert_eq!(client.get(&path).await.status, 200);
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(client.get(&path).await.status, 404);
    github.assert_schemas();
}

#[tokio::test]
async fn what_github_refuses_is_refused() {
    let (github, repository) = github().await;
    repository.open_pull_request("One");
    let client = Client::installation(&github).await;
    let path = "/repos/acme/shop/issues/1/comments";
    for body in [json!({}), json!({ "body": "" }), json!({ "body": "x".repeat(65_537) })] {
        assert_eq!(client.post(path, &body).await.status, 422);
    }
    assert_eq!(client.post(path, &json!({ "body": "€".repeat(65_536) })).await.status, 201, "characters, not bytes");
    assert_eq!(client.post("/repos/acme/shop/issues/9/comments", &json!({ "body": "x" })).await.status, 404);
    assert_eq!(client.get("/repos/acme/shop/issues/9/comments").await.status, 404);
    assert_eq!(client.patch("/repos/acme/shop/issues/comments/9", &json!({ "body": "x" })).await.status, 404);
    assert_eq!(client.delete("/repos/acme/shop/issues/comments/9").await.status, 404);
    let reader = Client::scoped(&github, json!({ "permissions": { "pull_requests": "read" } })).await;
    assert_eq!(reader.post(path, &json!({ "body": "x" })).await.status, 403);
}
