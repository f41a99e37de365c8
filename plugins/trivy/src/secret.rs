//! Entries of `Secrets` as findings. The secret itself is not even parsed.

use palisade_plugin::{Detail, Diagnostic, Finding, Secret, Severity};

use crate::{
    document::{Layer, Lines, SecretEntry},
    target::Target,
    words,
};

pub fn finding(entry: SecretEntry, target: &Target, origin: String) -> Result<Finding, Diagnostic> {
    let id = words::filled(entry.rule_id).ok_or_else(|| words::nameless(&origin))?;
    let title = words::title(words::filled(entry.title).as_deref(), None, || id.clone());
    let mut finding = Finding::new(id.clone(), title, Detail::Secret(Secret { detector: id, verified: None }));
    let lines = Lines { start: entry.start, end: entry.end };
    finding.severity_raw = words::filled(entry.severity);
    finding.severity = finding.severity_raw.as_deref().and_then(Severity::from_word);
    finding.locations = vec![lines.at(target.name.clone(), entry.layer.0.and_then(Layer::digest))];
    finding.origin = Some(origin);
    finding.properties = target.properties();
    finding.properties.extend(words::filled(entry.category).map(|category| ("trivy:category".to_owned(), category)));
    Ok(finding)
}
