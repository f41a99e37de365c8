//! Secrets and keys of which several may count at a time: in the configuration, or in files beside it, each with an end.

use super::Config;
use crate::model::{Secret, Slot, Unix};
use anyhow::{Context, Result, anyhow, bail};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::path::{Path, PathBuf};

/// Enough for any rotation, and a bound for what a delivery is tried with and for the metrics' labels.
const MOST: usize = 8;

/// A webhook secret: the text alone, or a table.
#[derive(Clone, Debug, Default)]
pub struct WebhookSecret {
    /// The text itself.
    pub secret: Option<Secret>,
    /// Or a file that holds it; line ends behind it do not count.
    pub path: Option<PathBuf>,
    /// Until when it counts: an instant, RFC 3339, or a date, which is 00:00 UTC of that day. Default: without end.
    pub not_after: Option<NotAfter>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivateKey {
    /// PEM, as GitHub hands it out.
    pub path: PathBuf,
    /// As for webhook secrets.
    pub not_after: Option<NotAfter>,
}

/// A certificate and its key, PEM. Both are read again when they change.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The host's certificate, and behind it those between it and the root.
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// The last second in which something counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAfter(pub Unix);

impl<'de> Deserialize<'de> for NotAfter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let midnight = || {
            let date = text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == "2026-03-01".len())?;
            date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|day| day.timestamp())
        };
        let instant = text.parse::<jiff::Timestamp>().ok().or_else(midnight);
        instant.and_then(|time| Unix::try_from(time.as_second()).ok()).map(Self).ok_or_else(|| {
            D::Error::custom(format!(
                "{text:?} is neither a date such as 2026-03-01 nor an instant such as 2026-03-01T12:00:00Z"
            ))
        })
    }
}

impl From<Secret> for WebhookSecret {
    fn from(secret: Secret) -> Self {
        Self { secret: Some(secret), ..Self::default() }
    }
}

impl<'de> Deserialize<'de> for WebhookSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            secret: Option<Secret>,
            path: Option<PathBuf>,
            not_after: Option<NotAfter>,
        }
        struct TextOrTable;
        impl<'de> Visitor<'de> for TextOrTable {
            type Value = WebhookSecret;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a secret, or a table with `secret` or `path`, and `not_after`")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<WebhookSecret, E> {
                Ok(Secret::new(text).into())
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WebhookSecret, A::Error> {
                let Table { secret, path, not_after } = Table::deserialize(MapAccessDeserializer::new(map))?;
                Ok(WebhookSecret { secret, path, not_after })
            }
        }
        deserializer.deserialize_any(TextOrTable)
    }
}

impl Config {
    /// The webhook secrets in their order, those from files read now. None at all is no error here.
    pub fn webhook_secrets(&self) -> Result<Vec<Slot<Secret>>> {
        let entries = &self.github.webhook_secrets;
        if entries.len() > MOST {
            bail!("github.webhook_secrets has {} entries, {MOST} at most: remove those that ended", entries.len());
        }
        entries.iter().enumerate().map(|(place, entry)| webhook_secret(place, entry)).collect()
    }

    /// The App's private keys: those of the list in their order, then the single one.
    pub fn private_keys(&self) -> Result<Vec<Slot<Secret>>> {
        let listed = self.github.private_keys.iter().map(|entry| {
            let not_after = entry.not_after.map(|NotAfter(end)| end);
            Ok(Slot { origin: entry.path.display().to_string(), value: key_file(&entry.path)?, not_after })
        });
        let keys = listed.chain(self.single_key().transpose()).collect::<Result<Vec<_>>>()?;
        if keys.is_empty() {
            return Err(anyhow!(
                "github.private_key is missing; set it, github.private_key_path, github.private_keys or \
                 POLLY_GITHUB_PRIVATE_KEY_PATH"
            ));
        }
        if keys.len() > MOST {
            bail!("github.private_keys has more than {MOST} entries: remove those that ended");
        }
        Ok(keys)
    }

    /// The content wins over the file.
    fn single_key(&self) -> Result<Option<Slot<Secret>>> {
        let slot = |origin: String, value| Some(Slot { origin, value, not_after: None });
        if let Some(key) = &self.github.private_key {
            return Ok(slot("github.private_key".to_owned(), Secret::new(key.expose().replace("\\n", "\n"))));
        }
        let Some(path) = &self.github.private_key_path else { return Ok(None) };
        Ok(slot(path.display().to_string(), key_file(path)?))
    }

    /// The files that are read again while the host runs: this configuration itself, secrets, keys, certificates.
    pub fn reloaded_files(&self) -> Vec<PathBuf> {
        let secrets = self.github.webhook_secrets.iter().filter_map(|entry| entry.path.as_ref());
        let keys = self.github.private_keys.iter().map(|entry| &entry.path).chain(&self.github.private_key_path);
        let tls = self.server.tls.iter().flat_map(|tls| [&tls.certificate, &tls.key]);
        self.origin.file.iter().chain(secrets).chain(keys).chain(tls).cloned().collect()
    }

    /// Reads the file and the environment again; a configuration that came from neither is as it was.
    pub fn again(&self) -> Result<Config> {
        match &self.origin.file {
            Some(file) => Self::load(Some(file)),
            None => Ok(self.clone()),
        }
    }

    /// Takes over what counts without a restart, and says which sections differ beside it.
    pub fn adopt(&mut self, new: Config) -> Vec<&'static str> {
        let ours = self.clone().without_credentials(new.server.tls.is_some()).sections();
        let theirs = new.clone().without_credentials(self.server.tls.is_some()).sections();
        let pairs = ours.into_iter().zip(theirs);
        let differing = pairs.filter(|(our, their)| our != their).map(|(our, _)| our.0).collect();
        self.github.webhook_secrets = new.github.webhook_secrets;
        self.github.private_key = new.github.private_key;
        self.github.private_key_path = new.github.private_key_path;
        self.github.private_keys = new.github.private_keys;
        // Other files than before are fine; a listener that begins or stops to speak TLS is another listener.
        if let (Some(tls), Some(new)) = (&mut self.server.tls, new.server.tls) {
            *tls = new;
        }
        differing
    }

    fn without_credentials(mut self, both_speak_tls: bool) -> Self {
        self.github.webhook_secrets.clear();
        self.github.private_key = None;
        self.github.private_key_path = None;
        self.github.private_keys.clear();
        if both_speak_tls {
            self.server.tls = None;
        }
        self
    }

    /// Each section as text. Secrets do not print, so a difference in one that is not reloaded goes unseen.
    fn sections(&self) -> [(&'static str, String); 21] {
        [
            ("server", format!("{:?}", self.server)),
            ("github", format!("{:?}", self.github)),
            ("state", format!("{:?}", self.state)),
            ("queue", format!("{:?}", self.queue)),
            ("sweeps", format!("{:?}", self.sweeps)),
            ("provenance", format!("{:?}", self.provenance)),
            ("artifacts", format!("{:?}", self.artifacts)),
            ("records", format!("{:?}", self.records)),
            ("runtime", format!("{:?}", self.runtime)),
            ("log", format!("{:?}", self.log)),
            ("telemetry", format!("{:?}", self.telemetry)),
            ("output", format!("{:?}", self.output)),
            ("comments", format!("{:?}", self.comments)),
            ("opa", format!("{:?}", self.opa)),
            ("plugins", format!("{:?}", self.plugins)),
            ("checks", format!("{:?}", self.checks)),
            ("waivers", format!("{:?}", self.waivers)),
            ("groups", format!("{:?}", self.groups)),
            ("overlay", format!("{:?}", self.overlay)),
            ("commits", format!("{:?}", self.commits)),
            ("the rest", format!("{:?}", (&self.rerun_scope, &self.merge_groups, self.fail_closed))),
        ]
    }
}

fn webhook_secret(place: usize, entry: &WebhookSecret) -> Result<Slot<Secret>> {
    let key = format!("github.webhook_secrets[{place}]");
    let not_after = entry.not_after.map(|NotAfter(end)| end);
    match (&entry.secret, &entry.path) {
        (Some(secret), None) => Ok(Slot { origin: key, value: secret.clone(), not_after }),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("reading a webhook secret from {} ({key})", path.display()))?;
            let value = Secret::new(text.trim_end_matches(['\r', '\n']));
            if value.is_empty() {
                bail!("{} is empty; write the webhook secret into it ({key})", path.display());
            }
            Ok(Slot { origin: path.display().to_string(), value, not_after })
        }
        _ => bail!("{key} needs either `secret` or `path`"),
    }
}

fn key_file(path: &Path) -> Result<Secret> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("reading the App's private key from {}", path.display()))?;
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config> {
        Ok(toml::from_str(text)?)
    }

    /// Proves R2.
    #[test]
    fn a_webhook_secret_is_a_text_or_a_table_with_an_end() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secret");
        std::fs::write(&file, "from a file\r\n").unwrap();
        let config = read(&format!(
            "[github]\nwebhook_secrets = ['plain', {{ secret = 'ends', not_after = '2026-03-01T00:00:01Z' }}, \
             {{ path = '{}', not_after = '2026-03-01' }}]\n",
            file.display()
        ))
        .unwrap();
        let slots = config.webhook_secrets().unwrap();
        let shown: Vec<_> = slots.iter().map(|slot| (slot.value.expose(), slot.not_after)).collect();
        let midnight = 1_772_323_200;
        assert_eq!(shown, [("plain", None), ("ends", Some(midnight + 1)), ("from a file", Some(midnight))]);
        assert_eq!(slots[1].origin, "github.webhook_secrets[1]");
        assert_eq!(config.reloaded_files(), [file]);
    }

    #[test]
    fn what_is_wrong_with_a_secret_is_named_and_the_secret_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("palisade.toml");
        let told = |text: &str| {
            std::fs::write(&file, format!("[github]\nwebhook_secrets = [{text}]\n")).unwrap();
            let read = Config::from_sources(Some(&file), Default::default());
            format!("{:#}", read.and_then(|config| config.webhook_secrets()).unwrap_err())
        };
        for (text, expected) in [
            ("{ not_after = '2026-03-01' }", "github.webhook_secrets[0] needs either `secret` or `path`"),
            ("'x', { secret = 'hunter2', path = 'y' }", "github.webhook_secrets[1] needs either `secret` or `path`"),
            ("{ path = 'nowhere.txt' }", "nowhere.txt (github.webhook_secrets[0])"),
            ("{ secret = 'hunter2', not_after = 'tomorrow' }", "\"tomorrow\" is neither a date"),
            ("{ secret = 'hunter2', until = '2026-03-01' }", "until`"),
            ("7", "a secret, or a table"),
        ] {
            let told = told(text);
            assert!(told.contains(expected), "{expected} in {told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
        assert!(told(&["'x'"; 9].join(", ")).contains("9 entries, 8 at most"));
    }

    #[test]
    fn the_listed_keys_come_before_the_single_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new.pem");
        std::fs::write(&path, "new").unwrap();
        let config =
            read(&format!("[github]\nprivate_key = 'a\\nb'\nprivate_keys = [{{ path = '{}' }}]\n", path.display()));
        let keys = config.unwrap().private_keys().unwrap();
        assert_eq!(keys.iter().map(|key| key.value.expose()).collect::<Vec<_>>(), ["new", "a\nb"]);
    }

    #[test]
    fn what_needs_a_restart_is_told_and_left_as_it_was() {
        let mut config = read("[github]\nwebhook_secrets = ['a']\n[queue]\nworkers = 3\n").unwrap();
        let new = "[github]\nwebhook_secrets = ['b', 'c']\n[queue]\nworkers = 4\n[server]\nmax_connections = 7\n";
        assert_eq!(config.adopt(read(new).unwrap()), ["server", "queue"]);
        assert_eq!((config.github.webhook_secrets.len(), config.queue.workers), (2, 3));
        assert_eq!(config.adopt(read("[queue]\nworkers = 3\n").unwrap()), [""; 0]);
    }
}
