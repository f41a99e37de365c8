//! Diagnostics that readers leave while they read, so that no author has to pass a report into every parser.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::types::Diagnostic;

/// Shared between an artifact, its readers and the report; handed to the report when the normalizer returns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Rc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    diagnostics: RefCell<Vec<Diagnostic>>,
    entries_lost: Cell<bool>,
    report_is_full: Cell<bool>,
}

impl Notes {
    /// Something odd; nothing is lost.
    pub fn odd(&self, diagnostic: Diagnostic) {
        self.0.diagnostics.borrow_mut().push(diagnostic);
    }

    /// Something odd about the file as a whole, or that another walk over the same text may have noted before.
    pub fn odd_once(&self, diagnostic: Diagnostic) {
        /// Looked through for the same; more are noted again rather than compared without end.
        const FIRST: usize = 64;
        let is_known = self.0.diagnostics.borrow().iter().take(FIRST).any(|known| *known == diagnostic);
        if !is_known {
            self.odd(diagnostic);
        }
    }

    /// Something could not be read; the report is partial from here on.
    pub fn lost(&self, diagnostic: Diagnostic) {
        self.0.entries_lost.set(true);
        self.odd(diagnostic);
    }

    pub fn entries_lost(&self) -> bool {
        self.0.entries_lost.get()
    }

    /// Said by the report, so that loops over big arrays stop by themselves.
    pub fn set_full(&self) {
        self.0.report_is_full.set(true);
    }

    pub fn is_full(&self) -> bool {
        self.0.report_is_full.get()
    }

    pub fn take(&self) -> Vec<Diagnostic> {
        self.0.diagnostics.take()
    }
}
