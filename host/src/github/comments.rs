//! Comments of a pull request's conversation: listed, created, updated, deleted. Which of them is ours is decided by
//! `publish`; finding out whether an unanswered creation took effect is its work too.

use super::auth::Access;
use super::calls::{Call, Identity, in_repository};
use super::{GitHub, GitHubError, RepositoryAt};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// 5,000 comments of one pull request are searched; each page costs a call.
const MOST_PAGES: usize = 50;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommentId(pub u64);
impl std::fmt::Display for CommentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A comment as GitHub has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    pub id: CommentId,
    pub body: String,
    /// The App that wrote it, where GitHub says so.
    pub app_id: Option<u64>,
    /// The login of its author, if that is a bot: `<slug>[bot]`.
    pub bot: Option<String>,
}

impl GitHub {
    /// Every comment of the pull request, oldest first; if not all of them can be had, none.
    pub async fn list_comments(&self, at: &RepositoryAt, pull_request: u64) -> Result<Vec<Comment>, GitHubError> {
        let call = Call::of_repository(at, &format!("/issues/{pull_request}/comments?per_page=100"));
        let pages: Vec<Vec<Wire>> = self.pages(call, MOST_PAGES).await?;
        let mut comments: Vec<Comment> = pages.into_iter().flatten().map(Wire::comment).collect();
        comments.sort_by_key(|comment| comment.id);
        // A page that moved while the next one was asked for shows a comment twice.
        comments.dedup_by_key(|comment| comment.id);
        Ok(comments)
    }

    /// Sent once. After `Unavailable` it may exist all the same: list before trying again.
    pub async fn create_comment(
        &self,
        at: &RepositoryAt,
        pull_request: u64,
        body: &str,
    ) -> Result<CommentId, GitHubError> {
        let path = in_repository(at, &format!("/issues/{pull_request}/comments"));
        let created: Wire = self.read(Call::post(path, writing(at), json!({ "body": body })).notifies()).await?;
        Ok(CommentId(created.id))
    }

    /// The whole body anew, so that a repetition ends the same. `NotFound` if somebody deleted it.
    pub async fn update_comment(&self, at: &RepositoryAt, id: CommentId, body: &str) -> Result<(), GitHubError> {
        let path = in_repository(at, &format!("/issues/comments/{id}"));
        self.answer(&Call::patch(path, writing(at), json!({ "body": body })).repeatable()).await.map(drop)
    }

    /// One that is gone already counts as deleted.
    pub async fn delete_comment(&self, at: &RepositoryAt, id: CommentId) -> Result<(), GitHubError> {
        let path = in_repository(at, &format!("/issues/comments/{id}"));
        match self.answer(&Call::delete(path, writing(at))).await {
            Ok(_) | Err(GitHubError::NotFound(_) | GitHubError::Gone(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn writing(at: &RepositoryAt) -> Identity {
    Identity::Repository(at.clone(), Access::Write)
}

#[derive(Deserialize)]
struct Wire {
    id: u64,
    body: Option<String>,
    user: Option<WireUser>,
    performed_via_github_app: Option<WireApp>,
}
#[derive(Deserialize)]
struct WireUser {
    login: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}
#[derive(Deserialize)]
struct WireApp {
    id: u64,
}

impl Wire {
    fn comment(self) -> Comment {
        let bot = self.user.filter(|user| user.kind.as_deref() == Some("Bot")).and_then(|user| user.login);
        Comment {
            id: CommentId(self.id),
            body: self.body.unwrap_or_default(),
            app_id: self.performed_via_github_app.map(|app| app.id),
            bot,
        }
    }
}
