//! The webhooks of a repository itself name no installation of the App: the configured one is put where an App's have it.

use crate::model::InstallationId;
use serde_json::{Value, json};
use std::borrow::Cow;

/// The document as it is where it names an installation, or none is configured.
pub(super) fn named(document: Cow<'_, [u8]>, fallback: Option<InstallationId>) -> Cow<'_, [u8]> {
    let Some(installation) = fallback else { return document };
    // What is no object is refused by the parser, with its reason.
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(&document) else { return document };
    if fields.get("installation").is_some_and(|found| !found.is_null()) {
        return document;
    }
    fields.insert("installation".to_owned(), json!({ "id": installation.0 }));
    Cow::Owned(Value::Object(fields).to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_payload_that_names_no_installation_gets_the_configured_one() {
        let named = |text: &str, fallback| {
            String::from_utf8(named(Cow::Borrowed(text.as_bytes()), fallback).into_owned()).unwrap()
        };
        let five = Some(InstallationId(5));
        assert_eq!(named("{}", five), r#"{"installation":{"id":5}}"#);
        assert_eq!(named(r#"{"installation":null}"#, five), r#"{"installation":{"id":5}}"#);
        for kept in [r#"{ "installation": { "id": 7 } }"#, "no JSON", "[]"] {
            assert_eq!(named(kept, five), kept);
        }
        assert_eq!(named("{}", None), "{}");
    }
}
