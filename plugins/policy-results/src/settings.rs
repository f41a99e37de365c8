//! Which entrypoint is asked, with which documents, and how its answer is read.

use crate::problem::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What every Rego policy has in common. Where a key is left out the entrypoint's name decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The rule or package that is asked, such as `compliance/license_report`. May be left out where the policy has only
    /// one entrypoint.
    pub entrypoint: Option<String>,
    /// How the answer is read. By default `compliance` for the entrypoints `compliance/vulnerability_report` and
    /// `compliance/license_report`, `conftest` for `deny`, `violation` and `warn` and for packages that hold these, and
    /// `verdict` for entrypoints of that name.
    pub result: Option<Form>,
    /// What the policy is shown as `input`. By default `vulnerability` and `sbom` for the two compliance entrypoints, else
    /// `evidence`.
    pub input: Option<Input>,
}

/// How an answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// The reports of Polly-compatible policies: `compliant`, counts, and what is not compliant.
    Compliance,
    /// Conftest's sets `deny`, `violation` and `warn`: strings, or objects with `msg` and metadata.
    Conftest,
    /// Palisade's own verdict document.
    Verdict,
    /// No verdict at all: the answer itself, as JSON in the summary, for people who look at what a rule says. Always not
    /// applicable.
    Value,
}

/// Which of the host's documents a policy is shown. Each is judged on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// One document with all evidence of the commit.
    Evidence,
    /// One document per report that covers vulnerabilities.
    Vulnerability,
    /// One document per report that covers components and their licenses.
    Sbom,
}

/// The settings, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// As the policy names it.
    pub entrypoint: String,
    /// Absent where only the answer can tell.
    pub form: Option<Form>,
    pub input: Input,
}

impl Settings {
    /// What is asked and how the answer is read. `known` are the policy's entrypoints.
    ///
    /// # Errors
    /// For an entrypoint that does not exist, or none where the policy has several; names the known ones.
    pub fn reading(&self, known: &[String]) -> Result<Reading, Problem> {
        let entrypoint = match &self.entrypoint {
            Some(wanted) => find(wanted, known).ok_or_else(|| Problem::no_such_entrypoint(wanted, known))?,
            None => match known {
                [only] => only,
                _ => return Err(Problem::which_entrypoint(known)),
            },
        };
        self.reading_of(entrypoint)
    }

    /// The same where nobody can say which entrypoints there are: a remote server, a folder of sources.
    ///
    /// # Errors
    /// Where no entrypoint is set.
    pub fn reading_unchecked(&self) -> Result<Reading, Problem> {
        match &self.entrypoint {
            Some(entrypoint) => self.reading_of(&path(entrypoint)),
            None => Err(Problem::which_entrypoint(&[])),
        }
    }

    fn reading_of(&self, entrypoint: &str) -> Result<Reading, Problem> {
        let form = self.result.or_else(|| default_form(entrypoint));
        let input = self.input.unwrap_or_else(|| default_input(entrypoint));
        if form == Some(Form::Compliance) && input == Input::Evidence {
            return Err(Problem::compliance_of_what());
        }
        Ok(Reading { entrypoint: entrypoint.to_owned(), form, input })
    }
}

impl Input {
    /// The shape of the host's documents, as `commit-evidence.documents` names it.
    pub fn shape(self) -> &'static str {
        match self {
            Input::Evidence => "evidence",
            Input::Vulnerability | Input::Sbom => "compliance",
        }
    }

    /// Whether a document of the shape is one of these.
    pub fn takes(self, document: &str) -> bool {
        match self {
            Input::Evidence => true,
            Input::Vulnerability => document.starts_with("vulnerability/"),
            Input::Sbom => document.starts_with("sbom/"),
        }
    }

    /// What a policy that is shown these reads, in the contract's words; empty for every kind.
    pub fn reads(self) -> &'static [&'static str] {
        match self {
            Input::Evidence => &[],
            Input::Vulnerability => &["vulnerabilities"],
            Input::Sbom => &["licenses"],
        }
    }

    pub(crate) fn nothing_there(self) -> &'static str {
        match self {
            Input::Evidence => "There is no evidence",
            Input::Vulnerability => "No report covers vulnerabilities",
            Input::Sbom => "No report covers components and licenses",
        }
    }
}

const VULNERABILITY_REPORT: &str = "compliance/vulnerability_report";
const LICENSE_REPORT: &str = "compliance/license_report";

fn default_form(entrypoint: &str) -> Option<Form> {
    let last = last_segment(entrypoint);
    match () {
        () if ends_with(entrypoint, VULNERABILITY_REPORT) || ends_with(entrypoint, LICENSE_REPORT) => {
            Some(Form::Compliance)
        }
        () if crate::conftest::effect_of(last).is_some() => Some(Form::Conftest),
        () if last == "verdict" => Some(Form::Verdict),
        () => None,
    }
}

fn default_input(entrypoint: &str) -> Input {
    match () {
        () if ends_with(entrypoint, VULNERABILITY_REPORT) => Input::Vulnerability,
        () if ends_with(entrypoint, LICENSE_REPORT) => Input::Sbom,
        () => Input::Evidence,
    }
}

fn ends_with(entrypoint: &str, name: &str) -> bool {
    entrypoint.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

pub(crate) fn last_segment(entrypoint: &str) -> &str {
    entrypoint.rsplit('/').next().unwrap_or(entrypoint)
}

/// `data.compliance.license_report`, as Rego writes it, means `compliance/license_report`, as OPA's tools do.
fn path(entrypoint: &str) -> String {
    let entrypoint = entrypoint.trim().trim_matches('/');
    match entrypoint.contains('/') {
        true => entrypoint.to_owned(),
        false => entrypoint.strip_prefix("data.").unwrap_or(entrypoint).replace('.', "/"),
    }
}

fn find<'a>(wanted: &str, known: &'a [String]) -> Option<&'a String> {
    let path = path(wanted);
    known.iter().find(|name| *name == wanted).or_else(|| known.iter().find(|name| **name == path))
}
