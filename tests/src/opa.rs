//! The real `opa`, where it is installed: for bundles that it builds and signs, and as a server.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The command: named by `PALISADE_OPA`, on the search path, or where `cargo xtask setup` installs it. Where there is
/// none a test says aloud that it looked at nothing; in CI that is a failure.
pub fn command() -> Option<PathBuf> {
    let named = std::env::var_os("PALISADE_OPA").map(PathBuf::from);
    let installed = crate::workspace().join("target/tools/bin/opa");
    let found = [named, Some("opa".into()), Some(installed)].into_iter().flatten().find(|opa| {
        let mut version = Command::new(opa);
        version.arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    });
    if found.is_none() {
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        assert!(std::env::var_os("CI").is_none(), "{test}: opa is missing, and in CI that is a failure");
        eprintln!("SKIPPED {test}: opa is not installed; `cargo xtask setup` installs it where Go is there");
    }
    found
}

/// Runs it, and shows what it said if it fails.
pub fn run(opa: &Path, directory: &Path, arguments: &[&str]) {
    let output = Command::new(opa).args(arguments).current_dir(directory).output().expect("opa starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "opa {arguments:?}: {said}");
}

/// `opa run --server` on a free port of this machine. Dropping it ends it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub url: String,
}

impl Server {
    /// Serves the policies of a directory. OPA does not tell the port that it was given, so one is chosen for it; if
    /// somebody else took it meanwhile, OPA ends and another is tried.
    pub fn start(opa: &Path, policies: &Path) -> Self {
        (0..5).find_map(|_| Self::try_start(opa, policies)).expect("opa starts on one of five ports")
    }

    fn try_start(opa: &Path, policies: &Path) -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        // Without `--skip-version-check` OPA calls out to its makers at every start.
        let child = Command::new(opa)
            .args(["run", "--server", "--skip-version-check", "--log-level", "error", "--addr", &free.to_string()])
            .arg(policies)
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("opa starts");
        let mut server = Self { child, url: format!("http://{free}") };
        loop {
            if TcpStream::connect(free).is_ok() {
                return Some(server);
            }
            if server.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return None;
            }
            std::thread::yield_now();
        }
    }

    pub fn stop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
