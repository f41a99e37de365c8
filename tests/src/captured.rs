//! Everything that a run of the tests says, in files below `target/test-output`, with the secrets that were planted: the
//! stage `secrets` of `cargo xtask test` searches the one for the other.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tracing::Subscriber;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

/// What an operator sees who asks for everything that is worth asking for.
const LOUD: &str = "palisade=trace,octocrab=trace,hyper=debug,hyper_util=debug,tower=debug,info";

#[derive(Debug)]
struct Files {
    said: Shared,
    shown: Shared,
    planted: Mutex<File>,
}

#[derive(Clone, Debug)]
struct Shared(Arc<Mutex<File>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Where the files are.
pub fn directory() -> PathBuf {
    crate::workspace().join("target").join("test-output")
}

/// The log lines of this process.
pub fn said() -> PathBuf {
    directory().join(format!("said-{}.txt", std::process::id()))
}

/// Begins to keep log lines and spans of this process; once, whoever asks first.
pub fn start() {
    files();
}

/// Keeps log lines and spans, for a test that has a subscriber of its own.
pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    lines(files().said.clone())
}

fn lines<S: Subscriber + for<'a> LookupSpan<'a>>(writer: Shared) -> impl Layer<S> {
    tracing_subscriber::fmt::layer()
        .json()
        .with_writer(move || writer.clone())
        .with_span_events(FmtSpan::CLOSE)
        .with_filter(EnvFilter::new(LOUD))
}

fn files() -> &'static Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(|| {
        let directory = directory();
        std::fs::create_dir_all(directory.join("planted")).expect("target/ can be written");
        let open = |name: &str| {
            let file = OpenOptions::new().create(true).append(true).open(directory.join(name));
            file.expect("target/test-output can be written")
        };
        let process = std::process::id();
        let said = Shared(Arc::new(Mutex::new(open(&format!("said-{process}.txt")))));
        let shown = Shared(Arc::new(Mutex::new(open(&format!("shown-{process}.txt")))));
        // A test that has a subscriber of its own adds `layer` to it.
        let _ = tracing_subscriber::registry().with(lines(said.clone())).try_init();
        Files { said, shown, planted: Mutex::new(open(&format!("planted/{process}.txt"))) }
    })
}

/// Keeps what an operator's tools got to see beside log lines: what a program logged, what a collector was told.
pub fn log(what: &str, text: &str) {
    // One write, so that two tests do not mix their lines.
    let _ = files().said.clone().write_all(format!("── {what}\n{text}\n").as_bytes());
}

/// Keeps what anybody else got to see: an answer, a page, a record, what GitHub was told.
pub fn keep(what: &str, text: &str) {
    let _ = files().shown.clone().write_all(format!("── {what}\n{text}\n").as_bytes());
}

/// Remembers a text that must show nowhere.
pub fn plant(what: &str, secret: &str) {
    note("everywhere", what, secret);
}

/// Remembers a text that decisions show and logs must not: a body, a plugin's settings.
pub fn plant_in_body(what: &str, text: &str) {
    note("logs", what, text);
}

fn note(scope: &str, what: &str, secret: &str) {
    let mut planted = files().planted.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = planted.write_all(format!("{scope}\t{what}\t{secret}\n").as_bytes());
}
