//! The program as an operator runs it: a process with variables, ended by a signal, whose log lines are read.

use palisade_github_fake::{Fake, FakeOptions};
use palisade_tests::captured;
use serde_json::Value;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

pub struct Served {
    pub github: Fake,
    child: Child,
    lines: JoinHandle<Vec<String>>,
    _directory: tempfile::TempDir,
}

impl Served {
    /// `palisade serve` against a GitHub of its own, with these variables and no others.
    pub async fn start(variables: &[(&str, &str)]) -> Self {
        let github = Fake::start(FakeOptions::default()).await.expect("a GitHub");
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("app.pem"), github.private_key_pem()).expect("writing the key");
        let configuration = format!(
            "[server]\naddress = \"127.0.0.1:0\"\n[github]\napp_id = {}\nprivate_key_path = \"app.pem\"\n\
             base_url = \"{}\"\nwebhook_secrets = [\"{}\"]\nartifact_hosts = [\"127.0.0.1\"]\n[queue]\ncoalesce = \"0s\"\n",
            github.app_id(),
            github.api_url(),
            github.webhook_secret(),
        );
        std::fs::write(directory.path().join("palisade.toml"), configuration).expect("writing the configuration");
        let mut child = Command::new(env!("CARGO_BIN_EXE_palisade-cli"))
            .arg("serve")
            .current_dir(directory.path())
            .env_clear()
            .env("PALISADE_CACHE_DIRECTORY", palisade_tests::compiled_code())
            .envs(variables.iter().copied())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let said = child.stderr.take().expect("its standard error is piped");
        let (address, lines) = listening(said).await;
        github.deliver_to(&format!("http://{address}/webhook"));
        // What a start looks at would otherwise come in between at some time or other.
        let looked =
            |state: &palisade_github_fake::State| (state.journal().count("GET /app/installations") > 0).then_some(());
        github.wait_until("the host to look at what is open", looked).await;
        Self { github, child, lines, _directory: directory }
    }

    /// Asks the program to end, as Kubernetes does, and answers its log lines.
    pub async fn stop(mut self) -> Vec<Value> {
        self.github.deliveries_settled().await;
        let id = self.child.id().expect("it runs").to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().await.expect("`kill` is there");
        assert!(asked.success());
        let status = self.child.wait().await.expect("it ends");
        assert!(status.success(), "{status}");
        let lines = self.lines.await.expect("its lines");
        captured::log("the program", &lines.join("\n"));
        for (what, secret) in self.github.secrets() {
            captured::plant(what, &secret);
        }
        lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

async fn listening(said: tokio::process::ChildStderr) -> (String, JoinHandle<Vec<String>>) {
    let mut lines = BufReader::new(said).lines();
    let mut kept = Vec::new();
    loop {
        let line = lines.next_line().await.expect("readable").unwrap_or_else(|| panic!("it ended: {kept:#?}"));
        if let Some(address) = line.strip_prefix("palisade listens on http://") {
            let address = address.to_owned();
            let rest = tokio::spawn(async move {
                while let Ok(Some(line)) = lines.next_line().await {
                    kept.push(line);
                }
                kept
            });
            return (address, rest);
        }
        kept.push(line);
    }
}
