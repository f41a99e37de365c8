//! OPA's bundle signatures: a JWT over the digests of all files. Signs nothing.

use super::archive::Files;
use super::document::Document;
use super::{is_structured, is_yaml};
use anyhow::{Context, Result, anyhow, bail, ensure};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use std::collections::{BTreeMap, HashSet};

/// Where a bundle keeps its signature.
pub const FILE: &str = ".signatures.json";

/// What OPA assumes where nothing is said.
pub const DEFAULT_ALGORITHM: &str = "RS256";

/// What a bundle's signature is held against.
#[derive(Clone, Debug)]
pub enum Verification {
    /// Whatever key the signature names.
    One(Key),
    /// By the id that the signature names.
    ById(BTreeMap<String, Key>),
}

/// A key, with what a signature by it must look like.
#[derive(Clone)]
pub struct Key {
    key: DecodingKey,
    algorithm: Algorithm,
    /// The signature must name the same one; empty where it names none.
    scope: String,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({:?}, scope {:?})", self.algorithm, self.scope)
    }
}

impl Key {
    /// As PEM, or for the algorithms of the HMAC family the secret itself.
    pub fn new(key: &[u8], algorithm: Option<&str>, scope: Option<&str>) -> Result<Self> {
        let name = algorithm.unwrap_or(DEFAULT_ALGORITHM);
        let algorithm: Algorithm = name.parse().map_err(|_| {
            anyhow!("the algorithm {name:?} is none of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, HS256, HS384, HS512")
        })?;
        let key = match algorithm {
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => Ok(DecodingKey::from_secret(secret(key)?)),
            Algorithm::ES256 | Algorithm::ES384 => DecodingKey::from_ec_pem(key),
            Algorithm::EdDSA => bail!("OPA signs no bundle with {name}"),
            _ => DecodingKey::from_rsa_pem(key),
        };
        let key = key.with_context(|| format!("the key is no public key in PEM for {name}"))?;
        Ok(Self { key, algorithm, scope: scope.unwrap_or_default().to_owned() })
    }
}

impl Verification {
    /// The key for a token, and what the configuration calls it.
    fn key(&self, token: &str) -> Result<(&Key, String)> {
        match self {
            Self::One(key) => Ok((key, "verification_key".to_owned())),
            Self::ById(keys) => {
                let known = keys.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                let id = key_id(token)?
                    .ok_or_else(|| anyhow!("its signature names no key, and verification_keys has {known}"))?;
                let key = keys
                    .get(&id)
                    .ok_or_else(|| anyhow!("its signature names the key {id:?}, and verification_keys has {known}"))?;
                Ok((key, format!("verification_keys.{id}")))
            }
        }
    }
}

/// The key that a token names, which nothing has verified yet: in its header, else where OPA's older versions wrote it.
fn key_id(token: &str) -> Result<Option<String>> {
    #[derive(Deserialize)]
    struct Named {
        #[serde(default)]
        keyid: Option<String>,
    }
    let named = jsonwebtoken::dangerous::insecure_decode::<Named>(token)
        .map_err(|error| anyhow!("{FILE} holds no readable signature ({error})"))?;
    Ok(named.header.kid.or(named.claims.keyid))
}

/// A secret in a file usually ends with a line break that is no part of it.
fn secret(bytes: &[u8]) -> Result<&[u8]> {
    let secret = bytes.trim_ascii_end();
    ensure!(!secret.is_empty(), "the secret is empty");
    Ok(secret)
}

/// What is known of a bundle's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// There is none, and none was asked for.
    Absent,
    /// There is one, and no key to hold it against.
    NotChecked,
    /// Every file is the one that the owner of the key signed.
    Verified { algorithm: String, key_id: Option<String> },
}

impl std::fmt::Display for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Signature::Absent => f.write_str("not signed"),
            Signature::NotChecked => f.write_str("signed, not checked: no verification_key is configured"),
            Signature::Verified { algorithm, key_id: Some(id) } => write!(f, "verified ({algorithm}, key {id})"),
            Signature::Verified { algorithm, key_id: None } => write!(f, "verified ({algorithm})"),
        }
    }
}

#[derive(Deserialize)]
struct Signatures {
    signatures: Vec<String>,
}

#[derive(Deserialize)]
struct Claims {
    files: Vec<SignedFile>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    keyid: Option<String>,
}

#[derive(Deserialize)]
struct SignedFile {
    name: String,
    hash: String,
    algorithm: String,
}

/// Holds the files against their signature, where a key is configured.
pub fn check(files: &Files, verification: Option<&Verification>) -> Result<Signature> {
    let Some(verification) = verification else {
        return Ok(if files.contains_key(FILE) { Signature::NotChecked } else { Signature::Absent });
    };
    let signed = files.get(FILE).ok_or_else(|| {
        anyhow!("it is not signed, and a verification_key is configured; sign it with `opa sign` or `opa build --signing-key`")
    })?;
    let token = token(signed)?;
    let (key, name) = verification.key(&token)?;
    let claims = claims(&token, key, &name)?;
    ensure!(
        claims.scope == key.scope,
        "its signature is for the scope {:?}, and the scope of {name} (verification_scope) is {:?}",
        claims.scope,
        key.scope
    );
    compare(files, &claims.files)?;
    let key_id = match verification {
        Verification::One(_) => claims.keyid,
        Verification::ById(_) => key_id(&token)?,
    };
    Ok(Signature::Verified { algorithm: format!("{:?}", key.algorithm), key_id })
}

fn token(signed: &[u8]) -> Result<String> {
    let signatures: Signatures = serde_json::from_slice(signed).with_context(|| format!("reading {FILE}"))?;
    match <[String; 1]>::try_from(signatures.signatures) {
        Ok([token]) => Ok(token),
        Err(several) => bail!("{FILE} holds {} signatures; there must be exactly one", several.len()),
    }
}

fn claims(token: &str, key: &Key, name: &str) -> Result<Claims> {
    let mut validation = Validation::new(key.algorithm);
    // A bundle's signature says who made it, not how long it may be used: OPA looks at neither time nor audience.
    validation.required_spec_claims = HashSet::new();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let token = jsonwebtoken::decode::<Claims>(token, &key.key, &validation)
        .map_err(|error| anyhow!("its signature does not match the {name} ({error})"))?;
    Ok(token.claims)
}

/// Every file is listed with its digest, and every listed file is there.
fn compare(files: &Files, signed: &[SignedFile]) -> Result<()> {
    let mut listed: BTreeMap<String, &SignedFile> = BTreeMap::new();
    for file in signed {
        listed.insert(super::archive::path(file.name.as_bytes())?, file);
    }
    for (path, bytes) in files.iter().filter(|(path, _)| *path != FILE) {
        let file = listed.remove(path).ok_or_else(|| anyhow!("{path} is not in its signature"))?;
        let found = digest(path, bytes, &file.algorithm)?;
        ensure!(
            found.eq_ignore_ascii_case(&file.hash),
            "{path} is not the file that was signed: its digest is {found}, signed was {}",
            file.hash
        );
    }
    let missing: Vec<&str> = listed.keys().map(String::as_str).collect();
    ensure!(missing.is_empty(), "its signature lists what is not there: {}", missing.join(", "));
    Ok(())
}

/// Structured files are hashed as the document that they hold, so that blanks do not matter; all others as they are.
fn digest(path: &str, bytes: &[u8], algorithm: &str) -> Result<String> {
    let document;
    let bytes = if is_structured(path) {
        let parsed = if is_yaml(path) { Document::parse_yaml(bytes) } else { Document::parse_json(bytes) };
        document = parsed.with_context(|| format!("reading {path}"))?.canonical();
        document.as_bytes()
    } else {
        bytes
    };
    Ok(match algorithm {
        "SHA-256" => hex::encode(Sha256::digest(bytes)),
        "SHA-384" => hex::encode(Sha384::digest(bytes)),
        "SHA-512" => hex::encode(Sha512::digest(bytes)),
        other => bail!(
            "{path} is signed by a digest that is not accepted, {other:?}; accepted are SHA-256, SHA-384, SHA-512"
        ),
    })
}
