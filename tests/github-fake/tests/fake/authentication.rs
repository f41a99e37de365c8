//! Who may ask: JWTs, installation tokens, scopes, limits.

use crate::client::{Client, claims, github, jwt};
use palisade_github_fake::{Fake, FakeOptions, Identity, SecondaryLimit};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn the_app_is_known_by_its_id_and_by_its_client_id() {
    let (github, _) = github().await;
    for issuer in [json!(github.client_id()), json!(github.app_id()), json!(github.app_id().to_string())] {
        let mut claims = claims(&github);
        claims["iss"] = issuer;
        let answer = Client::anonymous(&github).with(&jwt(&github, &claims)).get("/app").await;
        assert_eq!((answer.status, answer.body["slug"].as_str()), (200, Some("palisade")));
    }
}

#[tokio::test]
async fn a_jwt_against_the_rules_is_refused() {
    let (github, _) = github().await;
    let now = jiff::Timestamp::now().as_second();
    let wrong = [
        ("exp", json!(now + 660)),
        ("exp", json!(now - 1)),
        ("exp", json!(null)),
        ("iat", json!(now + 120)),
        ("iat", json!(null)),
        ("iss", json!("Iv23.somebody")),
        ("iss", json!(null)),
    ];
    for (claim, value) in wrong {
        let mut claims = claims(&github);
        claims[claim] = value;
        let answer = Client::anonymous(&github).with(&jwt(&github, &claims)).get("/app").await;
        assert_eq!(answer.status, 401, "{claims} was accepted");
    }
}

#[tokio::test]
async fn a_jwt_that_somebody_else_signed_is_refused() {
    let (github, _) = github().await;
    let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    let key = jsonwebtoken::EncodingKey::from_secret(b"guess");
    let forged = jsonwebtoken::encode(&header, &claims(&github), &key).unwrap();
    assert_eq!(Client::anonymous(&github).with(&forged).get("/app").await.status, 401);
    let mut tampered = jwt(&github, &claims(&github));
    tampered.replace_range(tampered.len() - 8.., "AAAAAAAA");
    assert_eq!(Client::anonymous(&github).with(&tampered).get("/app").await.status, 401);
}

#[tokio::test]
async fn a_credential_where_none_belongs_is_written_down() {
    let (github, _) = github().await;
    let client = Client::installation(&github).await;
    let token = client.credentials().to_owned();
    client.get("/repos/acme/shop").await;
    assert!(github.journal().leaked_credentials().is_empty());
    client.get(&format!("/repos/acme/shop?token={token}")).await;
    client.post("/repos/acme/shop/issues/1/comments", &json!({ "body": format!("see {token}") })).await;
    let assertion = jwt(&github, &claims(&github));
    client.post("/repos/acme/shop/issues/1/comments", &json!({ "body": assertion })).await;
    assert_eq!(github.journal().leaked_credentials().len(), 3);
}

#[tokio::test]
async fn nobody_reads_anything_without_credentials() {
    let (github, _) = github().await;
    for path in ["/app", "/installation/repositories", "/repos/acme/shop/pulls"] {
        assert_eq!(Client::anonymous(&github).get(path).await.status, 401, "{path}");
    }
    assert_eq!(github.journal().entries[0].identity, Identity::Nobody);
}

/// A path of GitHub's description with something in each place.
fn filled(path: &str, repository: &str) -> String {
    let path = path.replace("{owner}/{repo}", repository);
    path.split('/').map(|part| if part.starts_with('{') { "1" } else { part }).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_endpoint_refuses_the_wrong_caller() {
    let (github, _) = github().await;
    github.hidden_repository("acme/secret");
    let anonymous = Client::anonymous(&github);
    let (app, installation) = (Client::app(&github), Client::installation(&github).await);
    let powerless = Client::scoped(&github, json!({ "permissions": {} })).await;
    let body = json!({});
    // The code of a manifest is its own credential.
    for (method, path) in github.endpoints().filter(|(_, path)| !path.starts_with("/app-manifests")) {
        let here = filled(path, "acme/shop");
        let status = async |client: &Client, path: &str| client.send(method, path, Some(&body)).await.unwrap().status;
        assert_eq!(status(&anonymous, &here).await, 401, "{method} {path} without credentials");
        assert_eq!(status(&anonymous.with("ghs_wrong"), &here).await, 401, "{method} {path} with a wrong token");
        if path.starts_with("/app") || path.ends_with("{repo}/installation") {
            assert_eq!(status(&installation, &here).await, 401, "{method} {path} as an installation");
        } else if path != "/rate_limit" {
            assert_eq!(status(&app, &here).await, 403, "{method} {path} as the App");
        }
        if path.starts_with("/repos/{owner}/{repo}") && !path.ends_with("/installation") {
            let hidden = filled(path, "acme/secret");
            assert_eq!(status(&installation, &hidden).await, 404, "{method} {path} on a hidden repository");
            // These need no more than metadata, which every token may read.
            let open = ["{repo}", "/permission", "{subject_digest}"].iter().any(|end| path.ends_with(end));
            if !open {
                assert_eq!(status(&powerless, &here).await, 403, "{method} {path} without the permission");
            }
        }
    }
}

#[tokio::test]
async fn each_kind_of_credentials_opens_its_own_endpoints_only() {
    let (github, _) = github().await;
    let installation = Client::installation(&github).await;
    assert_eq!(installation.get("/app").await.status, 401);
    assert_eq!(installation.get("/app/hook/deliveries").await.status, 401);
    assert_eq!(Client::app(&github).get("/repos/acme/shop/pulls").await.status, 403);
    assert_eq!(Client::app(&github).get("/installation/repositories").await.status, 403);
}

#[tokio::test]
async fn expired_revoked_and_invented_tokens_are_refused() {
    let (github, _) = github().await;
    let path = "/repos/acme/shop/pulls";
    let client = Client::installation(&github).await;
    assert_eq!(client.get(path).await.status, 200);
    github.advance_clock(Duration::from_secs(3_601));
    assert_eq!(client.get(path).await.status, 401);
    let client = Client::installation(&github).await;
    assert_eq!(client.delete("/installation/token").await.status, 204);
    assert_eq!(client.get(path).await.status, 401);
    let client = Client::installation(&github).await;
    github.expire_tokens();
    assert_eq!(client.get(path).await.status, 401);
    assert_eq!(client.with("ghs_invented").get(path).await.status, 401);
}

#[tokio::test]
async fn a_token_reaches_no_further_than_its_scope() {
    let (github, repository) = github().await;
    github.repository("acme/other");
    github.hidden_repository("acme/secret");
    let scope = json!({ "repository_ids": [repository.id()], "permissions": { "checks": "read" } });
    let client = Client::scoped(&github, scope).await;
    let sha = repository.branch_sha("main").unwrap();
    assert_eq!(client.get(&format!("/repos/acme/shop/commits/{sha}/check-runs")).await.status, 200);
    assert_eq!(client.get("/repos/acme/other").await.status, 404);
    assert_eq!(client.get("/repos/acme/shop/pulls").await.status, 403);
    let run = json!({ "name": "License Check", "head_sha": sha });
    assert_eq!(client.post("/repos/acme/shop/check-runs", &run).await.status, 403);
    assert_eq!(Client::installation(&github).await.get("/repos/acme/secret").await.status, 404);
}

#[tokio::test]
async fn a_token_cannot_be_minted_for_more_than_the_installation_has() {
    let (github, _) = github().await;
    let hidden = github.hidden_repository("acme/secret");
    let path = format!("/app/installations/{}/access_tokens", github.installation_id("acme"));
    let app = Client::app(&github);
    let too_many: Vec<u64> = vec![hidden.id()];
    assert_eq!(app.post(&path, &json!({ "repository_ids": too_many })).await.status, 422);
    assert_eq!(app.post(&path, &json!({ "permissions": { "administration": "write" } })).await.status, 422);
    assert_eq!(app.post(&path, &json!({ "permissions": { "actions": "write" } })).await.status, 422);
    assert_eq!(app.post("/app/installations/1/access_tokens", &json!({})).await.status, 404);
}

#[tokio::test]
async fn a_suspended_installation_is_forbidden_and_a_removed_one_unknown() {
    let (github, _) = github().await;
    let client = Client::installation(&github).await;
    let mint = format!("/app/installations/{}/access_tokens", github.installation_id("acme"));
    github.suspend("acme");
    assert_eq!(client.get("/repos/acme/shop").await.status, 403);
    assert_eq!(Client::app(&github).post(&mint, &json!({})).await.status, 403);
    github.unsuspend("acme");
    assert_eq!(client.get("/repos/acme/shop").await.status, 200);
    github.uninstall("acme");
    assert_eq!(client.get("/repos/acme/shop").await.status, 401);
    assert_eq!(Client::app(&github).post(&mint, &json!({})).await.status, 404);
}

#[tokio::test]
async fn long_tokens_work_like_short_ones() {
    let options = FakeOptions { long_tokens: true, ..FakeOptions::default() };
    let github = Fake::start(options).await.unwrap();
    github.repository("acme/shop");
    let path = format!("/app/installations/{}/access_tokens", github.installation_id("acme"));
    let minted = Client::app(&github).post(&path, &json!({})).await;
    let token = minted.body["token"].as_str().unwrap();
    assert!(token.len() > 480 && token.contains('.'), "{} characters", token.len());
    assert_eq!(Client::anonymous(&github).with(token).get("/repos/acme/shop").await.status, 200);
    assert_eq!(github.journal().mints(), 1);
}

#[tokio::test]
async fn a_spent_budget_is_a_403_with_the_headers_that_say_so() {
    let (github, _) = github().await;
    let client = Client::installation(&github).await;
    github.set_rate_limit_remaining("acme", 1);
    let last = client.get("/repos/acme/shop").await;
    assert_eq!((last.status, last.header("x-ratelimit-remaining")), (200, "0"));
    let refused = client.get("/repos/acme/shop").await;
    assert_eq!((refused.status, refused.header("x-ratelimit-remaining")), (403, "0"));
    assert!(refused.header("x-ratelimit-reset").parse::<i64>().unwrap() > jiff::Timestamp::now().as_second());
    assert_eq!(github.journal().while_limited(), 1);
    assert_eq!(client.get("/rate_limit").await.body["rate"]["remaining"], json!(0));
    assert_eq!(Client::app(&github).get("/app").await.status, 200, "the App has a bucket of its own");
    github.lift_limits();
    assert_eq!(client.get("/repos/acme/shop").await.status, 200);
}

#[tokio::test]
async fn a_secondary_limit_holds_until_its_time_has_passed() {
    let (github, _) = github().await;
    let client = Client::installation(&github).await;
    for status in [403, 429] {
        github.secondary_limit(SecondaryLimit { status, retry_after: Duration::from_secs(60) });
        let refused = client.get("/repos/acme/shop").await;
        assert_eq!((refused.status, refused.header("retry-after")), (status, "60"));
        github.advance_clock(Duration::from_secs(61));
        assert_eq!(client.get("/repos/acme/shop").await.status, 200);
    }
}
