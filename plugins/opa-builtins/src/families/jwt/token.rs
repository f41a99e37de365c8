//! The three parts of a token.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Fault, Value, families::encoding::from_base64url, text};

type Members = BTreeMap<Value, Value>;

pub struct Token<'t> {
    header: &'t str,
    payload: &'t str,
    signature: &'t str,
}

/// The members of a header that mean something here.
#[derive(Default)]
pub struct Header {
    pub algorithm: String,
    pub key_id: String,
    pub content_type: String,
    critical: BTreeSet<String>,
    unknown: BTreeSet<String>,
}

impl Header {
    /// An algorithm is named, and nothing is critical that nobody here knows.
    pub fn is_valid(&self) -> bool {
        !self.algorithm.is_empty() && self.critical.is_disjoint(&self.unknown)
    }
}

impl<'t> Token<'t> {
    pub fn parse(text: &'t str) -> Result<Self, Fault> {
        let parts: Vec<&str> = text.split('.').collect();
        match parts[..] {
            [header, payload, signature] => Ok(Self { header, payload, signature }),
            _ => Err(Fault::new(format!("a token has three parts, this one {}", parts.len()))),
        }
    }

    /// What the signature is made of.
    pub fn signed(&self) -> String {
        format!("{}.{}", self.header, self.payload)
    }

    pub fn signature(&self) -> Result<Vec<u8>, Fault> {
        from_base64url(self.signature)
    }

    /// Encrypted tokens are refused.
    pub fn header(&self) -> Result<Members, Fault> {
        let header = object(&decoded(self.header)?)?;
        match header.contains_key(&"enc".into()) {
            true => Err(Fault::new("the token is encrypted")),
            false => Ok(header),
        }
    }

    pub fn known_header(&self) -> Result<Header, Fault> {
        let mut known = Header::default();
        for (name, value) in self.header()? {
            let Value::String(name) = name else { continue };
            match name.as_str() {
                "alg" => known.algorithm = text_of(value)?,
                "kid" => known.key_id = text_of(value)?,
                "cty" => known.content_type = text_of(value)?,
                "typ" => drop(text_of(value)?),
                "crit" => known.critical = critical(&value)?,
                _ => drop(known.unknown.insert(name)),
            }
        }
        Ok(known)
    }

    pub fn payload_text(&self) -> Result<String, Fault> {
        decoded(self.payload)
    }

    pub fn payload(&self) -> Result<Members, Fault> {
        object(&self.payload_text()?)
    }
}

fn decoded(part: &str) -> Result<String, Fault> {
    Ok(String::from_utf8_lossy(&from_base64url(part)?).into_owned())
}

fn object(json: &str) -> Result<Members, Fault> {
    match text::parse_json(json)? {
        Value::Object(members) => Ok(members),
        other => Err(Fault::new(format!("a part of the token is {} and no object", other.kind()))),
    }
}

fn text_of(value: Value) -> Result<String, Fault> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(Fault::new(format!("a member of the token's header is {} and no string", other.kind()))),
    }
}

/// Only the strings before the first item that is none.
fn critical(value: &Value) -> Result<BTreeSet<String>, Fault> {
    let Value::Array(names) = value else { return Err(Fault::new("crit must be a list")) };
    let names: BTreeSet<String> = names.iter().map_while(|name| text_of(name.clone()).ok()).collect();
    if names.is_empty() { Err(Fault::new("crit must not be empty")) } else { Ok(names) }
}
