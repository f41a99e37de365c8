//! One message with its metadata. What has a place in a violation goes there; the rest stays as properties.

use crate::verdict::{About, Effect, EvidenceRef, Location, Severity, Violation};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// A message, and what the policy said beside it.
#[derive(Debug, Default)]
pub struct Entry {
    message: String,
    rule: Option<String>,
    severity: Option<String>,
    subject: Option<String>,
    how_to_fix: Option<String>,
    waivable: Option<bool>,
    location: Option<Location>,
    evidence: Vec<EvidenceRef>,
    id: Option<String>,
    package: Option<String>,
    purl: Option<String>,
    spdx_id: Option<String>,
    properties: BTreeMap<String, String>,
}

impl Entry {
    /// `rule` is what the policy calls the set; an entry may name a finer one.
    pub fn violation(&self, rule: &str, effect: Effect) -> Violation {
        let rule = self.rule.as_deref().unwrap_or(rule);
        let subject = self.subject.as_ref().or(self.purl.as_ref()).or(self.package.as_ref());
        Violation {
            severity: self.severity.as_deref().and_then(Severity::from_word),
            subject: subject.cloned(),
            evidence: self.evidence.clone(),
            waivable: self.waivable.unwrap_or(true),
            how_to_fix: self.how_to_fix.clone(),
            location: self.location.clone(),
            properties: self.properties.clone(),
            about: self.about(),
            ..Violation::new(rule, effect, &self.message)
        }
    }

    fn about(&self) -> Option<About> {
        if let Some(spdx_id) = &self.spdx_id {
            return Some(About::Component { report: None, spdx_id: spdx_id.clone() });
        }
        if let Some(id) = &self.id {
            let package = self.package.clone();
            return Some(About::Finding { report: None, id: id.clone(), package, version: None });
        }
        self.purl.clone().map(About::Purl)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Message;
        impl<'de> Visitor<'de> for Message {
            type Value = Entry;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a message: a string, or an object with `msg`")
            }
            fn visit_str<E: Error>(self, message: &str) -> Result<Entry, E> {
                Ok(Entry { message: message.to_owned(), ..Entry::default() })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entry, A::Error> {
                with_metadata(map)
            }
        }
        deserializer.deserialize_any(Message)
    }
}

fn with_metadata<'de, A: MapAccess<'de>>(mut map: A) -> Result<Entry, A::Error> {
    let mut entry = Entry::default();
    let mut message: Option<String> = None;
    while let Some(name) = map.next_key::<String>()? {
        match name.as_str() {
            "msg" => message = Some(map.next_value()?),
            "rule" | "code" => entry.rule = Some(map.next_value()?),
            "subject" | "resource" => entry.subject = Some(map.next_value()?),
            "how_to_fix" | "remediation" => entry.how_to_fix = Some(map.next_value()?),
            "waivable" => entry.waivable = Some(map.next_value()?),
            "location" => entry.location = Some(map.next_value()?),
            "evidence" => entry.evidence = map.next_value()?,
            _ => entry.fact(name, map.next_value()?),
        }
    }
    entry.message = message.ok_or_else(|| Error::missing_field("msg"))?;
    Ok(entry)
}

impl Entry {
    /// Everything else is shown as it is, and some of it helps to find the evidence.
    fn fact(&mut self, name: String, value: Value) {
        if let Value::String(text) = &value {
            match name.as_str() {
                "severity" => self.severity = Some(text.clone()),
                "id" => self.id = Some(text.clone()),
                "package" => self.package = Some(text.clone()),
                "purl" => self.purl = Some(text.clone()),
                "SPDXID" => self.spdx_id = Some(text.clone()),
                _ => {}
            }
        }
        let text = match value {
            Value::Null => return,
            Value::String(text) => text,
            other => other.to_string(),
        };
        self.properties.insert(name, text);
    }
}
