//! The interpreter: modules, data and a query in, an answer out. The only room of this plugin that knows `regorus`. Never
//! reads a file and never reaches the network: what a policy may call is pure, and the very code that compiled policies
//! call.

mod builtins;
mod coverage;
mod faults;
mod letters;
mod packages;
mod tests_of_modules;
mod values;

pub use coverage::Lines;
pub use faults::Fault;
pub use tests_of_modules::TestRule;

use crate::settings::{RegoVersion, Settings};
use regorus::{Engine, Value};

/// Modules and data, parsed.
pub struct Interpreter {
    engine: Engine,
}

impl Interpreter {
    /// Parses every module, so that all faults are told at once.
    ///
    /// # Errors
    /// One fault per module that does not parse, and one for data that contradicts itself.
    pub fn new(settings: &Settings) -> Result<Self, Vec<Fault>> {
        let mut engine = parsed(settings, settings.sources())?;
        let in_front = packages::in_front(engine.get_modules());
        if !in_front.is_empty() {
            let in_front = in_front.iter().map(|(name, text)| (name.as_str(), text.as_str()));
            engine = parsed(settings, in_front.chain(settings.sources()))?;
        }
        let data = values::from_json(&settings.data.clone().into());
        engine.add_data(data).map_err(|error| vec![faults::of(&error, "data")])?;
        Ok(Self { engine })
    }

    /// The value of an entrypoint such as `compliance/license_report`, as JSON text; `None` where it is undefined.
    ///
    /// # Errors
    /// For an input that is no JSON, and for an evaluation that cannot go on.
    pub fn answer(&mut self, entrypoint: &str, input: &[u8]) -> Result<Option<String>, Fault> {
        let input = values::parse(input).map_err(|message| Fault::new("input", message))?;
        self.engine.set_input(input);
        match self.query(&reference(entrypoint))? {
            None | Some(Value::Undefined) => Ok(None),
            Some(value) => value.to_json_str().map(Some).map_err(|error| faults::of(&error, entrypoint)),
        }
    }

    /// What the policy printed since the last time, each line with its place.
    pub fn take_prints(&mut self) -> Vec<String> {
        self.engine.take_prints().unwrap_or_default()
    }

    /// The rules whose names begin with `test_`, by module and line.
    pub fn test_rules(&mut self) -> Vec<TestRule> {
        tests_of_modules::of(self.engine.get_modules())
    }

    /// Whether the rule is true.
    ///
    /// # Errors
    /// For an evaluation that cannot go on.
    pub fn passes(&mut self, test: &TestRule) -> Result<bool, Fault> {
        Ok(self.query(&test.query)? == Some(Value::Bool(true)))
    }

    pub fn watch_coverage(&mut self) {
        self.engine.set_enable_coverage(true);
    }

    /// Which lines of which module ran since [`Self::watch_coverage`], and which did not.
    pub fn coverage(&self) -> Vec<Lines> {
        let lines = self.engine.get_coverage_report().map(coverage::of).unwrap_or_default();
        lines.into_iter().filter(|lines| !packages::is_ours(&lines.file)).collect()
    }

    fn query(&mut self, query: &str) -> Result<Option<Value>, Fault> {
        let answered = self.engine.eval_query(query.to_owned(), false).map_err(|error| faults::of(&error, query))?;
        let first = answered.result.into_iter().next().and_then(|row| row.expressions.into_iter().next());
        Ok(first.map(|expression| expression.value))
    }
}

/// An interpreter of these modules, without data.
fn parsed<'s>(settings: &Settings, modules: impl Iterator<Item = (&'s str, &'s str)>) -> Result<Engine, Vec<Fault>> {
    let mut engine = Engine::new();
    engine.set_rego_v0(settings.rego_version == RegoVersion::V0);
    // OPA's rule: what a builtin cannot answer is undefined.
    engine.set_strict_builtin_errors(false);
    engine.set_gather_prints(true);
    builtins::register(&mut engine);
    letters::register(&mut engine);
    let mut faults = Vec::new();
    for (name, text) in modules {
        if let Err(error) = engine.add_policy(name.to_owned(), text.to_owned()) {
            faults.push(faults::of(&error, name));
        }
    }
    if faults.is_empty() { Ok(engine) } else { Err(faults) }
}

/// `compliance/license_report` → `data["compliance"]["license_report"]`, so that no name needs to be an identifier.
fn reference(entrypoint: &str) -> String {
    let segments = entrypoint.split('/').filter(|segment| !segment.is_empty());
    segments.fold("data".to_owned(), |query, segment| format!("{query}[{}]", serde_json::Value::from(segment)))
}
