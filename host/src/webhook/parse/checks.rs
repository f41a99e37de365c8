//! The events beside pull requests and workflow runs: our own checks, merge queues, pushes, installations.

use super::wire::{CheckRunWire, CheckSuiteWire, InstallationEventWire, MergeGroupWire, NamedWire, PushWire, TimeWire};
use super::{ParseError, origin, read, unix};
use crate::model::event::{
    CheckRunEvent, CheckRunRequest, CheckSuiteAction, CheckSuiteEvent, InstallationChange, InstallationEvent,
    MergeGroup, MergeGroupChange, MergeGroupEvent, PushEvent, RULES_PATH, RulesFile,
};
use crate::model::{Event, HeadSha, InstallationId, RepositoryName};

/// Branches that merge queues make: their `merge_group` event says what is to be done.
const QUEUE_BRANCHES: &str = "refs/heads/gh-readonly-queue/";

/// So many commits of a push GitHub lists at most.
const COMMITS_LISTED: usize = 2048;

/// `created` and `completed` come back for our own writes as well, and are nobody's request.
pub(super) fn check_run(action: &str, body: &[u8]) -> Result<Option<Event>, ParseError> {
    if !matches!(action, "rerequested" | "requested_action") {
        return Ok(None);
    }
    let wire: CheckRunWire = read(body)?;
    let request = match (action, wire.requested_action) {
        ("rerequested", _) => CheckRunRequest::Rerun,
        (_, Some(button)) => CheckRunRequest::Button(button.identifier),
        (_, None) => return Ok(None),
    };
    let Some(origin) = origin(wire.installation, wire.repository)? else { return Ok(None) };
    let run = wire.check_run;
    let numbers = run.pull_requests.unwrap_or_default().into_iter().flatten().filter_map(|pull| pull.number);
    Ok(Some(Event::CheckRun(CheckRunEvent {
        origin,
        request,
        app_id: run.app.map(|app| app.id),
        check_run: run.id,
        name: run.name.unwrap_or_default(),
        external_id: run.external_id.filter(|id| !id.is_empty()),
        head_sha: run.head_sha,
        pull_requests: numbers.collect(),
        sender: wire.sender.and_then(|sender| sender.login),
    })))
}

pub(super) fn check_suite(action: &str, body: &[u8]) -> Result<Option<Event>, ParseError> {
    let action = match action {
        "requested" => CheckSuiteAction::Requested,
        "rerequested" => CheckSuiteAction::Rerequested,
        "completed" => CheckSuiteAction::Completed,
        _ => return Ok(None),
    };
    let wire: CheckSuiteWire = read(body)?;
    let Some(origin) = origin(wire.installation, wire.repository)? else { return Ok(None) };
    let suite = wire.check_suite;
    Ok(Some(Event::CheckSuite(CheckSuiteEvent {
        origin,
        action,
        app_id: suite.app.map(|app| app.id),
        suite: suite.id,
        head_sha: suite.head_sha,
        conclusion: suite.conclusion,
        sender: wire.sender.and_then(|sender| sender.login),
    })))
}

pub(super) fn merge_group(action: &str, body: &[u8]) -> Result<Option<Event>, ParseError> {
    if !matches!(action, "checks_requested" | "destroyed") {
        return Ok(None);
    }
    let wire: MergeGroupWire = read(body)?;
    let Some(origin) = origin(wire.installation, wire.repository)? else { return Ok(None) };
    let change = match action {
        "checks_requested" => MergeGroupChange::ChecksRequested,
        _ => MergeGroupChange::Destroyed(wire.reason.unwrap_or_default()),
    };
    let group = wire.merge_group;
    Ok(Some(Event::MergeGroup(MergeGroupEvent {
        origin,
        change,
        group: MergeGroup {
            head_sha: group.head_sha,
            head_ref: group.head_ref,
            base_sha: group.base_sha,
            base_branch: group.base_ref.strip_prefix("refs/heads/").unwrap_or(&group.base_ref).to_owned(),
        },
    })))
}

/// A deleted branch points to no commit: forty zeros.
pub(super) fn push(body: &[u8]) -> Result<Option<Event>, ParseError> {
    let wire: PushWire = read(body)?;
    let Some(head_sha) = HeadSha::parse(&wire.after).ok().filter(|_| wire.after.bytes().any(|digit| digit != b'0'))
    else {
        return Ok(None);
    };
    if wire.reference.starts_with(QUEUE_BRANCHES) {
        return Ok(None);
    }
    let rules = rules_file(&wire);
    let Some(origin) = origin(wire.installation, wire.repository)? else { return Ok(None) };
    Ok(Some(Event::Push(PushEvent { origin, reference: wire.reference, head_sha, rules })))
}

/// What a forced push takes away is in none of its commits, and not all of a long one are listed.
fn rules_file(push: &PushWire) -> RulesFile {
    let Some(commits) = &push.commits else { return RulesFile::Touched };
    if push.forced == Some(true) || commits.len() >= COMMITS_LISTED {
        return RulesFile::Touched;
    }
    let paths = commits.iter().flat_map(|commit| [&commit.added, &commit.removed, &commit.modified]);
    match paths.flatten().flatten().any(|path| path == RULES_PATH) {
        true => RulesFile::Touched,
        false => RulesFile::Untouched,
    }
}

pub(super) fn installation(action: &str, body: &[u8]) -> Result<Option<Event>, ParseError> {
    let change = match action {
        "deleted" | "suspend" => InstallationChange::Gone,
        "created" | "unsuspend" | "new_permissions_accepted" => InstallationChange::Back,
        _ => return Ok(None),
    };
    installation_event(read(body)?, change)
}

pub(super) fn installation_repositories(body: &[u8]) -> Result<Option<Event>, ParseError> {
    let mut wire: InstallationEventWire = read(body)?;
    let added = names(wire.repositories_added.take());
    let removed = names(wire.repositories_removed.take());
    installation_event(wire, InstallationChange::Repositories { added, removed })
}

fn installation_event(wire: InstallationEventWire, change: InstallationChange) -> Result<Option<Event>, ParseError> {
    let installation = wire.installation;
    let Some(account) = installation.account.and_then(|account| account.login) else { return Ok(None) };
    Ok(Some(Event::Installation(InstallationEvent {
        installation: InstallationId(installation.id),
        account: account.to_lowercase(),
        change,
        at: match installation.updated_at {
            Some(TimeWire::Text(text)) => unix(Some(&text)).unwrap_or(0),
            Some(TimeWire::Seconds(seconds)) => seconds,
            None => 0,
        },
    })))
}

/// Names that are none are left out: nothing of them was ever remembered.
fn names(repositories: Option<Vec<NamedWire>>) -> Vec<RepositoryName> {
    let parsed = |named: NamedWire| {
        let (owner, name) = named.full_name.split_once('/')?;
        RepositoryName::new(owner, name).ok()
    };
    repositories.unwrap_or_default().into_iter().filter_map(parsed).collect()
}
