//! Everything that is logged on the threads of one runtime, searched for credentials while it is written and then let go.
//! Other tests of the same process log elsewhere.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use tracing::Dispatch;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// What is never to be read in a log: tokens of installations, signed assertions, private keys.
const SECRETS: [&str; 3] = ["ghs_", "eyJ0eXAiOiJKV1Qi", "PRIVATE KEY-----"];
/// What the host and its HTTP client say, down to the smallest.
const LOUD: &str = "off,palisade=trace,octocrab=trace,hyper=debug,hyper_util=debug,tower=debug";

/// Log lines of one runtime.
#[derive(Clone, Debug, Default)]
pub struct Logs(Arc<Kept>);

#[derive(Debug, Default)]
struct Kept {
    lines: AtomicUsize,
    leaks: Mutex<Vec<String>>,
    /// Secrets of which only the caller knows.
    secrets: Vec<String>,
}

impl Logs {
    /// Looks for these texts too.
    pub fn searching(secrets: &[&str]) -> Self {
        let secrets = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        Self(Arc::new(Kept { secrets, ..Kept::default() }))
    }

    /// A runtime whose threads log here.
    pub fn runtime(&self) -> tokio::runtime::Runtime {
        let dispatch = self.dispatch();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            // The guard would end with this closure; the thread ends with the runtime.
            .on_thread_start(move || std::mem::forget(tracing::dispatcher::set_default(&dispatch)))
            .build();
        runtime.expect("threads can be started")
    }

    /// For the thread that waits for the runtime.
    pub fn dispatch(&self) -> Dispatch {
        let filter = EnvFilter::try_new(LOUD).expect("the filter is one");
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(self.clone()).finish().into()
    }

    pub fn lines(&self) -> usize {
        self.0.lines.load(Ordering::Relaxed)
    }

    /// Lines with a credential.
    pub fn leaks(&self) -> Vec<String> {
        self.0.leaks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<'a> MakeWriter<'a> for Logs {
    type Writer = Self;

    fn make_writer(&'a self) -> Self::Writer {
        self.clone()
    }
}

impl io::Write for Logs {
    /// One line at a time, whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lines.fetch_add(1, Ordering::Relaxed);
        let text = String::from_utf8_lossy(line);
        let mut secrets = SECRETS.into_iter().chain(self.0.secrets.iter().map(String::as_str));
        if secrets.any(|secret| text.contains(secret)) {
            self.0.leaks.lock().unwrap_or_else(PoisonError::into_inner).push(text.into_owned());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_in_a_line_is_found_and_other_lines_are_let_go() {
        let logs = Logs::searching(&["a secret for tests"]);
        logs.runtime().block_on(async {
            let told = tokio::spawn(async {
                tracing::info!(target: "palisade", token = "ghs_0123456789", "asked GitHub");
                tracing::debug!(target: "palisade", "the key is a secret for tests");
                tracing::warn!(target: "palisade", "nothing to see");
            });
            told.await.expect("nothing panics");
        });
        assert_eq!((logs.lines(), logs.leaks().len()), (3, 2), "{:?}", logs.leaks());
    }
}
