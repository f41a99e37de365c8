//! The program as a process of its own, beside a GitHub that answers while it runs.

use palisade_github_fake::Fake;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// What a run of the program said, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// The line of `doctor` about one thing that has these words.
    pub fn line(&self, words: &str) -> &str {
        self.out.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("no line has {words:?}\n{self}"))
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {}\n{}\n{}", self.code, self.out, self.err)
    }
}

pub fn command(directory: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_palisade-cli"));
    command
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("PALISADE_CACHE_DIRECTORY", palisade_tests::compiled_code())
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

pub async fn palisade(directory: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let output = command(directory, arguments, variables).output().await.expect("the program runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said =
        Said { code: output.status.code().expect("it exits"), out: text(&output.stdout), err: text(&output.stderr) };
    palisade_tests::captured::log("the program", &format!("{}{}", said.out, said.err));
    said
}

/// A directory with a configuration for this GitHub, and more text in its `[github]` section or after it.
pub fn configured(github: &Fake, base_url: &str, more: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let text = format!(
        "[github]\napp_id = {}\nprivate_key_path = \"app.pem\"\nbase_url = \"{base_url}\"\nwebhook_secrets = [\"{}\"]\n\
         artifact_hosts = [\"127.0.0.1\"]\n{more}",
        github.app_id(),
        github.webhook_secret(),
    );
    std::fs::write(directory.path().join("app.pem"), github.private_key_pem()).expect("writing the key");
    std::fs::write(directory.path().join("palisade.toml"), text).expect("writing the configuration");
    directory
}
