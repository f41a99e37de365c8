//! The real program as a process of its own, for the demo, the load driver and tests that kill it.

use anyhow::{Context, Result, bail};
use palisade_github_fake::Fake;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Loading plugins without a cache compiles all of them: half a minute on a slow machine.
const START_PATIENCE: Duration = Duration::from_secs(120);

/// A running `palisade serve`. Dropping it kills it.
#[derive(Debug)]
pub struct HostProcess {
    pub address: String,
    child: Child,
}

impl HostProcess {
    /// Starts the program that `PALISADE_BINARY` names against this GitHub. Whatever it says goes to standard error.
    pub async fn start(github: &Fake, directory: &Path, log_level: &str) -> Result<Self> {
        let binary = std::env::var_os("PALISADE_BINARY").context("PALISADE_BINARY is not set; use `cargo xtask`")?;
        std::fs::write(directory.join("app.pem"), github.private_key_pem()).context("writing the App's key")?;
        let text = format!(
            "[server]\naddress = \"127.0.0.1:0\"\n\n[github]\napp_id = {}\nprivate_key_path = \"app.pem\"\n\
             base_url = \"{}\"\nwrite_spacing = \"0s\"\nwebhook_secrets = [\"{}\"]\nartifact_hosts = [\"127.0.0.1\"]\n\n\
             [log]\nlevel = \"{log_level}\"\n",
            github.app_id(),
            github.api_url(),
            github.webhook_secret(),
        );
        Self::run(Path::new(&binary), directory, &text).await
    }

    /// Starts this program with this configuration, which is written into the directory.
    pub async fn run(binary: &Path, directory: &Path, text: &str) -> Result<Self> {
        let configuration = directory.join("palisade.toml");
        std::fs::write(&configuration, text).context("writing the configuration")?;
        let mut child = Command::new(binary)
            .arg("--config")
            .arg(&configuration)
            .arg("serve")
            .env("PALISADE_CACHE_DIRECTORY", crate::compiled_code())
            .env_remove("PALISADE_BINARY")
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting the host")?;
        let said = child.stderr.take().context("the host's standard error is piped")?;
        let mut lines = BufReader::new(said).lines();
        let listening = async {
            while let Some(line) = lines.next_line().await? {
                if let Some(address) = line.strip_prefix("palisade listens on ") {
                    return Ok(address.to_owned());
                }
                tell(&line);
            }
            bail!("the host ended before it listened")
        };
        let address =
            tokio::time::timeout(START_PATIENCE, listening).await.context("the host did not listen in time")??;
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                tell(&line);
            }
        });
        Ok(Self { address, child })
    }

    /// A figure of the kernel's about the process, such as `VmRSS:`, in KiB.
    pub fn memory_kib(&self, label: &str) -> Result<u64> {
        let id = self.child.id().context("the host is running")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).context("reading the host's memory")?;
        let line = status.lines().find_map(|line| line.strip_prefix(label)).context("the kernel tells it")?;
        line.trim().trim_end_matches(" kB").parse().context("a number")
    }

    /// Sends SIGHUP.
    pub async fn hang_up(&self) -> Result<()> {
        let id = self.child.id().context("the host is running")?;
        let sent =
            Command::new("sh").arg("-c").arg(format!("kill -HUP {id}")).status().await.context("sending SIGHUP")?;
        if sent.success() { Ok(()) } else { bail!("SIGHUP was not sent") }
    }

    pub async fn kill(mut self) -> Result<()> {
        self.child.kill().await.context("stopping the host")
    }
}

fn tell(line: &str) {
    eprintln!("host: {line}");
    crate::captured::log("the program", line);
}
