//! One typed configuration, validated before start. This is the only room that reads the environment.
//!
//! Sources, each overriding the one before: defaults, a TOML file, environment variables. An unknown key in the file
//! is an error that names the nearest known key; an unknown `POLLY_` or `PALISADE_` variable is a warning. Secrets
//! are read into types that do not print.

mod credentials;
mod environment;
mod reach;
mod selection;
pub mod telemetry;

pub use credentials::{NotAfter, PrivateKey, Tls, WebhookSecret};
pub use reach::{Addresses, Edition, Proxies};
pub use selection::{Group, Overlay, OverlaySetting};

use crate::model::Secret;
use anyhow::{Context, Result, anyhow, bail};
use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use telemetry::Telemetry;

/// Everything that an operator can say. `examples/palisade.toml` shows every key with its default; a test reads it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub github: GitHub,
    pub state: State,
    pub queue: Queue,
    pub sweeps: Sweeps,
    pub artifacts: Artifacts,
    pub provenance: Provenance,
    pub records: Records,
    pub runtime: Runtime,
    pub log: Log,
    pub telemetry: Telemetry,
    pub output: Output,
    pub comments: Comments,
    pub opa: Opa,
    /// Plugins beside the first-party ones, or settings for those, by name.
    pub plugins: BTreeMap<String, Plugin>,
    /// Checks by the name that GitHub shows. None given: `Vulnerability Scan Check` and `License Check`.
    pub checks: BTreeMap<String, Check>,
    pub waivers: Vec<Waiver>,
    /// What *Re-run all checks* judges again: `all`, or `failed` for those whose last conclusion was not success.
    /// Default `all`.
    pub rerun_scope: Option<String>,
    /// What a merge queue's group is judged by: `reevaluate`, its own runs; or `inherit_if_same_tree`, which lets a check
    /// pass that passed on a pull request's head with the very files that the group holds, and judges the others. Default
    /// `reevaluate`.
    pub merge_groups: Option<String>,
    /// Where checks apply, and how strict they are there. None given: everywhere, as the check says.
    pub groups: BTreeMap<String, Group>,
    pub overlay: Overlay,
    pub commits: Commits,
    /// Turns every conclusion that is neutral or success for lack of a judgement into failure. Default false.
    pub fail_closed: bool,
    /// What the environment says about proxies; no key sets it.
    #[serde(skip)]
    pub proxies: Proxies,
    /// Seen while reading; shown at start and by `palisade doctor`.
    #[serde(skip)]
    pub warnings: Vec<String>,
    #[serde(skip)]
    pub origin: Origin,
}

/// Where a configuration was read, so that what may change while the host runs can be read again.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub file: Option<PathBuf>,
    /// Secrets that the environment sets: they stay as they are until a restart.
    pub fixed: Vec<&'static str>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address to listen on. Default `0.0.0.0:8080`.
    pub address: String,
    /// The port, over that of the address; `POLLY_PORT` sets it.
    pub port: Option<u16>,
    /// Where people reach this host, for links. Default none.
    pub public_url: Option<String>,
    /// `public`: whoever has a decision's address may read its page. Default `off`: there are no pages.
    pub pages: Pages,
    /// How long a shutdown waits for jobs. Default `25s`, below the 30 s that Kubernetes grants.
    #[serde(with = "duration")]
    pub drain: Duration,
    /// Speak TLS, with a certificate from files. Default none: a reverse proxy does, or the network is trusted.
    pub tls: Option<Tls>,
    /// Connections at once; who comes then waits for one to end. An eighth is for sources that sent a verified delivery
    /// within the hour; of others, none rests between two requests while less than a quarter is left. Default 1,024.
    pub max_connections: usize,
    /// Those of one source (an address, or an IPv6 network of 64 bits); more are closed. Trusted proxies are not counted.
    /// Default 256.
    pub max_connections_per_source: usize,
    /// Requests a second from one source, twice as many in a burst; more get a 429. A source that sent a verified delivery
    /// within the hour may send twenty times as many. Default 100.
    pub max_requests_per_second: u32,
    /// Deliveries that were refused for their signature or form, a minute, from a source that has sent none that was
    /// verified within the hour; until there is room again it gets a 429. Default 60.
    pub max_refusals_per_minute: u32,
    /// Networks of reverse proxies, such as `10.0.0.0/8`, whose `X-Forwarded-For` tells the source. Default none.
    pub trusted_proxies: Vec<String>,
    /// How long a TLS handshake may take, and then a request's head. Default `10s`.
    #[serde(with = "duration")]
    pub header_timeout: Duration,
    /// How long a request's body may take, and whoever reads an answer between two pieces. Default `10s`: GitHub itself
    /// gives up then.
    #[serde(with = "duration")]
    pub body_timeout: Duration,
    /// How long a connection stays open between two requests. Default `75s`, longer than reverse proxies keep theirs.
    #[serde(with = "duration")]
    pub idle_timeout: Duration,
    /// How often this file and those with secrets, keys and certificates are looked at for changes. Default `5s`; `0s`
    /// leaves it to SIGHUP.
    #[serde(with = "duration")]
    pub reload_interval: Duration,
}
impl Default for Server {
    fn default() -> Self {
        Self {
            address: "0.0.0.0:8080".into(),
            port: None,
            public_url: None,
            pages: Pages::Off,
            drain: Duration::from_secs(25),
            tls: None,
            max_connections: 1_024,
            max_connections_per_source: 256,
            max_requests_per_second: 100,
            max_refusals_per_minute: 60,
            trusted_proxies: Vec::new(),
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            reload_interval: Duration::from_secs(5),
        }
    }
}

impl Server {
    fn apply_port(&mut self) {
        if let (Some(port), Some((host, _))) = (self.port, self.address.rsplit_once(':')) {
            self.address = format!("{host}:{port}");
        }
    }

    fn is_loopback(&self) -> bool {
        let host = self.address.rsplit_once(':').map_or(self.address.as_str(), |(host, _)| host);
        host == "localhost"
            || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GitHub {
    /// The App's id. Required for `serve`.
    pub app_id: u64,
    /// The App's client id, by which it then names itself to GitHub, as GitHub prefers. Default none: by its id.
    pub client_id: Option<String>,
    /// The App's private key, PEM; `\n` escapes are accepted. Wins over `private_key_path`.
    pub private_key: Option<Secret>,
    pub private_key_path: Option<PathBuf>,
    /// Several keys while one is being rotated, the newest first. The first that counts signs; one that GitHub refuses
    /// gives way to the next. They come before the single one. Default none.
    pub private_keys: Vec<PrivateKey>,
    /// A personal access token, for trying Palisade without an App: `palisade evaluate --run` reads with it what a workflow
    /// run uploaded. Only Apps may write check runs, so `serve` refuses to start with it alone; where the App's id and key
    /// are given it is not used. Default none.
    pub token: Option<Secret>,
    /// The installation that is meant where a webhook names none, as a repository's own webhooks do. Default none: such
    /// deliveries are ignored.
    pub installation_id: Option<u64>,
    /// Default `https://api.github.com`; GitHub Enterprise Server's is `https://HOST/api/v3` or `https://HOST`, with data
    /// residency `https://SUBDOMAIN.ghe.com`. Links, tokens and pages stay below it.
    pub base_url: String,
    /// The version of GitHub's REST API that is asked for; an Enterprise Server that does not take it stops the start.
    /// Default `2022-11-28`.
    pub api_version: String,
    /// Certificates (PEM) of authorities to trust beside the system's, for GitHub, its storage and the proxy. Default none.
    pub ca_file: Option<PathBuf>,
    /// Webhook secrets; several while one is being rotated. Each is a text, or a table of `secret` or `path`, and
    /// `not_after`.
    pub webhook_secrets: Vec<WebhookSecret>,
    /// Accept webhooks without a signature, on a loopback address only. Default false.
    pub allow_unsigned_webhooks: bool,
    /// Hosts with private or loopback addresses from which artifacts may be downloaded: the storage of a GitHub
    /// Enterprise Server inside a network, or a test. Public ones need no entry, unless a proxy must be told their names:
    /// it is given the address that was looked up and found public, but the name of a host that stands here. `*.` at the
    /// beginning stands for any subdomain. Default none.
    pub artifact_hosts: Vec<String>,
    /// The first wait before a call that GitHub failed is repeated; each further one doubles it. Default `500ms`.
    #[serde(with = "duration")]
    pub retry_base: Duration,
    /// How long a call may take. Default `30s`.
    #[serde(with = "duration")]
    pub timeout: Duration,
    /// What an installation's writes keep from each other once twenty have gone; GitHub asks for a second. Its limits on
    /// points and comments are kept at the same pace: half the spacing, twice as many. `0s` is for a server without rate
    /// limits: then there is no pace, and only what GitHub answers counts. Default `1s`.
    #[serde(with = "duration")]
    pub write_spacing: Duration,
}
impl Default for GitHub {
    fn default() -> Self {
        Self {
            app_id: 0,
            client_id: None,
            private_key: None,
            private_key_path: None,
            token: None,
            installation_id: None,
            ca_file: None,
            api_version: "2022-11-28".into(),
            private_keys: Vec::new(),
            base_url: "https://api.github.com".into(),
            webhook_secrets: Vec::new(),
            allow_unsigned_webhooks: false,
            artifact_hosts: Vec::new(),
            retry_base: Duration::from_millis(500),
            timeout: Duration::from_secs(30),
            write_spacing: Duration::from_secs(1),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// `memory`, the only backend so far.
    pub backend: String,
    /// How long a commit's state is kept. Default `24h`.
    #[serde(with = "duration")]
    pub expiry: Duration,
    /// Entries and bytes that the memory backend holds at most. Defaults 1,000,000 and 256 MiB.
    pub max_entries: usize,
    pub max_bytes: usize,
    /// Bytes of decision records kept in memory, where `records.directory` names no directory; the oldest go first.
    /// Default 64 MiB.
    pub records_max_bytes: usize,
    /// Bytes of branches' newest evidence kept in memory, packed; the oldest go first and are fetched again. Default
    /// 64 MiB.
    pub baselines_max_bytes: usize,
}
impl Default for State {
    fn default() -> Self {
        Self {
            backend: "memory".into(),
            expiry: Duration::from_secs(24 * 3600),
            max_entries: 1_000_000,
            max_bytes: 256 << 20,
            records_max_bytes: 64 << 20,
            baselines_max_bytes: 64 << 20,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Queue {
    /// Jobs that wait at most; beyond it webhooks are answered 503. Default 65,536, a minute at 1,000 a second.
    pub capacity: usize,
    /// Jobs at once. Most of a job is waiting for GitHub. Default 16.
    pub workers: usize,
    /// How long hints about one commit are gathered after the last one before one job looks at all of them: at most ten
    /// times as long after the first, and fifty times while the installation is limited. Default `200ms`.
    #[serde(with = "duration")]
    pub coalesce: Duration,
    /// Attempts before a job that the world fails is buried. Default 8: about four minutes of back-off.
    pub attempts: u32,
    /// The first wait before such a job is tried again; each further one doubles it, to two minutes at most. Default `2s`.
    #[serde(with = "duration")]
    pub retry_base: Duration,
}
impl Default for Queue {
    fn default() -> Self {
        Self {
            capacity: 65_536,
            workers: 16,
            coalesce: Duration::from_millis(200),
            attempts: 8,
            retry_base: Duration::from_secs(2),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sweeps {
    /// How often all open pull requests are compared with their checks. Default `10m`.
    #[serde(with = "duration")]
    pub reconcile_every: Duration,
    /// How much of each installation's calls in an hour that may take, in percent; as much again may be taken to judge open
    /// pull requests by a policy that changed. Default 10.
    pub budget_percent: u64,
}
impl Default for Sweeps {
    fn default() -> Self {
        Self { reconcile_every: Duration::from_secs(10 * 60), budget_percent: 10 }
    }
}

/// Events whose runs are of the commit that is judged.
pub const EVENTS: [&str; 4] = ["pull_request", "push", "workflow_dispatch", "merge_group"];

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Artifacts {
    /// Where unpacked files are kept. Default: a directory of this process below the system's temporary one.
    pub directory: Option<PathBuf>,
    /// Globs over artifact names, or with a `/` over `<artifact name>/<path>`, compared without case: what matches
    /// is evidence even if nothing recognises it. The default names what CI usually calls its reports.
    pub evidence: Vec<String>,
    /// Workflow files whose runs count, as globs. Default: all.
    pub workflows: Vec<String>,
    /// GitHub's names of the events whose runs count. Default: those whose runs are of the commit itself. Runs for others
    /// (`schedule`, `pull_request_target`, `workflow_run`, …) are about the base branch, or made by GitHub (`dynamic`).
    pub events: Vec<String>,
    /// Reusable workflows that are trusted, each in one version: `owner/repository/.github/workflows/scan.yml@` and the
    /// commit's sha. What a run brings that calls one is `trusted-workflow`. Default none.
    pub trusted_workflows: Vec<String>,
    /// How long a check waits for a first accepted run. Default `15m`.
    #[serde(with = "duration")]
    pub no_run_deadline: Duration,
    /// How long a run that is still going holds a check open. Default `6h`.
    #[serde(with = "duration")]
    pub evidence_deadline: Duration,
}
impl Default for Artifacts {
    fn default() -> Self {
        Self {
            directory: None,
            evidence: ["*sbom*", "*spdx*", "*cyclonedx*", "*trivy*", "*sarif*", "*vulnerabilit*"]
                .map(str::to_owned)
                .to_vec(),
            workflows: Vec::new(),
            events: EVENTS.map(str::to_owned).to_vec(),
            trusted_workflows: Vec::new(),
            no_run_deadline: Duration::from_secs(15 * 60),
            evidence_deadline: Duration::from_secs(6 * 3600),
        }
    }
}

/// Signed evidence: the tier `attested`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Provenance {
    /// Whose signatures count: a Sigstore `trusted_root.json`, or several after each other, as
    /// `gh attestation trusted-root` prints them. With it attestations of evidence are asked for and verified, which costs
    /// a call for each artifact that is named as evidence, one more for each file that only has one of its own, and needs
    /// the App's permission `attestations: read`. Default none: nothing is `attested`.
    pub trusted_root: Option<PathBuf>,
    /// Kinds of runners on which a signature counts, as certificates name them: `github-hosted`, `self-hosted`. Default
    /// only the first: whoever runs the other can make it sign anything.
    pub runners: Vec<String>,
}
impl Default for Provenance {
    fn default() -> Self {
        Self { trusted_root: None, runners: vec!["github-hosted".to_owned()] }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Records {
    /// Where decisions are kept with the files that they were judged from, for `palisade replay`; a directory of this host
    /// alone. Default none: they are kept in memory without their files, within `state.records_max_bytes`.
    pub directory: Option<PathBuf>,
    /// How long a decision is kept there. Default `30d`.
    #[serde(with = "duration")]
    pub max_age: Duration,
    /// Bytes that decisions and their files have there at most; the oldest go first. Default 1 GiB.
    pub max_bytes: u64,
}
impl Default for Records {
    fn default() -> Self {
        Self { directory: None, max_age: Duration::from_secs(30 * 24 * 3600), max_bytes: 1 << 30 }
    }
}

/// Who may read the pages of decisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pages {
    #[default]
    Off,
    Public,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Runtime {
    /// Compiled plugins, kept over restarts. Default: the user's cache directory; `""` does without.
    pub cache_directory: Option<PathBuf>,
    /// Guest calls at once. Default: as many as cores.
    pub concurrency: Option<usize>,
    /// Limits for all plugins; `[plugins.<name>.limits]` overrides them one by one.
    pub limits: serde_json::Map<String, serde_json::Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `palisade=debug,warn`. Default `info`.
    pub level: String,
    /// JSON lines instead of text. Default true for `serve`.
    pub json: bool,
    /// Each line says where in the source it was written. Default false.
    pub source: bool,
}
impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), json: true, source: false }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Output {
    /// Annotations of one check at most; the text counts those that are left out. Default 300, which is also the most:
    /// more make a pull request's page unusable.
    pub annotations: usize,
}
impl Default for Output {
    fn default() -> Self {
        Self { annotations: 300 }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Comments {
    /// One comment on each pull request on which something is to be acted upon. Default true.
    pub enabled: bool,
}
impl Default for Comments {
    fn default() -> Self {
        Self { enabled: true }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Opa {
    /// An OPA server that keeps the policies of the two default checks: it is there as the plugins `opa-vulnerability`
    /// and `opa-license`, and answers for the default checks. Default none; `POLLY_OPA_SERVER_URL` sets it.
    pub server_url: Option<String>,
}

/// One of several keys that an OPA bundle may be signed with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerificationKey {
    /// The public key in PEM, or for the HMAC algorithms the secret. Relative to the configuration file's directory.
    pub file: PathBuf,
    /// Default `RS256`.
    #[serde(default)]
    pub algorithm: Option<String>,
    /// The scope that a signature by this key must name. Default none.
    #[serde(default)]
    pub scope: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plugin {
    /// A component, an OPA module (`policy.wasm`), an OPA bundle (`.tar.gz`), or a directory of Rego files; absent for a
    /// first-party plugin that is only given settings. Relative to the configuration file's directory.
    pub file: Option<PathBuf>,
    /// Data of an OPA module or of Rego files, JSON or YAML. Default for a module: a `data.json` or `data.yaml` beside it.
    pub data: Option<PathBuf>,
    /// The public key in PEM, or for the HMAC algorithms the secret, that an OPA bundle must be signed with.
    pub verification_key: Option<PathBuf>,
    /// Default `RS256`.
    pub verification_algorithm: Option<String>,
    /// The scope that the signature must name. Default none.
    pub verification_scope: Option<String>,
    /// Several such keys by the id that a signature names, each with its own algorithm and scope, in the place of the
    /// three above: for the time in which one key takes another's place. Default none.
    pub verification_keys: BTreeMap<String, VerificationKey>,
    /// An OPA server that is asked instead of a file, such as `http://127.0.0.1:8181`.
    pub opa_server: Option<String>,
    /// Capabilities granted. Default none.
    pub grants: Vec<String>,
    pub limits: serde_json::Map<String, serde_json::Value>,
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// Normalizers: globs over `<artifact name>/<path>` that this plugin reads whatever others recognise.
    pub bind: Vec<String>,
    /// Switches a first-party plugin off. Default false.
    pub disabled: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Check {
    /// Evaluator plugins by name.
    pub policies: Vec<String>,
    /// Settings by policy, over those of the plugin.
    pub settings: BTreeMap<String, serde_json::Map<String, serde_json::Value>>,
    /// What its policies judge, in place of what the plugins say: `vulnerabilities`, `licenses`, …. For policies in Rego it
    /// stands beside what their entrypoint tells.
    pub reads: Option<Vec<String>>,
    pub fail_closed: Option<bool>,
    /// Whether it has a section in the pull request's comment. Default true.
    pub comment: Option<bool>,
    /// `enforce` (default), `warn`: what would block is shown and concludes as `on_warn` says, or `dry-run`: shown under a
    /// name of its own, `License Check (dry run)`, and never a failure.
    pub mode: Option<String>,
    /// `success`, `neutral` or `failure`.
    pub on_partial: Option<String>,
    pub on_warn: Option<String>,
    pub on_broken: Option<String>,
    pub on_outage: Option<String>,
    pub on_missing: Option<String>,
    pub on_workflow: Option<String>,
    /// `covered` (default) or `all`.
    pub wait_for: Option<String>,
    /// How far evidence must be trusted to count: `none` (default), `changed-workflow`, `repository` (default where the
    /// check fails closed) or `trusted-workflow`.
    pub min_provenance: Option<String>,
    /// Which findings can block: `all` (default), or only those `introduced` by the change.
    pub judge: Option<String>,
    /// What a check that judges introduced findings does where there is no baseline: `warn` (default) or `fail`, which
    /// `fail_closed` sets.
    pub baseline_missing: Option<String>,
}

/// Commits that are judged without a pull request. Globs: `*` ends at a `/`, `**` does not.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Commits {
    /// Branches whose pushed commits get the checks. Default none.
    pub branches: Vec<String>,
    /// The same for tags. Default none.
    pub tags: Vec<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Waiver {
    pub id: Option<String>,
    pub package: Option<String>,
    pub rules: Vec<String>,
    pub reason: Option<String>,
    pub owner: Option<String>,
    /// A date (00:00 UTC of that day, which is no longer covered) or an instant, RFC 3339.
    pub until: Option<String>,
    pub unless_fixed: bool,
}

impl Config {
    /// Reads `file` (or none) and the environment.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        Self::from_sources(file, std::env::vars().collect())
    }

    /// Reads `file` (or none) and the given variables.
    pub fn from_sources(file: Option<&Path>, variables: BTreeMap<String, String>) -> Result<Self> {
        let (values, warnings) = environment::read(&variables);
        let mut figment = Figment::new();
        if let Some(file) = file {
            if !file.is_file() {
                bail!("reading {}: there is no such file; name another with --config", file.display());
            }
            figment = figment.merge(Toml::string(&well_formed(file)?));
        }
        let mut config: Config =
            figment.merge(Serialized::defaults(&values)).extract().map_err(|error| explain(error, file))?;
        config.warnings = warnings;
        config.proxies = Proxies::read(&variables);
        config.origin = Origin { file: file.map(Path::to_owned), fixed: environment::secrets(&values) };
        config.server.apply_port();
        config.warn_of_unused();
        if let Some(directory) = file.and_then(Path::parent) {
            config.resolve_paths(directory);
        }
        Ok(config)
    }

    /// Paths in a file are relative to the file, not to where the process was started.
    fn resolve_paths(&mut self, directory: &Path) {
        let plugins = self.plugins.values_mut().flat_map(|plugin| {
            let keys = plugin.verification_keys.values_mut().map(|key| &mut key.file);
            [&mut plugin.file, &mut plugin.data, &mut plugin.verification_key].into_iter().flatten().chain(keys)
        });
        let github = &mut self.github;
        let named = [&mut github.private_key_path, &mut github.ca_file, &mut self.records.directory];
        let named = named.into_iter().chain([&mut self.provenance.trusted_root]);
        let secrets = github.webhook_secrets.iter_mut().filter_map(|entry| entry.path.as_mut());
        let keys = github.private_keys.iter_mut().map(|entry| &mut entry.path);
        let tls = self.server.tls.iter_mut().flat_map(|tls| [&mut tls.certificate, &mut tls.key]);
        let credentials = secrets.chain(keys).chain(tls);
        for path in plugins.chain(credentials).chain(named.flatten()) {
            *path = directory.join(&*path);
        }
    }

    /// Whether there is an App to be, as far as the configuration says: its key is not read.
    pub fn names_app(&self) -> bool {
        let github = &self.github;
        let single = github.private_key.is_some() || github.private_key_path.is_some();
        github.app_id != 0 && (single || !github.private_keys.is_empty())
    }

    fn warn_of_unused(&mut self) {
        if self.github.token.is_some() && self.names_app() {
            self.warnings.push("github.token is not used: the App's own credentials are given".to_owned());
        }
    }

    /// What cannot be used of how GitHub is to be reached.
    pub fn unreachable(&self) -> Vec<String> {
        let address = Addresses::parse(&self.github.base_url).err().map(|error| error.to_string());
        address.into_iter().chain(self.proxies.problems()).collect()
    }
    /// What `serve` needs and this configuration lacks, all of it at once.
    pub fn missing_for_serve(&self) -> Vec<String> {
        let mut missing = self.unreachable();
        if self.github.token.is_some() && !self.names_app() {
            missing.push(
                "github.token is not enough to serve: GitHub lets only Apps write check runs; register one with \
                 `palisade app create`, or try the token with `palisade evaluate --run OWNER/REPOSITORY/RUN`"
                    .to_owned(),
            );
        }
        if self.github.app_id == 0 {
            missing.push("github.app_id is missing; set it or POLLY_GITHUB_APP_ID to the App's id".to_owned());
        }
        if let Err(error) = self.private_keys() {
            missing.push(format!("{error:#}"));
        }
        match self.webhook_secrets() {
            Err(error) => missing.push(format!("{error:#}")),
            Ok(secrets) if secrets.iter().any(|slot| !slot.value.is_empty()) => {}
            Ok(_) if self.github.allow_unsigned_webhooks => {}
            Ok(_) => missing.push(
                "github.webhook_secrets is empty; set it or PALISADE_WEBHOOK_SECRETS, or for local use only \
                 github.allow_unsigned_webhooks = true"
                    .to_owned(),
            ),
        }
        if self.server.max_connections == 0 || self.server.max_connections_per_source == 0 {
            missing.push("server.max_connections and server.max_connections_per_source must be at least 1".to_owned());
        }
        if self.server.max_requests_per_second == 0 || self.server.max_refusals_per_minute == 0 {
            missing.push(
                "server.max_requests_per_second and server.max_refusals_per_minute must be at least 1".to_owned(),
            );
        }
        if self.github.allow_unsigned_webhooks && !self.server.is_loopback() {
            missing.push(format!(
                "github.allow_unsigned_webhooks is for local use: server.address {} is no loopback address",
                self.server.address
            ));
        }
        if self.state.expiry <= self.artifacts.evidence_deadline {
            missing.push(
                "state.expiry must be longer than artifacts.evidence_deadline: open checks live in it".to_owned(),
            );
        }
        if self.state.backend != "memory" {
            missing.push(format!("state.backend: unsupported storage type {}; known: memory", self.state.backend));
        }
        if !matches!(self.rerun_scope.as_deref(), None | Some("all" | "failed")) {
            missing.push("rerun_scope is neither `all` nor `failed`".to_owned());
        }
        if !matches!(self.merge_groups.as_deref(), None | Some("reevaluate" | "inherit_if_same_tree")) {
            missing.push("merge_groups is neither `reevaluate` nor `inherit_if_same_tree`".to_owned());
        }
        if self.output.annotations > 300 {
            missing.push("output.annotations must be at most 300: more make a pull request's page unusable".to_owned());
        }
        if self.sweeps.reconcile_every < Duration::from_secs(60) || !(1..=50).contains(&self.sweeps.budget_percent) {
            missing.push("sweeps.reconcile_every must be a minute at least, sweeps.budget_percent 1 to 50".to_owned());
        }
        missing.extend(self.telemetry.problems());
        if self.queue.workers == 0 || self.queue.capacity == 0 {
            missing.push("queue.workers and queue.capacity must be at least 1".to_owned());
        }
        missing
    }
}

/// Whether the user asked for text without colour: `NO_COLOR` is set (https://no-color.org).
pub fn no_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// The `opa` command: what `PALISADE_OPA` names, else the one on the search path.
pub fn opa_command() -> PathBuf {
    std::env::var_os("PALISADE_OPA").filter(|value| !value.is_empty()).map_or_else(|| "opa".into(), PathBuf::from)
}

/// The user's cache directory: `XDG_CACHE_HOME`, else `~/.cache`.
pub fn user_cache() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))
}

/// The nearest known word, if one is near enough to be a typing slip.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().max(word.len()) / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

fn explain(error: figment::Error, file: Option<&Path>) -> anyhow::Error {
    let lines: Vec<String> = error.into_iter().map(|error| explain_one(&error)).collect();
    let place = file.map_or_else(|| "the environment".to_owned(), |file| file.display().to_string());
    anyhow!("reading {place}: {}", lines.join("; "))
}

/// The file's text, if it is TOML. The parser's own report quotes the line, and a secret may stand in it.
fn well_formed(file: &Path) -> Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    match text.parse::<toml::Table>() {
        Ok(_) => Ok(text),
        Err(error) => {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            bail!("reading {}: line {line}: {}", file.display(), error.message())
        }
    }
}

fn explain_one(error: &figment::Error) -> String {
    let path = error.path.join(".");
    match &error.kind {
        figment::error::Kind::UnknownField(field, known) => {
            let key = match error.path.last() {
                Some(last) if last == field => path,
                Some(_) => format!("{path}.{field}"),
                None => field.clone(),
            };
            match nearest(field, known.iter().copied()) {
                Some(near) => format!("unknown key `{key}`; did you mean `{near}`?"),
                None => format!("unknown key `{key}`; known here: {}", known.join(", ")),
            }
        }
        // What was found instead may be a secret.
        figment::error::Kind::InvalidType(figment::error::Actual::Str(_), expected)
        | figment::error::Kind::InvalidValue(figment::error::Actual::Str(_), expected) => {
            format!("`{path}`: found a text, expected {expected}")
        }
        kind if path.is_empty() => kind.to_string(),
        kind => format!("`{path}`: {kind}"),
    }
}

/// Durations as people write them: `200ms`, `15m`, `24h`, `1h 30m`, and whole days, `30d`.
pub mod duration {
    use serde::{Deserialize, Deserializer};
    use std::time::Duration;

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).map_err(serde::de::Error::custom)
    }

    pub fn parse(text: &str) -> Result<Duration, String> {
        // A day of a duration is 24 hours, whatever clocks do.
        if let Some(days) = text.trim().strip_suffix('d').and_then(|days| days.parse::<u32>().ok()) {
            return Ok(Duration::from_secs(u64::from(days) * 24 * 3600));
        }
        let parsed: Option<jiff::SignedDuration> = text.trim().parse().ok();
        parsed
            .and_then(|duration| Duration::try_from(duration).ok())
            .ok_or_else(|| format!("{text:?} is not a duration such as `200ms`, `15m`, `24h` or `30d`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("palisade.toml");
        std::fs::write(&file, text).expect("writing the file");
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::from_sources(Some(&file), variables)
            .map_err(|error| anyhow!(format!("{error:#}").replace(&file.display().to_string(), "palisade.toml")))
    }

    /// Proves R37, W42.
    #[test]
    fn an_unknown_key_names_the_nearest_known_one() {
        let error = load("[queue]\nworker = 3\n", &[]).unwrap_err();
        assert_eq!(error.to_string(), "reading palisade.toml: unknown key `queue.worker`; did you mean `workers`?");
        let error = load("[github]\nwebhook_secret = 'x'\n", &[]).unwrap_err();
        assert!(error.to_string().contains("did you mean `webhook_secrets`?"), "{error}");
    }

    #[test]
    fn a_wrong_value_names_its_key() {
        let error = load("[queue]\ncoalesce = 'soon'\n", &[]).unwrap_err();
        assert!(error.to_string().contains("\"soon\" is not a duration"), "{error}");
        assert!(error.to_string().contains("queue.coalesce"), "{error}");
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let config = load("[server]\naddress = '127.0.0.1:1'\n", &[("POLLY_PORT", "9000")]).expect("a good file");
        assert_eq!(config.server.address, "127.0.0.1:9000");
        let config = load("[github]\napp_id = 1\n", &[("POLLY_GITHUB_APP_ID", "7")]).expect("a good file");
        assert_eq!(config.github.app_id, 7);
    }

    #[test]
    fn all_that_is_missing_is_named_at_once() {
        let missing = Config::default().missing_for_serve();
        assert_eq!(missing.len(), 3, "{missing:#?}");
        assert!(missing[2].contains("webhook_secrets"));
    }

    #[test]
    fn unsigned_webhooks_are_for_loopback_only() {
        let text =
            |address: &str| format!("[server]\naddress = '{address}'\n[github]\nallow_unsigned_webhooks = true\n");
        let told = |address: &str| load(&text(address), &[]).expect("a good file").missing_for_serve().join("\n");
        assert!(told("0.0.0.0:8080").contains("allow_unsigned_webhooks"));
        assert!(!told("127.0.0.1:8080").contains("allow_unsigned_webhooks"));
        assert!(!told("[::1]:8080").contains("allow_unsigned_webhooks"));
    }

    /// What is commented out is copied as well.
    #[test]
    fn every_line_of_the_example_file_is_accepted_when_it_is_uncommented() {
        let is_toml = |line: &str| {
            line.starts_with('[')
                || line.split(" = ").next().is_some_and(|key| {
                    line.contains(" = ") && key.chars().all(|char| char.is_ascii_lowercase() || char == '_')
                })
        };
        let example = include_str!("../../examples/palisade.toml");
        let whole: Vec<&str> =
            example.lines().map(|line| line.strip_prefix("# ").filter(|rest| is_toml(rest)).unwrap_or(line)).collect();
        let config = load(&whole.join("\n"), &[]).expect("the example is a configuration");
        assert!(config.plugins["house-rules"].verification_key.is_some() && config.opa.server_url.is_some());
        assert_eq!(config.checks["House Rules"].reads.as_ref().expect("it says what it reads").len(), 2);
    }

    /// Proves R36.
    #[test]
    fn secrets_do_not_print() {
        let config = load("[github]\nwebhook_secrets = ['hunter2']\nprivate_key = 'hunter2'\n", &[]).expect("good");
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    /// Proves R36, W06.
    #[test]
    fn a_file_that_cannot_be_read_names_the_place_and_shows_no_secret() {
        for (text, told) in [
            ("[github]\nwebhook_secrets = ['hunter2\n", "reading palisade.toml: line 2: "),
            ("[github]\nwebhook_secrets = 'hunter2'\n", "`github.webhook_secrets`: found a text, expected a sequence"),
            ("[github]\nprivate_key = 'hunter2'\napp_id = 'hunter2'\n", "`github.app_id`: found a text, expected u64"),
        ] {
            let error = format!("{:#}", load(text, &[]).unwrap_err());
            assert!(error.contains(told), "{told} in {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn three_lines_add_a_plugin_and_three_a_check() {
        let config =
            load("[plugins.hello]\nfile = 'hello.wasm'\n[checks.\"Hello Check\"]\npolicies = ['hello']\n", &[])
                .expect("a good file");
        assert_eq!(config.checks["Hello Check"].policies, ["hello"]);
        assert!(config.plugins["hello"].file.as_ref().is_some_and(|file| file.is_absolute()));
    }
}
