//! What a call is for: who comes first where not everybody can.

/// From what cannot wait to what can. A handle of [`super::GitHub`] has one, and all of its calls have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Tells people what was decided.
    Publish,
    /// Reads what is to be judged.
    #[default]
    Evaluate,
    /// Shows somebody something who looks at a page.
    Pages,
    /// Looks for what was missed. Somebody looks again in any case.
    Sweep,
}

impl Priority {
    /// Whether its calls may use the last of an installation's hour.
    pub(super) fn may_use_the_reserve(self) -> bool {
        self <= Priority::Evaluate
    }
}
