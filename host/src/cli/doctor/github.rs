//! What GitHub has on record about the App, held against what Palisade needs of it. Reads only, and little: each line is
//! one thing that was looked at, each fault comes with its way out.

use super::{Examined, examined};
use crate::app;
use crate::config::{Addresses, Config};
use crate::github::{EVENTS, GitHub, GitHubError, Hook, Installed, PERMISSIONS, Registration, RepositoryAt};
use crate::model::event::Origin;
use crate::model::{CheckName, Clock};
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// GitHub takes assertions that are a minute off; half of it is reason enough to look after the clock.
const SKEW_S: u64 = 30;
/// Names are looked up in a few repositories of a few installations: an example is enough to see a clash.
const INSTALLATIONS_LOOKED_AT: usize = 3;
const REPOSITORIES_LOOKED_AT: usize = 5;
/// Whoever may write checks hears of these without asking.
const HEARD_ANYWAY: [&str; 2] = ["check_run", "check_suite"];

/// Everything about the App, as far as its credentials reach.
pub(super) async fn app(config: &Config, checks: &[CheckName]) -> Vec<Examined> {
    let github = match client(config) {
        Ok(github) => github,
        Err(error) => return vec![examined("GitHub", Err(format!("{error:#}")))],
    };
    let registration = match github.registration().await {
        Ok(registration) => registration,
        Err(error) => return vec![examined("GitHub", Err(unanswered(config, &error)))],
    };
    let mut all = vec![identity(config, &registration), clock(&registration)];
    all.extend(permissions(&registration));
    all.extend(events(&registration));
    all.extend(match github.hook().await {
        Ok(hook) => webhook(config, &hook, &settings(&registration)),
        Err(error) => vec![examined("webhook", Err(format!("its settings cannot be read: {error}")))],
    });
    all.extend(installations(config, &github, checks).await);
    all
}

/// A personal token reads, and that is all.
pub(super) async fn person(config: &Config) -> Examined {
    let login = async {
        let github = GitHub::new(app::visitor_options(config, Arc::new(app::SystemClock))?)?;
        anyhow::Ok(github.person().await?)
    };
    let address = &config.github.base_url;
    examined(
        "GitHub",
        match login.await {
            Ok(login) => Ok(format!(
                "{address} accepts the token of {login}: `palisade evaluate --run` works; webhooks, check runs and comments \
                 need an App"
            )),
            Err(error) => {
                Err(format!("{address}: {error:#}; make a new token, or set github.base_url to where it is from"))
            }
        },
    )
}

fn client(config: &Config) -> Result<GitHub> {
    GitHub::new(app::github_options(config, Arc::new(app::SystemClock))?)
}

fn unanswered(config: &Config, error: &GitHubError) -> String {
    if app::refuses_version(error) {
        return app::wrong_version(config, error);
    }
    format!("{}: {error}", config.github.base_url)
}

fn identity(config: &Config, registration: &Registration) -> Examined {
    let app = &registration.app;
    let version = &config.github.api_version;
    let server = registration.server_version.as_ref().map(|server| format!(" (Enterprise Server {server})"));
    let told = if app.id == config.github.app_id {
        let address = &config.github.base_url;
        Ok(format!(
            "{address}{} accepts the App {} and version {version} of its API",
            server.unwrap_or_default(),
            app.slug
        ))
    } else {
        Err(format!("github.app_id is {}, but the key belongs to App {}", config.github.app_id, app.id))
    };
    examined("GitHub", told)
}

fn clock(registration: &Registration) -> Examined {
    let ours = app::SystemClock.now();
    let result = match registration.time {
        None => Ok("GitHub did not say what time it is".to_owned()),
        Some(theirs) if ours.abs_diff(theirs) <= SKEW_S => Ok(format!("within {SKEW_S} s of GitHub's")),
        Some(theirs) => {
            let direction = if ours > theirs { "ahead of" } else { "behind" };
            let seconds = ours.abs_diff(theirs);
            Err(format!("this machine's is {seconds} s {direction} GitHub's; let it follow a time server"))
        }
    };
    examined("clock", result)
}

/// Where the App is changed.
fn settings(registration: &Registration) -> String {
    let page = registration.page.clone().unwrap_or_else(|| registration.app.slug.clone());
    format!("the settings of {page}")
}

fn permissions(registration: &Registration) -> Vec<Examined> {
    let place = settings(registration);
    let mut faults = lacking(&registration.permissions, &place);
    for (name, level) in &registration.permissions {
        let listed = PERMISSIONS.iter().find(|permission| permission.name == name);
        match listed {
            None => faults.push(format!("{name}: {level} is not needed; take it away in {place}")),
            Some(listed) if rank(level) > rank(listed.level) => {
                faults.push(format!("{name}: {level} is more than is needed; make it {} in {place}", listed.level));
            }
            Some(_) => {}
        }
    }
    told("permissions", faults, "all that are needed, and no more")
}

fn lacking(held: &BTreeMap<String, String>, place: &str) -> Vec<String> {
    let lacks = |name: &str, level: &str| rank(held.get(name).map_or("", String::as_str)) < rank(level);
    let missing = PERMISSIONS.iter().filter(|permission| permission.needed && lacks(permission.name, permission.level));
    missing
        .map(|missing| {
            format!("{}: {} is missing ({}); grant it in {place}", missing.name, missing.level, missing.reason)
        })
        .collect()
}

fn rank(level: &str) -> u8 {
    match level {
        "" | "none" => 0,
        "read" => 1,
        "write" => 2,
        _ => 3,
    }
}

fn events(registration: &Registration) -> Vec<Examined> {
    let place = settings(registration);
    let heard: BTreeSet<&str> = registration.events.iter().map(String::as_str).collect();
    let missing = EVENTS.iter().filter(|event| !heard.contains(event.name));
    let mut faults: Vec<String> = missing
        .map(|event| format!("{} is missing ({}); subscribe to it in {place}", event.name, event.reason))
        .collect();
    let listed = |name: &str| EVENTS.iter().any(|event| event.name == name) || HEARD_ANYWAY.contains(&name);
    let needless = heard.iter().filter(|name| !listed(name));
    faults.extend(needless.map(|name| format!("{name} is not needed; unsubscribe from it in {place}")));
    told("events", faults, "all that are needed, and no more")
}

/// One line for each fault, or one that says that there is none.
fn told(what: &str, faults: Vec<String>, well: &str) -> Vec<Examined> {
    match faults.is_empty() {
        true => vec![examined(what, Ok(well.to_owned()))],
        false => faults.into_iter().map(|fault| examined(what, Err(fault))).collect(),
    }
}

fn webhook(config: &Config, hook: &Hook, place: &str) -> Vec<Examined> {
    let expected = config.server.public_url.as_ref().map(|url| url.trim_end_matches('/').to_owned());
    let reaches = |expected: &String| {
        ["/webhook", "/api/webhooks/github"].iter().any(|path| hook.url == format!("{expected}{path}"))
    };
    let mut faults = Vec::new();
    match &expected {
        _ if hook.url.is_empty() => faults.push(format!("it has no URL; set it to https://HOST/webhook in {place}")),
        Some(expected) if !reaches(expected) => faults.push(format!(
            "GitHub sends to {}, and server.public_url is {expected}; make the one {expected}/webhook in {place}, or correct \
             the other",
            hook.url
        )),
        _ => {}
    }
    if hook.content_type != "json" {
        faults.push(format!("its content type is {}; choose application/json in {place}", hook.content_type));
    }
    if !hook.has_secret {
        faults.push(format!(
            "it has no secret, so that nothing is signed; set the one that is configured here in {place}"
        ));
    }
    if !hook.verifies_certificates {
        faults.push(format!("GitHub does not verify the certificate of this host; enable SSL verification in {place}"));
    }
    let compared = if expected.is_some() { "" } else { " (not compared: server.public_url is not set)" };
    told("webhook", faults, &format!("GitHub sends signed JSON to {}{compared}", hook.url))
}

async fn installations(config: &Config, github: &GitHub, checks: &[CheckName]) -> Vec<Examined> {
    let installed = match github.installed().await {
        Ok(installed) if installed.is_empty() => {
            let site = Addresses::parse(&config.github.base_url).map(|addresses| addresses.site).unwrap_or_default();
            let fault = format!("there are none; install the App on repositories from its page on {site}");
            return vec![examined("installations", Err(fault))];
        }
        Ok(installed) => installed,
        Err(error) => return vec![examined("installations", Err(format!("they cannot be listed: {error}")))],
    };
    let faults: Vec<String> = installed.iter().flat_map(accepted).collect();
    let mut all = told("installations", faults, &format!("{}, with all permissions accepted", installed.len()));
    all.push(names(github, &installed, (config.github.app_id, checks)).await);
    all.push(examined(
        "required checks",
        Ok(format!(
            "not looked at: branch protection is shown to nobody without *administration*, which is not asked for; see that \
             {} are required, and only from App {}",
            quoted(checks),
            config.github.app_id
        )),
    ));
    all
}

/// New permissions hold in an installation once its owner accepts them.
fn accepted(installed: &Installed) -> Vec<String> {
    if installed.suspended {
        return vec![format!(
            "{} suspended the App; nothing is judged there until it is unsuspended",
            installed.account
        )];
    }
    let place = format!("the App's settings, and have {} accept it", installed.account);
    lacking(&installed.permissions, &place).into_iter().map(|fault| format!("{}: {fault}", installed.account)).collect()
}

/// What the names of checks were held against, as far as it could be read.
#[derive(Default)]
struct Names {
    clashes: BTreeSet<String>,
    looked_at: usize,
    unread: Vec<String>,
}

async fn names(github: &GitHub, installed: &[Installed], (app_id, checks): (u64, &[CheckName])) -> Examined {
    const WHAT: &str = "check names";
    if checks.is_empty() {
        return examined(
            WHAT,
            Ok("not looked at: there is no check, because none is configured or no plugin loaded".to_owned()),
        );
    }
    let mut names = Names::default();
    for installed in installed.iter().filter(|installed| !installed.suspended).take(INSTALLATIONS_LOOKED_AT) {
        let repositories = match github.repositories_of(installed.id).await {
            Ok(repositories) => repositories,
            Err(error) => {
                names.unread.push(format!("the repositories of {} cannot be listed: {error}", installed.account));
                continue;
            }
        };
        for origin in repositories.into_iter().take(REPOSITORIES_LOOKED_AT) {
            match published_by_others(github, &origin, app_id).await {
                Ok(found) => names.take(&origin, found, checks),
                // An empty repository has no commit to look at.
                Err(GitHubError::Unprocessable(_)) => {}
                Err(error) => names.unread.push(format!("the checks of {} cannot be read: {error}", origin.repository)),
            }
        }
    }
    examined(WHAT, names.told())
}

impl Names {
    fn take(&mut self, origin: &Origin, found: Vec<(String, String)>, checks: &[CheckName]) {
        self.looked_at += 1;
        let taken = found.into_iter().filter(|(name, _)| checks.iter().any(|check| check.as_str() == name));
        self.clashes.extend(taken.map(|(name, by)| format!("{name:?} by {by} in {}", origin.repository)));
    }

    fn told(self) -> Result<String, String> {
        let unread = self.unread.join("; ");
        let free = format!("free on the default branches of {} repositories", self.looked_at);
        if !self.clashes.is_empty() {
            return Err(format!(
                "others publish checks of the same name: {}; rename the job or the check, or a ruleset may take theirs for ours",
                self.clashes.into_iter().collect::<Vec<_>>().join(", ")
            ));
        }
        match (self.looked_at, self.unread.is_empty()) {
            (0, true) => {
                Ok("not looked at: no repository that the App sees has a commit on its default branch".to_owned())
            }
            (0, false) => Err(format!("not looked at: {unread}")),
            (_, true) => Ok(free),
            (_, false) => Ok(format!("{free}; not looked at elsewhere: {unread}")),
        }
    }
}

async fn published_by_others(
    github: &GitHub,
    origin: &Origin,
    app_id: u64,
) -> Result<Vec<(String, String)>, GitHubError> {
    let at = RepositoryAt { installation: origin.installation, repository: origin.repository.clone() };
    let branch = origin.default_branch.as_deref().unwrap_or("main");
    let published = github.check_names(&at, branch).await?;
    let others = published.into_iter().filter(|publisher| publisher.app_id != app_id);
    Ok(others
        .map(|publisher| match publisher.app_slug.as_str() {
            "github-actions" => (publisher.check, "a workflow's job".to_owned()),
            slug => (publisher.check, format!("the App {slug}")),
        })
        .collect())
}

fn quoted(checks: &[CheckName]) -> String {
    checks.iter().map(|check| format!("{:?}", check.as_str())).collect::<Vec<_>>().join(" and ")
}
