//! Settings, checked and ready to judge by: lists as licences, exceptions as patterns and instants.

use crate::expression::{Expression, Leaf, Lists};
use crate::patterns::Pattern;
use crate::settings::{
    ALLOWED, CONDITIONAL, ClaimSource, ConditionalLicense, DENIED, Knob, PackageException, Settings, Unlisted,
};
use palisade_plugin::{Effect, SettingProblem, dates};

pub struct Policy {
    pub lists: Lists,
    /// Beside `lists.conditional`: what people are told.
    pub conditions: Vec<Option<String>>,
    /// What a known licence on no list does; nothing where it passes.
    pub unlisted: Option<Effect>,
    pub exceptions: Vec<Exception>,
    pub settings: Settings,
}

pub struct Exception {
    pub pattern: Pattern,
    pub allowed: Vec<Leaf>,
    pub license: Option<String>,
    pub reason: String,
    pub until: Option<u64>,
}

impl Policy {
    pub fn of(settings: &Settings) -> Result<Self, Vec<SettingProblem>> {
        let mut problems = Vec::new();
        let lists = Names::of(settings);
        let conditional = lists.conditional.iter().map(|(license, _)| license.as_str());
        let policy = Self {
            lists: Lists {
                excepted: Vec::new(),
                allowed: leaves("/allowed", lists.allowed.iter().map(String::as_str), &mut problems),
                conditional: leaves("/conditional", conditional, &mut problems),
                denied: leaves("/denied", lists.denied.iter().map(String::as_str), &mut problems),
                deny_ignores_exceptions: settings.deny_ignores_exceptions,
            },
            conditions: lists.conditional.into_iter().map(|(_, condition)| condition).collect(),
            unlisted: unlisted(settings),
            exceptions: exceptions(&settings.exceptions, &mut problems),
            settings: settings.clone(),
        };
        if settings.claim_order.is_empty() {
            problems
                .push(SettingProblem::new("/claim_order", "name at least one source of claims, such as `declared`"));
        }
        if settings.scopes.is_empty() {
            problems.push(SettingProblem::new("/scopes", "name at least one scope, such as `runtime`"));
        }
        if problems.is_empty() { Ok(policy) } else { Err(problems) }
    }

    pub fn order(&self) -> &[ClaimSource] {
        &self.settings.claim_order
    }
}

impl Knob {
    pub fn effect(self) -> Option<Effect> {
        match self {
            Self::Deny => Some(Effect::Deny),
            Self::Warn => Some(Effect::Warn),
            Self::Ignore => None,
        }
    }
}

/// The lists that stand, as texts.
struct Names {
    allowed: Vec<String>,
    conditional: Vec<(String, Option<String>)>,
    denied: Vec<String>,
}

impl Names {
    fn of(settings: &Settings) -> Self {
        if built_in(settings) {
            let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
            let conditional = CONDITIONAL.iter().map(|&(id, condition)| (id.to_owned(), Some(condition.to_owned())));
            return Self { allowed: texts(ALLOWED), conditional: conditional.collect(), denied: texts(DENIED) };
        }
        let conditional = settings.conditional.iter().flatten().map(|entry| match entry {
            ConditionalLicense::License(license) => (license.clone(), None),
            ConditionalLicense::WithCondition { license, condition } => (license.clone(), Some(condition.clone())),
        });
        Self {
            allowed: settings.allowed.clone().unwrap_or_default(),
            conditional: conditional.collect(),
            denied: settings.denied.clone().unwrap_or_default(),
        }
    }
}

fn built_in(settings: &Settings) -> bool {
    settings.allowed.is_none() && settings.conditional.is_none() && settings.denied.is_none()
}

fn unlisted(settings: &Settings) -> Option<Effect> {
    match settings.unlisted {
        Unlisted::Deny => Some(Effect::Deny),
        Unlisted::Warn => Some(Effect::Warn),
        Unlisted::Allow => None,
        Unlisted::Auto if built_in(settings) => Some(Effect::Warn),
        Unlisted::Auto => settings.allowed.as_ref().filter(|allowed| !allowed.is_empty()).map(|_| Effect::Deny),
    }
}

fn leaves<'a>(pointer: &str, texts: impl Iterator<Item = &'a str>, problems: &mut Vec<SettingProblem>) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for (at, text) in texts.enumerate() {
        match leaf(text) {
            Ok(leaf) => leaves.push(leaf),
            Err(message) => problems.push(SettingProblem::new(format!("{pointer}/{at}"), message)),
        }
    }
    leaves
}

/// One licence of a list. A typing error must not silently match nothing.
fn leaf(text: &str) -> Result<Leaf, String> {
    let expression = Expression::read(text).map_err(|unparsed| format!("`{text}` is no licence: {}", unparsed.0))?;
    let leaf = expression.leaf().ok_or_else(|| format!("`{text}` is an expression, name each licence by itself"))?;
    if leaf.is_known() {
        Ok(leaf.clone())
    } else {
        Err(format!("SPDX knows no `{text}`; a licence outside SPDX is written `LicenseRef-…`"))
    }
}

fn exceptions(settings: &[PackageException], problems: &mut Vec<SettingProblem>) -> Vec<Exception> {
    let mut exceptions = Vec::new();
    for (at, exception) in settings.iter().enumerate() {
        let before = problems.len();
        let pointer = format!("/exceptions/{at}");
        let allowed = leaves(&format!("{pointer}/allowed"), exception.allowed.iter().map(String::as_str), problems);
        let mut problem =
            |key: &str, message: String| problems.push(SettingProblem::new(format!("{pointer}{key}"), message));
        let pattern = Pattern::parse(&exception.package).map_err(|message| problem("/package", message));
        if exception.reason.trim().is_empty() {
            problem("/reason", "an exception needs a reason".to_owned());
        }
        if exception.allowed.is_empty() && exception.license.is_none() {
            problem("", "an exception names `allowed` licences or a `license`".to_owned());
        }
        if let Some(license) = &exception.license {
            if let Err(unparsed) = Expression::read(license) {
                problem("/license", format!("`{license}` is no licence: {}", unparsed.0));
            }
            if pattern.as_ref().is_ok_and(|pattern| !pattern.has_version()) {
                problem("/package", "a `license` that replaces claims needs a version in `package`".to_owned());
            }
        }
        let until = exception.until.as_deref().map(|text| (text, dates::instant(text)));
        if let Some((text, None)) = until {
            problem("/until", format!("`{text}` is neither a date such as 2026-03-01 nor an RFC 3339 instant"));
        }
        if let (true, Ok(pattern)) = (problems.len() == before, pattern) {
            exceptions.push(Exception {
                pattern,
                allowed,
                license: exception.license.clone(),
                reason: exception.reason.clone(),
                until: until.and_then(|(_, instant)| instant),
            });
        }
    }
    exceptions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(settings: &Settings) -> Vec<String> {
        let problems = Policy::of(settings).err().unwrap_or_default();
        problems.into_iter().map(|problem| format!("{}: {}", problem.pointer, problem.message)).collect()
    }

    #[test]
    fn the_built_in_lists_are_licences_that_spdx_knows() {
        assert_eq!(problems(&Settings::default()), Vec::<String>::new());
    }

    #[test]
    fn what_unlisted_does_follows_from_the_lists() {
        let effect = |allowed: Option<Vec<&str>>, denied: Option<Vec<&str>>| {
            let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
            unlisted(&Settings { allowed: allowed.map(owned), denied: denied.map(owned), ..Settings::default() })
        };
        assert_eq!(effect(None, None), Some(Effect::Warn));
        assert_eq!(effect(Some(vec!["MIT"]), None), Some(Effect::Deny));
        assert_eq!(effect(None, Some(vec!["GPL-3.0"])), None);
        assert_eq!(effect(Some(vec![]), None), None);
    }

    #[test]
    fn wrong_settings_are_named_with_their_place() {
        let settings = Settings {
            allowed: Some(vec!["MIT".to_owned(), "MTI".to_owned(), "MIT OR ISC".to_owned(), "(MIT".to_owned()]),
            claim_order: Vec::new(),
            exceptions: vec![
                PackageException {
                    package: "lodash".to_owned(),
                    until: Some("soon".to_owned()),
                    ..PackageException::default()
                },
                PackageException {
                    package: "pkg:npm/a".to_owned(),
                    license: Some("MIT".to_owned()),
                    reason: "read it".to_owned(),
                    ..PackageException::default()
                },
            ],
            ..Settings::default()
        };
        insta::assert_snapshot!(problems(&settings).join("\n"), @r"
        /allowed/1: SPDX knows no `MTI`; a licence outside SPDX is written `LicenseRef-…`
        /allowed/2: `MIT OR ISC` is an expression, name each licence by itself
        /allowed/3: `(MIT` is no licence: unclosed parens
        /exceptions/0/package: `lodash` is no package URL: missing scheme
        /exceptions/0/reason: an exception needs a reason
        /exceptions/0: an exception names `allowed` licences or a `license`
        /exceptions/0/until: `soon` is neither a date such as 2026-03-01 nor an RFC 3339 instant
        /exceptions/1/package: a `license` that replaces claims needs a version in `package`
        /claim_order: name at least one source of claims, such as `declared`
        ");
    }
}
