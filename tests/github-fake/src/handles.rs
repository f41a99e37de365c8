//! What tests hold in their hands: the fake itself; repositories, pull requests, runs and artifacts below it.

mod fake;
mod installations;
mod pull_request;
mod repository;
mod run;

pub use fake::{Fake, FakeOptions, SecondaryLimit};
pub use pull_request::{Head, PullRequest, PullRequestOptions};
pub use repository::Repository;
pub use run::{Artifact, Run, Workflow};

use crate::state::{Shared, State};
use std::time::Duration;

/// How long a test waits for something that must come: long enough for a loaded machine that compiles beside it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `look` finds something; panics with the journal and the deliveries if it never does.
async fn wait_until<T>(shared: &Shared, what: &str, look: impl Fn(&State) -> Option<T>) -> T {
    let mut changes = shared.changes();
    let waiting = async {
        loop {
            changes.borrow_and_update();
            if let Some(found) = shared.look(&look) {
                return found;
            }
            // The sender lives as long as `shared`, so this cannot end in an error.
            let _ = changes.changed().await;
        }
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(found) => found,
        Err(_) => panic!("waited {} s in vain for {what}\n{}", PATIENCE.as_secs(), shared.look(report)),
    }
}

fn report(state: &State) -> String {
    let deliveries = state.deliveries.iter().map(|delivery| {
        let action = delivery.action.as_deref().unwrap_or_default();
        format!("{} {action} {} {} {}\n", delivery.event, delivery.status_code, delivery.status, delivery.response)
    });
    let checks = state.check_runs.iter().map(|run| format!("{} at {}: {run}\n", run.name, run.head_sha));
    format!(
        "requests:\n{}deliveries:\n{}check runs:\n{}",
        state.journal,
        deliveries.collect::<String>(),
        checks.collect::<String>()
    )
}
