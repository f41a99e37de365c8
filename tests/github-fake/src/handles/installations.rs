//! Who installed the App, and which repositories they let it see.

use super::Fake;
use crate::state::State;
use crate::tokens::Installation;
use jiff::SignedDuration;

impl Fake {
    /// The App's installation for an owner of repositories.
    pub fn installation_id(&self, owner: &str) -> u64 {
        let find = |state: &State| state.installations.iter().find(|i| i.account == owner).map(|i| i.id);
        self.shared.look(find).expect("a repository of this owner was created before")
    }

    /// Suspends the App for an owner: tokens and mints answer 403, webhooks stop after `installation.suspend`.
    pub fn suspend(&self, owner: &str) {
        self.with_installation(owner, "suspend", |installation| installation.suspended = true);
    }

    /// Ends a suspension; sends `installation.unsuspend`.
    pub fn unsuspend(&self, owner: &str) {
        self.with_installation(owner, "unsuspend", |installation| installation.suspended = false);
    }

    /// Removes the App for an owner: its tokens answer 401. Sends `installation.deleted`.
    pub fn uninstall(&self, owner: &str) {
        self.with_installation(owner, "deleted", |_| ());
        self.shared.change(|state| state.installations.retain(|installation| installation.account != owner));
    }

    /// Installs the App for an owner again, under another id; sends `installation.created`.
    pub fn install_again(&self, owner: &str) {
        self.shared.change(|state| {
            let id = state.next_id();
            let installation = Installation { id, account: owner.to_owned(), suspended: false };
            state.installations.push(installation.clone());
            state.installation_event(&installation, "created");
        });
    }

    /// Takes a repository from the App; sends `installation_repositories.removed`.
    pub fn remove_repository(&self, full_name: &str) {
        self.change_repository(full_name, "removed");
    }

    /// Gives it back; sends `installation_repositories.added`.
    pub fn add_repository(&self, full_name: &str) {
        self.change_repository(full_name, "added");
    }

    fn change_repository(&self, full_name: &str, action: &str) {
        self.shared.change(|state| {
            let id = state.ensure_repository(full_name, None);
            state.repository_mut(id).installed = action == "added";
            state.installation_repositories_event(id, action);
        });
    }

    fn with_installation(&self, owner: &str, action: &str, change: impl FnOnce(&mut Installation)) {
        self.shared.change(|state| {
            // GitHub's times have seconds: of two changes within one nobody knows which came last.
            state.advance_clock(SignedDuration::from_secs(1));
            let found = state.installations.iter_mut().find(|installation| installation.account == owner);
            let installation = found.expect("a repository of this owner was created before");
            change(installation);
            let installation = installation.clone();
            state.installation_event(&installation, action);
        });
    }
}
