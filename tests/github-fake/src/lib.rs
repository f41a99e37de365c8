//! A small stateful GitHub on loopback, for feature tests, the load driver and the demo.
//!
//! It serves the REST API under `/api/v3`, a second address as blob host, and sends signed webhooks. It refuses
//! what GitHub refuses, keeps a journal of all it was asked, fails on request, and can hold everything it receives
//! and sends against GitHub's own schemas. It never talks to anything but loopback and never sleeps.
//!
//! ```no_run
//! # async fn example(host: &str) -> anyhow::Result<()> {
//! use palisade_github_fake::{Fake, FakeOptions, Fault};
//!
//! let github = Fake::start(FakeOptions::default()).await?;
//! github.deliver_to(host);                                   // until then deliveries wait
//! let repository = github.repository("acme/shop");
//! let pull_request = repository.open_pull_request("Add a feature");
//!
//! let run = pull_request.start_run("ci.yml");
//! run.in_progress();
//! run.upload("trivy", &[("trivy.json", b"{}")]);
//! github.fault(Fault::on("PATCH /repos/*/check-runs/*").status_after(502));
//! run.complete("success");
//!
//! let check = pull_request.check_run_completed("Vulnerability Scan Check").await;
//! assert_eq!(check.conclusion.as_deref(), Some("success"));
//! assert_eq!(github.journal().mints(), 1);
//! github.assert_schemas();
//! # Ok(())
//! # }
//! ```
//!
//! Actions (`open_pull_request`, `push`, `complete`, …) happen at once and queue their webhooks; whatever has to be
//! waited for is `async`, is woken by the change itself, and panics with the journal when it never comes.

mod actions;
mod checks;
mod comments;
mod faults;
mod handles;
mod journal;
mod pulls;
mod registration;
mod repositories;
pub mod schemas;
mod server;
mod state;
mod tokens;
mod webhooks;
mod wire;

pub use actions::Trouble;
pub use checks::{Annotation, Button, CheckRun, CheckSuite};
pub use comments::Comment;
pub use faults::{Fault, Gate};
pub use handles::{
    Artifact, Fake, FakeOptions, Head, PullRequest, PullRequestOptions, Repository, Run, SecondaryLimit, Workflow,
};
pub use journal::{Entry, Host, Identity, Journal};
pub use registration::HookSettings;
pub use state::State;
pub use webhooks::{Delivery, Outgoing};
