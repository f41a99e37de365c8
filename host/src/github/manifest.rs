//! What the App needs of GitHub, in one list: the manifest that registers it, what `doctor` holds the registration
//! against, and README's table, which a test compares. Registers nothing itself: people do that, on GitHub's page.

use super::calls::{Call, Identity};
use super::{GitHub, GitHubError};
use crate::model::Secret;
use serde::Deserialize;
use serde_json::{Value, json};

/// Something that the App may do.
#[derive(Clone, Copy, Debug)]
pub struct Permission {
    /// GitHub's name.
    pub name: &'static str,
    /// `read` or `write`.
    pub level: &'static str,
    pub reason: &'static str,
    /// Asked for by the manifest. Those that are not may be granted for the reason given.
    pub needed: bool,
}

/// An event that the App must hear.
#[derive(Clone, Copy, Debug)]
pub struct Subscription {
    pub name: &'static str,
    pub reason: &'static str,
}

/// Check runs and suites are heard without a subscription by whoever may write checks.
pub const PERMISSIONS: [Permission; 7] = [
    needed("actions", "read", "reads workflow runs and what they uploaded"),
    needed("checks", "write", "writes the check runs, and hears of re-runs and buttons"),
    needed("contents", "read", "reads `.palisade.yml` and the base's workflow, compares commits"),
    needed("merge_queues", "read", "hears of merge groups"),
    needed("metadata", "read", "every App has it"),
    needed("pull_requests", "write", "finds pull requests and their files, writes the one comment"),
    optional("attestations", "read", "evidence that must be `attested`"),
];

pub const EVENTS: [Subscription; 4] = [
    Subscription { name: "merge_group", reason: "checks in merge queues" },
    Subscription { name: "pull_request", reason: "opens the checks" },
    Subscription { name: "push", reason: "judges branches and tags, notices changed policies" },
    Subscription { name: "workflow_run", reason: "says when evidence is ready" },
];

const fn needed(name: &'static str, level: &'static str, reason: &'static str) -> Permission {
    Permission { name, level, reason, needed: true }
}

const fn optional(name: &'static str, level: &'static str, reason: &'static str) -> Permission {
    Permission { name, level, reason, needed: false }
}

/// The particulars of one registration.
#[derive(Clone, Debug)]
pub struct Manifest<'a> {
    pub name: &'a str,
    /// Where people read about it.
    pub url: &'a str,
    /// Where its webhooks go.
    pub hook_url: &'a str,
    /// Where GitHub sends the browser with the code that is to be converted.
    pub redirect_url: Option<&'a str>,
}

impl Manifest<'_> {
    /// What GitHub's page takes.
    pub fn json(&self) -> Value {
        let permissions = PERMISSIONS.iter().filter(|permission| permission.needed);
        let levels: serde_json::Map<String, Value> =
            permissions.map(|permission| (permission.name.to_owned(), json!(permission.level))).collect();
        let mut manifest = json!({
            "name": self.name,
            "url": self.url,
            "hook_attributes": { "url": self.hook_url, "active": true },
            "public": false,
            "default_events": EVENTS.map(|event| event.name),
            "default_permissions": levels,
        });
        if let Some(redirect_url) = self.redirect_url {
            manifest["redirect_url"] = json!(redirect_url);
        }
        manifest
    }
}

/// What GitHub hands out once, for the code of a manifest.
#[derive(Clone, Debug, Deserialize)]
pub struct Converted {
    pub id: u64,
    pub slug: Option<String>,
    pub client_id: String,
    pub html_url: String,
    pub pem: Secret,
    pub webhook_secret: Option<Secret>,
}

impl GitHub {
    /// Exchanges the code, once, for the App's credentials. No credentials are needed for it.
    pub async fn convert_manifest(&self, code: &str) -> Result<Converted, GitHubError> {
        let path = format!("/app-manifests/{}/conversions", super::calls::in_query(code));
        self.read(Call::post(path, Identity::Nobody, json!({}))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_the_manifest_that_is_generated() {
        let example: Value = serde_json::from_str(include_str!("../../../examples/app-manifest.json")).unwrap();
        let manifest = Manifest {
            name: "Palisade",
            url: "https://palisade.example.com",
            hook_url: "https://palisade.example.com/webhook",
            redirect_url: None,
        };
        assert_eq!(manifest.json(), example);
    }

    #[test]
    fn the_readme_names_each_permission_and_event_with_its_reason() {
        let readme = include_str!("../../../README.md");
        for Permission { name, level, reason, needed } in PERMISSIONS {
            let level = if needed { level.to_owned() } else { format!("{level}, optional") };
            let row = format!("| `{name}` | {level} | {reason} |");
            assert!(readme.contains(&row), "README.md lacks: {row}");
        }
        for Subscription { name, reason } in EVENTS {
            let row = format!("| `{name}` | event | {reason} |");
            assert!(readme.contains(&row), "README.md lacks: {row}");
        }
    }
}
