//! The parts of GitHub's payloads that are read, under GitHub's names. They end in the room's parsers.

use crate::model::HeadSha;
use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Deserialize)]
pub struct Head {
    pub action: Option<serde_json::Value>,
}

#[derive(Deserialize)]
pub struct InstallationWire {
    pub id: u64,
}

#[derive(Deserialize)]
pub struct RepositoryWire {
    pub id: u64,
    pub name: String,
    pub owner: OwnerWire,
    pub default_branch: Option<String>,
    pub topics: Option<Vec<String>>,
    pub language: Option<String>,
}
#[derive(Deserialize)]
pub struct OwnerWire {
    pub login: String,
}

#[derive(Deserialize)]
pub struct PullRequestWire {
    pub pull_request: PullWire,
    pub before: Option<String>,
    pub changes: Option<ChangesWire>,
    pub installation: Option<InstallationWire>,
    pub repository: Option<RepositoryWire>,
}
#[derive(Deserialize)]
pub struct ChangesWire {
    pub base: Option<IgnoredAny>,
}
#[derive(Deserialize)]
pub struct PullWire {
    pub number: u64,
    pub draft: Option<bool>,
    pub user: Option<ActorWire>,
    pub head: HeadWire,
    pub base: BaseWire,
    pub updated_at: Option<String>,
}
#[derive(Deserialize)]
pub struct HeadWire {
    pub sha: HeadSha,
    #[serde(rename = "ref")]
    pub branch: Option<String>,
    pub repo: Option<IdWire>,
}
#[derive(Deserialize)]
pub struct BaseWire {
    pub sha: HeadSha,
    #[serde(rename = "ref")]
    pub branch: String,
}
#[derive(Deserialize)]
pub struct IdWire {
    pub id: u64,
}

#[derive(Deserialize)]
pub struct WorkflowRunWire {
    pub workflow_run: RunWire,
    pub workflow: Option<WorkflowWire>,
    pub installation: Option<InstallationWire>,
    pub repository: Option<RepositoryWire>,
}
#[derive(Deserialize)]
pub struct WorkflowWire {
    pub path: Option<String>,
}
#[derive(Deserialize)]
pub struct RunWire {
    pub id: u64,
    pub run_attempt: Option<u32>,
    pub path: Option<String>,
    pub name: Option<String>,
    pub event: Option<String>,
    pub status: Option<String>,
    pub conclusion: Option<String>,
    pub head_sha: HeadSha,
    pub head_repository: Option<OwnedWire>,
    pub head_branch: Option<String>,
    pub actor: Option<ActorWire>,
    pub triggering_actor: Option<ActorWire>,
    pub workflow_id: Option<u64>,
    pub referenced_workflows: Option<Vec<ReferencedWire>>,
    pub created_at: Option<String>,
    pub run_started_at: Option<String>,
    pub html_url: Option<String>,
    pub pull_requests: Option<Vec<Option<NumberWire>>>,
}
#[derive(Deserialize)]
pub struct OwnedWire {
    pub id: u64,
    pub owner: Option<ActorWire>,
}
#[derive(Deserialize)]
pub struct ReferencedWire {
    pub path: String,
    pub sha: String,
}
#[derive(Deserialize)]
pub struct ActorWire {
    pub login: Option<String>,
}
#[derive(Deserialize)]
pub struct NumberWire {
    pub number: Option<u64>,
}

#[derive(Deserialize)]
pub struct CheckRunWire {
    pub check_run: CheckWire,
    pub requested_action: Option<ButtonWire>,
    pub sender: Option<ActorWire>,
    pub installation: Option<InstallationWire>,
    pub repository: Option<RepositoryWire>,
}
#[derive(Deserialize)]
pub struct CheckWire {
    pub id: u64,
    pub name: Option<String>,
    pub external_id: Option<String>,
    pub head_sha: HeadSha,
    pub app: Option<IdWire>,
    pub pull_requests: Option<Vec<Option<NumberWire>>>,
}
#[derive(Deserialize)]
pub struct ButtonWire {
    pub identifier: String,
}

#[derive(Deserialize)]
pub struct CheckSuiteWire {
    pub check_suite: SuiteWire,
    pub sender: Option<ActorWire>,
    pub installation: Option<InstallationWire>,
    pub repository: Option<RepositoryWire>,
}
#[derive(Deserialize)]
pub struct SuiteWire {
    pub id: u64,
    pub head_sha: HeadSha,
    pub conclusion: Option<String>,
    pub app: Option<IdWire>,
}

#[derive(Deserialize)]
pub struct MergeGroupWire {
    pub merge_group: GroupWire,
    pub reason: Option<String>,
    pub installation: Option<InstallationWire>,
    pub repository: Option<RepositoryWire>,
}
#[derive(Deserialize)]
pub struct GroupWire {
    pub head_sha: HeadSha,
    pub head_ref: String,
    pub base_sha: HeadSha,
    pub base_ref: String,
}

#[derive(Deserialize)]
pub struct PushWire {
    #[serde(rename = "ref")]
    pub reference: String,
    pub after: String,
    pub forced: Option<bool>,
    pub commits: Option<Vec<PushedCommitWire>>,
    pub installation: Option<InstallationWire>,
    pub repository: Option<RepositoryWire>,
}

#[derive(Deserialize)]
pub struct PushedCommitWire {
    pub added: Option<Vec<String>>,
    pub removed: Option<Vec<String>>,
    pub modified: Option<Vec<String>>,
}

#[derive(Deserialize)]
pub struct InstallationEventWire {
    pub installation: WholeInstallationWire,
    pub repositories_added: Option<Vec<NamedWire>>,
    pub repositories_removed: Option<Vec<NamedWire>>,
}
#[derive(Deserialize)]
pub struct WholeInstallationWire {
    pub id: u64,
    pub account: Option<ActorWire>,
    pub updated_at: Option<TimeWire>,
}
/// GitHub writes an installation's times as text or as seconds, by the event.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum TimeWire {
    Text(String),
    Seconds(u64),
}
#[derive(Deserialize)]
pub struct NamedWire {
    pub full_name: String,
}
