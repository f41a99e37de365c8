//! A waiver as somebody writes it, and the waiver that it means. A broken one is a settings problem at start-up, never
//! a waiver that silently does nothing.

use super::packages::PackagePattern;
use crate::model::Unix;
use crate::model::plan::Waiver;
use serde::Deserialize;

/// A waiver as it stands in the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WaiverConfig {
    pub id: Option<String>,
    pub package: Option<String>,
    pub rules: Vec<String>,
    pub reason: String,
    pub owner: Option<String>,
    /// `2026-03-01`, the first day that is no longer covered, or an RFC 3339 instant.
    pub until: Option<String>,
    pub unless_fixed: bool,
}

/// The waiver, or what is wrong with it, as one sentence.
pub fn waiver(config: &WaiverConfig) -> Result<Waiver, String> {
    let subject = subject(config)?;
    if config.reason.trim().is_empty() {
        return Err(format!("waiver for {subject} has no reason: say why in `reason`"));
    }
    if let Some(package) = &config.package {
        PackagePattern::parse(package).map_err(|problem| format!("waiver for {subject}: {problem}"))?;
    }
    let until = config.until.as_deref().map(|text| until(text, &subject)).transpose()?;
    Ok(Waiver {
        id: named(&config.id).map(str::to_owned),
        package: config.package.clone(),
        rules: config.rules.clone(),
        reason: config.reason.trim().to_owned(),
        owner: config.owner.clone(),
        until,
        unless_fixed: config.unless_fixed,
        source: None,
    })
}

fn subject(config: &WaiverConfig) -> Result<String, String> {
    if config.rules.iter().any(|rule| rule.trim().is_empty()) {
        return Err("waiver names an empty rule: remove it from `rules`".to_owned());
    }
    let id = named(&config.id).map(str::to_owned);
    let package = named(&config.package).map(str::to_owned);
    id.or(package).or_else(|| (!config.rules.is_empty()).then(|| config.rules.join(", "))).ok_or_else(|| {
        let reason = config.reason.trim();
        format!("waiver with the reason {reason:?} covers nothing: name an `id`, a `package` or `rules`")
    })
}

fn named(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// A date is 00:00 UTC of that day, so the day itself is no longer covered.
fn until(text: &str, subject: &str) -> Result<Unix, String> {
    let instant = text.parse::<jiff::Timestamp>().ok();
    let midnight = || {
        let date = text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == "2026-03-01".len())?;
        date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|day| day.timestamp())
    };
    instant
        .or_else(midnight)
        .and_then(|time| Unix::try_from(time.as_second()).ok())
        .ok_or_else(|| format!("waiver for {subject}: `until` is {text:?}, not a date such as 2026-03-01 or an instant such as 2026-03-01T12:00:00Z"))
}
