//! Check runs: created, updated, read and listed. Limits of GitHub on texts are kept by `report`;
//! finding out whether an unanswered creation took effect is the work of `publish`.

use super::auth::Access;
use super::calls::{Call, Identity, in_repository};
use super::{GitHub, GitHubError, RepositoryAt};
use crate::model::publication::{Annotation, Button, CheckState, PolicyMark, shown_as};
use crate::model::{CheckName, Digest, HeadSha, Unix};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// GitHub takes no more in one request; further ones are appended by further updates.
const MOST_ANNOTATIONS: usize = 50;
/// Above 1,000 runs of a name GitHub deletes the oldest, so ten pages of a hundred hold them all.
const MOST_PAGES: usize = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CheckRunId(pub u64);
impl std::fmt::Display for CheckRunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A check run that is not there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCheckRun {
    pub name: CheckName,
    pub head_sha: HeadSha,
    /// By which we find it again.
    pub external_id: String,
    pub content: CheckRunUpdate,
}

/// A check run's whole content. `annotations` (at most 50) are appended to those that are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRunUpdate {
    pub state: CheckState,
    pub title: String,
    pub summary: String,
    pub text: String,
    pub annotations: Vec<Annotation>,
    /// At most three; none takes away those that are there.
    pub buttons: Vec<Button>,
    pub details_url: Option<String>,
    pub started_at: Option<Unix>,
}

/// A check run as GitHub has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRun {
    pub id: CheckRunId,
    pub name: String,
    pub head_sha: String,
    pub external_id: Option<String>,
    /// `queued`, `in_progress`, `completed`, ….
    pub status: String,
    pub conclusion: Option<String>,
    pub annotations_count: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRunSummary {
    pub id: CheckRunId,
    pub external_id: Option<String>,
    pub status: String,
    pub conclusion: Option<String>,
    pub started_at: Option<Unix>,
    pub annotations_count: u64,
    /// What the result was decided by, if it says so.
    pub policy: Option<PolicyMark>,
    /// Of its title and texts.
    pub shown: Digest,
}

impl GitHub {
    /// Sent once. After `Unavailable` it may exist all the same: list before trying again.
    pub async fn create_check_run(&self, at: &RepositoryAt, run: &NewCheckRun) -> Result<CheckRunId, GitHubError> {
        let mut body = content(&run.content)?;
        body["name"] = json!(run.name.as_str());
        body["head_sha"] = json!(run.head_sha.as_str());
        body["external_id"] = json!(run.external_id);
        let call = Call::post(in_repository(at, "/check-runs"), writing(at), body);
        let created: Wire = self.read(call).await?;
        Ok(CheckRunId(created.id))
    }

    /// Repeated where that is safe, that is without annotations: those append, so that after `Unavailable`
    /// the caller must look at [`CheckRun::annotations_count`] first.
    pub async fn update_check_run(
        &self,
        at: &RepositoryAt,
        id: CheckRunId,
        update: &CheckRunUpdate,
    ) -> Result<(), GitHubError> {
        let call = Call::patch(in_repository(at, &format!("/check-runs/{id}")), writing(at), content(update)?);
        let call = if update.annotations.is_empty() { call.repeatable() } else { call };
        self.answer(&call).await.map(drop)
    }

    pub async fn check_run(&self, at: &RepositoryAt, id: CheckRunId) -> Result<CheckRun, GitHubError> {
        let wire: Wire = self.read(Call::of_repository(at, &format!("/check-runs/{id}"))).await?;
        Ok(CheckRun {
            id,
            name: wire.name.unwrap_or_default(),
            head_sha: wire.head_sha.unwrap_or_default(),
            external_id: wire.external_id,
            status: wire.status.unwrap_or_default(),
            conclusion: wire.conclusion,
            annotations_count: wire.output.and_then(|output| output.annotations_count).unwrap_or(0),
        })
    }

    /// Every run by this App on the commit, newest or not.
    pub async fn own_check_runs(
        &self,
        at: &RepositoryAt,
        sha: &HeadSha,
        app_id: u64,
    ) -> Result<Vec<CheckRunSummary>, GitHubError> {
        let path = format!("/commits/{sha}/check-runs?app_id={app_id}&filter=all&per_page=100");
        let pages: Vec<Page> = self.pages(Call::of_repository(at, &path), MOST_PAGES).await?;
        let runs = pages.into_iter().flat_map(|page| page.check_runs);
        // Older servers ignore filters that they do not know; a run of no App is not ours either.
        let ours = runs.filter(|run| run.app.as_ref().is_some_and(|app| app.id == app_id));
        Ok(ours.map(Wire::summary).collect())
    }
}

#[derive(Deserialize)]
struct Page {
    check_runs: Vec<Wire>,
}

#[derive(Deserialize)]
struct Wire {
    id: u64,
    name: Option<String>,
    head_sha: Option<String>,
    external_id: Option<String>,
    status: Option<String>,
    conclusion: Option<String>,
    started_at: Option<jiff::Timestamp>,
    output: Option<WireOutput>,
    app: Option<WireApp>,
}
#[derive(Default, Deserialize)]
struct WireOutput {
    annotations_count: Option<u64>,
    title: Option<String>,
    summary: Option<String>,
    text: Option<String>,
}
#[derive(Deserialize)]
struct WireApp {
    id: u64,
}

impl Wire {
    fn summary(self) -> CheckRunSummary {
        let output = self.output.unwrap_or_default();
        let [title, summary, text] = [output.title, output.summary, output.text].map(Option::unwrap_or_default);
        let annotations_count = output.annotations_count.unwrap_or(0);
        CheckRunSummary {
            policy: PolicyMark::found_in(&text),
            shown: shown_as(&title, &summary, &text, annotations_count),
            annotations_count,
            id: CheckRunId(self.id),
            external_id: self.external_id.filter(|id| !id.is_empty()),
            status: self.status.unwrap_or_default(),
            conclusion: self.conclusion,
            started_at: self.started_at.and_then(|at| u64::try_from(at.as_second()).ok()),
        }
    }
}

fn writing(at: &RepositoryAt) -> Identity {
    Identity::Repository(at.clone(), Access::Write)
}

fn content(update: &CheckRunUpdate) -> Result<Value, GitHubError> {
    if update.annotations.len() > MOST_ANNOTATIONS {
        let count = update.annotations.len();
        return Err(GitHubError::TooLarge(format!(
            "{count} annotations in one request; GitHub takes {MOST_ANNOTATIONS}"
        )));
    }
    let mut output = json!({ "title": update.title, "summary": update.summary });
    if !update.text.is_empty() {
        output["text"] = json!(update.text);
    }
    if !update.annotations.is_empty() {
        output["annotations"] = update.annotations.iter().map(annotation).collect();
    }
    let buttons: Vec<Value> = update.buttons.iter().map(|button| wire(*button)).collect();
    let mut body = json!({ "output": output, "actions": buttons });
    match update.state {
        CheckState::InProgress => body["status"] = json!("in_progress"),
        CheckState::Completed(conclusion) => {
            body["status"] = json!("completed");
            body["conclusion"] = json!(conclusion);
        }
    }
    if let Some(url) = &update.details_url {
        body["details_url"] = json!(url);
    }
    let started = update.started_at.and_then(|at| jiff::Timestamp::from_second(i64::try_from(at).ok()?).ok());
    if let Some(started) = started {
        body["started_at"] = json!(started.to_string());
    }
    Ok(body)
}

fn wire(button: Button) -> Value {
    json!({ "label": button.label(), "description": button.description(), "identifier": button.identifier() })
}

fn annotation(annotation: &Annotation) -> Value {
    let mut wire = json!({
        "path": annotation.path,
        "start_line": annotation.start_line,
        "end_line": annotation.end_line,
        "annotation_level": annotation.level,
        "message": annotation.message,
    });
    if !annotation.title.is_empty() {
        wire["title"] = json!(annotation.title);
    }
    // GitHub refuses columns on annotations of several lines.
    if let (Some((start, end)), true) = (annotation.columns, annotation.start_line == annotation.end_line) {
        wire["start_column"] = json!(start);
        wire["end_column"] = json!(end);
    }
    wire
}
