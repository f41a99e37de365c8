//! Where the credentials of a new App go: one file, for its owner only, there whole or not at all.

use crate::github::Converted;
use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// For its owner only.
const MODE: u32 = 0o600;
/// Whoever may write to the directory could put another file in the place of this one.
const WRITABLE_BY_OTHERS: u32 = 0o022;

pub struct Destination {
    file: PathBuf,
    directory: PathBuf,
    replaces: bool,
}

#[derive(Serialize)]
struct Configuration<'a> {
    github: Section<'a>,
}

#[derive(Serialize)]
struct Section<'a> {
    app_id: u64,
    client_id: &'a str,
    base_url: &'a str,
    webhook_secrets: Vec<&'a str>,
    private_key: &'a str,
}

impl Destination {
    /// Refuses what would not be safe, or would replace something unasked.
    pub fn new(file: &Path, force: bool) -> Result<Self> {
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = parent.unwrap_or(Path::new(".")).to_owned();
        let told = || format!("storing credentials in {}", file.display());
        let metadata = std::fs::metadata(&directory).with_context(told)?;
        if !metadata.is_dir() || metadata.mode() & WRITABLE_BY_OTHERS != 0 {
            bail!("{}: its directory can be written by others; choose another with --out, or `chmod go-w` it", told());
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() && metadata.uid() != 0 {
            bail!("{}: its directory belongs to somebody else; choose another with --out", told());
        }
        if !force && file.symlink_metadata().is_ok() {
            bail!("{}: it exists; move it away, choose another with --out, or replace it with --force", told());
        }
        Ok(Self { file: file.to_owned(), directory, replaces: force })
    }

    /// Written aside and moved into place, so that nobody ever sees a part of it.
    pub fn keep(&self, base_url: &str, converted: &Converted) -> Result<()> {
        let secrets = converted.webhook_secret.iter().map(|secret| secret.expose()).collect();
        let github = Section {
            app_id: converted.id,
            client_id: &converted.client_id,
            base_url,
            webhook_secrets: secrets,
            private_key: converted.pem.expose(),
        };
        let text = toml::to_string_pretty(&Configuration { github }).context("writing TOML")?;
        let mut aside = tempfile::Builder::new()
            .permissions(std::fs::Permissions::from_mode(MODE))
            .tempfile_in(&self.directory)
            .with_context(|| format!("creating a file in {}", self.directory.display()))?;
        aside
            .write_all(text.as_bytes())
            .and_then(|()| aside.as_file().sync_all())
            .context("writing the credentials")?;
        let placed = if self.replaces {
            aside.persist(&self.file).map(drop)
        } else {
            aside.persist_noclobber(&self.file).map(drop)
        };
        placed.with_context(|| format!("moving the credentials to {}", self.file.display()))
    }
}
