//! The keys that may have signed a token: a certificate, a public key in PEM, a JWK or a set of them.

use std::collections::BTreeMap;

use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use super::token::Header;
use crate::{
    Fault, Value,
    families::{
        crypto::{
            key::{Curve, Hash, PublicKey},
            pem,
        },
        encoding::from_base64url,
    },
    text,
};

const ALGORITHMS: [&str; 13] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "HS256", "HS384", "HS512", "EdDSA",
];

/// How a signature is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Pkcs1(Hash),
    Pss(Hash),
    Ecdsa(Hash),
    EdDsa,
}

impl Scheme {
    /// Of an algorithm with a public key; those with a shared secret are none.
    pub fn named(algorithm: &str) -> Option<Self> {
        let hash = || match &algorithm[2..] {
            "256" => Some(Hash::Sha256),
            "384" => Some(Hash::Sha384),
            "512" => Some(Hash::Sha512),
            _ => None,
        };
        match algorithm.get(..2)? {
            "RS" => hash().map(Self::Pkcs1),
            "PS" => hash().map(Self::Pss),
            "ES" => hash().map(Self::Ecdsa),
            _ => (algorithm == "EdDSA").then_some(Self::EdDsa),
        }
    }

    pub fn verifies(self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Pkcs1(hash) => key.verifies_pkcs1(hash, message, signature),
            Self::Pss(hash) => key.verifies_pss(hash, message, signature),
            Self::Ecdsa(hash) => key.verifies_ecdsa(hash, message, signature),
            Self::EdDsa => key.verifies_ed25519(message, signature),
        }
    }
}

pub struct Keys(Vec<Key>);

struct Key {
    algorithm: String,
    id: String,
    key: PublicKey,
}

impl Keys {
    pub fn parse(text: &str) -> Result<Self, Fault> {
        match pem::first(text) {
            Some(block) => {
                let key = from_pem(&block)?;
                Ok(Self(vec![Key { algorithm: String::new(), id: String::new(), key }]))
            }
            None => from_jwk_text(text).map(Self),
        }
    }

    /// Whether one of the keys fits: the one that the header names, else any whose algorithm is not another.
    pub fn any(&self, header: &Header, verifies: impl Fn(&PublicKey) -> bool) -> bool {
        let named = self.0.iter().find(|key| !header.key_id.is_empty() && key.id == header.key_id);
        if let Some(named) = named {
            return verifies(&named.key);
        }
        self.0
            .iter()
            .filter(|key| key.algorithm.is_empty() || key.algorithm == header.algorithm)
            .any(|key| verifies(&key.key))
    }
}

fn from_pem(block: &pem::Block<'_>) -> Result<PublicKey, Fault> {
    if !block.rest.is_empty() {
        return Err(Fault::new("something follows the PEM block of the key"));
    }
    match block.label {
        "CERTIFICATE" => match X509Certificate::from_der(&block.bytes) {
            Ok(([], certificate)) => PublicKey::from_info(certificate.public_key()),
            _ => Err(Fault::new("the PEM block is no certificate")),
        },
        "PUBLIC KEY" => PublicKey::from_der(&block.bytes),
        other => Err(Fault::new(format!("a PEM block {other} holds no public key"))),
    }
}

fn from_jwk_text(text: &str) -> Result<Vec<Key>, Fault> {
    let Value::Object(document) = text::parse_json(text)? else {
        return Err(Fault::new("the key is neither PEM nor an object of JSON"));
    };
    let single = [Value::Object(document.clone())];
    let keys = match document.get(&"keys".into()) {
        Some(Value::Array(keys)) => keys.as_slice(),
        Some(_) => return Err(Fault::new("keys must be a list")),
        None => &single,
    };
    let keys = keys.iter().map(|key| match key {
        Value::Object(members) => from_jwk(&Jwk(members)),
        other => Err(Fault::new(format!("a key of the set is {} and no object", other.kind()))),
    });
    Ok(keys.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

struct Jwk<'v>(&'v BTreeMap<Value, Value>);

impl Jwk<'_> {
    /// Empty where the member is missing.
    fn text(&self, name: &str) -> Result<&str, Fault> {
        match self.0.get(&name.into()) {
            None => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(Fault::new(format!("the member {name} of a key must be a string"))),
        }
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, Fault> {
        match self.text(name)? {
            "" => Err(Fault::new(format!("a key lacks its member {name}"))),
            text => from_base64url(text),
        }
    }
}

/// Nothing for a key whose algorithm nobody here knows.
fn from_jwk(jwk: &Jwk<'_>) -> Result<Option<Key>, Fault> {
    let key = match jwk.text("kty")? {
        "RSA" => PublicKey::rsa(&jwk.bytes("n")?, &jwk.bytes("e")?)?,
        "EC" => point(jwk)?,
        "OKP" if jwk.text("crv")? == "Ed25519" => PublicKey::ed25519(&jwk.bytes("x")?)?,
        "OKP" => PublicKey::Other,
        "oct" => jwk.bytes("k").map(|_| PublicKey::Other)?,
        other => return Err(Fault::new(format!("there is no kind {other:?} of keys"))),
    };
    let (algorithm, id) = (jwk.text("alg")?.to_owned(), jwk.text("kid")?.to_owned());
    let is_known = algorithm.is_empty() || ALGORITHMS.contains(&algorithm.as_str());
    Ok(is_known.then_some(Key { algorithm, id, key }))
}

fn point(jwk: &Jwk<'_>) -> Result<PublicKey, Fault> {
    let curve = match jwk.text("crv")? {
        "P-256" => Curve::P256,
        "P-384" => Curve::P384,
        "P-521" => Curve::P521,
        other => return Err(Fault::new(format!("there is no curve {other:?}"))),
    };
    // Four says that both coordinates follow.
    let mut point = vec![4];
    for name in ["x", "y"] {
        let coordinate = jwk.bytes(name)?;
        let missing = curve.bytes().checked_sub(coordinate.len()).ok_or("a coordinate is too long for its curve")?;
        point.extend(std::iter::repeat_n(0, missing));
        point.extend(coordinate);
    }
    PublicKey::point(curve, &point)
}
