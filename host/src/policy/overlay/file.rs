//! `.palisade.yml` as somebody writes it. Parsed at the door: an unknown key is told with the nearest known one, and what
//! is wrong is told with its place. Never believes that the file is small, flat or meant well.

use crate::config::nearest;
/// Where the file lies in a repository.
pub use crate::model::event::RULES_PATH as OVERLAY_PATH;
use crate::model::plan::{BaselineMissing, Conclusion, Judges, Mode, WaitFor};
use crate::model::report::Provenance;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::{Location, Spanned};
use std::collections::BTreeMap;

/// The version of this format.
const VERSION: u32 = 1;
/// A thousand waivers of six lines with room to spare.
pub const OVERLAY_BYTES: usize = 256 * 1024;
/// A value of a setting lies five levels deep, and settings are flat.
const DEPTH: usize = 16;
/// Every byte of the largest file would have to be a node of its own to need more.
const NODES: usize = 100_000;
/// People repeat an owner or a date; nobody writes more by hand.
const ALIASES: usize = 256;

/// What a repository, or the `.github` repository of an organisation, adds to the host's configuration. It makes checks
/// stricter, and adds waivers with an end; it never makes anything laxer. What it may say, the host's operator decides.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverlayFile {
    /// The version of this format: 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// Checks by the name that the host's configuration gives them.
    #[serde(default)]
    pub checks: BTreeMap<String, OverlayCheck>,
    /// Findings that do not count for a time.
    #[serde(default)]
    #[schemars(with = "Vec<OverlayWaiver>")]
    pub waivers: Vec<Spanned<OverlayWaiver>>,
}

/// What is stricter about one check here.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OverlayCheck {
    /// Settings by policy, such as `vulnerability`: each only stricter than what holds, and only those for which the host
    /// knows what stricter means.
    #[schemars(with = "BTreeMap<String, BTreeMap<String, Value>>")]
    pub settings: BTreeMap<String, BTreeMap<String, Spanned<Value>>>,
    /// `dry-run`, `warn` or `enforce`, in this order of strictness.
    #[schemars(with = "Option<Mode>")]
    pub mode: Option<Spanned<Mode>>,
    /// Ends the check in failure where it would end neutral or successful for lack of a judgement.
    #[schemars(with = "Option<bool>")]
    pub fail_closed: Option<Spanned<bool>>,
    /// How far evidence must be trusted to count, from least to most.
    #[schemars(with = "Option<String>")]
    #[schemars(extend("enum" = ["fork", "changed-workflow", "repository", "trusted-workflow", "attested"]))]
    pub min_provenance: Option<Spanned<Provenance>>,
    /// Which findings can block: only those `introduced` by the change, or, which is stricter, `all`.
    #[schemars(with = "Option<Judges>")]
    pub judge: Option<Spanned<Judges>>,
    /// What a check waits for before it ends: until its kinds are `covered`, or, which is stricter, for `all` runs.
    #[schemars(with = "Option<WaitFor>")]
    pub wait_for: Option<Spanned<WaitFor>>,
    /// What becomes of what blocks only if it is new, where there is nothing to compare with: `warn` or, stricter, `fail`.
    #[schemars(with = "Option<BaselineMissing>")]
    pub baseline_missing: Option<Spanned<BaselineMissing>>,
    /// How the check ends where evidence is incomplete: `success`, `neutral` or `failure`, from lax to strict.
    #[schemars(with = "Option<Conclusion>")]
    pub on_partial: Option<Spanned<Conclusion>>,
    /// How it ends where a policy warns.
    #[schemars(with = "Option<Conclusion>")]
    pub on_warn: Option<Spanned<Conclusion>>,
    /// How it ends where evidence or a policy is broken.
    #[schemars(with = "Option<Conclusion>")]
    pub on_broken: Option<Spanned<Conclusion>>,
    /// How it ends where the host or GitHub could not be reached.
    #[schemars(with = "Option<Conclusion>")]
    pub on_outage: Option<Spanned<Conclusion>>,
    /// How it ends where no report came.
    #[schemars(with = "Option<Conclusion>")]
    pub on_missing: Option<Spanned<Conclusion>>,
    /// How it ends where the workflow did not end well: also `cancelled`, which stands between `neutral` and `failure`.
    #[schemars(with = "Option<Conclusion>")]
    pub on_workflow: Option<Spanned<Conclusion>>,
}

/// Findings that do not count for a time. It names an `id`, a `package` or `rules`; of several all must match.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverlayWaiver {
    /// A vulnerability by any of its names, such as `CVE-2024-12345`.
    #[serde(default)]
    pub id: Option<String>,
    /// A package, such as `pkg:npm/lodash`, `pkg:npm/%40corp/*` or `pkg:npm/lodash@4.17.20`.
    #[serde(default)]
    pub package: Option<String>,
    /// Rules of policies, such as `severity` or `vulnerability/severity`.
    #[serde(default)]
    pub rules: Vec<String>,
    /// Why.
    pub reason: String,
    /// Who answers for it, such as `@team-payments`.
    pub owner: String,
    /// The first day that is no longer covered, such as `2026-03-01`, or an RFC 3339 instant.
    pub until: String,
    /// Lapses as soon as a version without the vulnerability is known.
    #[serde(default)]
    pub unless_fixed: bool,
}

impl OverlayFile {
    /// The file, or what is wrong with it, as one sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > OVERLAY_BYTES {
            return Err(format!("it has {} bytes, and at most {OVERLAY_BYTES} are read", text.len()));
        }
        let mut alias_limits = serde_saphyr::options::AliasLimits::default();
        alias_limits.max_total_replayed_events = NODES;
        let options = serde_saphyr::options! {
            strict_booleans: true,
            with_snippet: false,
            budget: serde_saphyr::budget! {
                max_depth: DEPTH,
                max_nodes: NODES,
                max_aliases: ALIASES,
                max_anchors: ALIASES,
                max_documents: 1,
            },
            alias_limits: alias_limits,
        };
        let file: Self = serde_saphyr::from_str_with_options(text, options).map_err(|error| told(&error))?;
        match file.version {
            VERSION => Ok(file),
            other => Err(format!("`version` is {other}, and only {VERSION} is known")),
        }
    }
}

/// The JSON Schema of the file, for editors.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(OverlayFile).to_value();
    schema["title"] = Value::from("Palisade overlay");
    schema
}

/// `line 3, column 5: `.
pub fn place(location: Location) -> String {
    match location == Location::UNKNOWN {
        true => String::new(),
        false => format!("line {}, column {}: ", location.line(), location.column()),
    }
}

fn told(error: &serde_saphyr::Error) -> String {
    let error = error.without_snippet();
    let at = place(error.location().unwrap_or(Location::UNKNOWN));
    match error {
        serde_saphyr::Error::SerdeUnknownField { field, expected, .. } => {
            format!("{at}unknown key `{field}`; {}", meant(field, expected))
        }
        serde_saphyr::Error::SerdeUnknownVariant { variant, expected, .. } => {
            format!("{at}unknown word `{variant}`; {}", meant(variant, expected))
        }
        other => {
            let text = other.to_string();
            let first = text.lines().next().unwrap_or_default().to_owned();
            if first.contains("line ") { first } else { format!("{at}{first}") }
        }
    }
}

fn meant(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}
