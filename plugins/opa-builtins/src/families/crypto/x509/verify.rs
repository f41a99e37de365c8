//! Whether certificates form a chain: the first is trusted, the last is the leaf, those between may help.
//!
//! Stricter than OPA in one place: a chain through an authority with name constraints or with an obligation to policies is
//! refused, as these are not followed here.

use std::collections::BTreeMap;

use x509_parser::{
    asn1_rs::{FromDer, Integer, SequenceOf},
    certificate::X509Certificate,
    extensions::ParsedExtension,
};

use super::{
    certificate::signature_algorithm,
    extensions::{self, KEY_PURPOSES},
    host,
};
use crate::{
    Fault, Value,
    families::crypto::key::{Hash, PublicKey},
    operands,
};

/// How many signatures are checked for one question, as in Go.
const MAX_SIGNATURES: usize = 100;

pub struct Options {
    now_seconds: i64,
    host: String,
    /// Go's numbers for the purposes; one of them must be allowed all along the chain.
    purposes: Vec<usize>,
}

impl Options {
    pub fn at(now_ns: i128) -> Self {
        let now_seconds = i64::try_from(now_ns.div_euclid(1_000_000_000)).unwrap_or(i64::MAX);
        Self { now_seconds, host: String::new(), purposes: vec![1] }
    }

    pub fn parse(now_ns: i128, members: &BTreeMap<Value, Value>) -> Result<Self, Fault> {
        let mut options = Self::at(now_ns);
        for (name, value) in members {
            let value = std::slice::from_ref(value);
            match name {
                Value::String(name) if name == "DNSName" => {
                    options.host = operands::string(value, 0)?.trim_matches('"').to_owned();
                }
                Value::String(name) if name == "CurrentTime" => {
                    options.now_seconds = operands::int(value, 0)?.div_euclid(1_000_000_000);
                }
                // Bounds Go's work on name constraints, which are not followed here.
                Value::String(name) if name == "MaxConstraintComparisons" => drop(operands::int(value, 0)?),
                Value::String(name) if name == "KeyUsages" => options.purposes = purposes(value)?,
                Value::String(name) => return Err(Fault::new(format!("there is no option {name}"))),
                _ => {}
            }
        }
        Ok(options)
    }

    /// The chain from the leaf to the trusted certificate.
    pub fn chain<'c>(&self, certificates: &[X509Certificate<'c>]) -> Option<Vec<X509Certificate<'c>>> {
        let [root, between @ .., leaf] = certificates else { return None };
        if !self.is_usable(leaf, 0) || !self.host.is_empty() && !host::is_named(leaf, &self.host) {
            return None;
        }
        let mut search = Search { options: self, root, between, signatures: 0 };
        if leaf.as_raw() == root.as_raw() {
            return self.allows_purpose(&[leaf]).then(|| vec![leaf.clone()]);
        }
        let chain = search.onward(vec![leaf])?;
        Some(chain.into_iter().cloned().collect())
    }

    /// By itself: in its time, without anything critical that nobody here follows.
    fn is_usable(&self, certificate: &X509Certificate<'_>, below: usize) -> bool {
        let validity = certificate.validity();
        let is_in_time = (validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&self.now_seconds);
        let Ok(members) = extensions::shown(certificate.extensions()) else { return false };
        let is_followed = certificate.extensions().iter().all(|extension| match extension.parsed_extension() {
            ParsedExtension::NameConstraints(_) => below == 0,
            ParsedExtension::PolicyConstraints(_) => false,
            _ => true,
        });
        is_in_time && is_followed && members["UnhandledCriticalExtensions"] == Value::Null
    }

    /// From the top: a certificate that names purposes leaves only those.
    fn allows_purpose(&self, chain: &[&X509Certificate<'_>]) -> bool {
        if self.purposes.contains(&0) {
            return true;
        }
        let mut left = self.purposes.clone();
        for certificate in chain.iter().rev() {
            let Ok(members) = extensions::shown(certificate.extensions()) else { return false };
            let (known, unknown) = (&members["ExtKeyUsage"], &members["UnknownExtKeyUsage"]);
            let named = match known {
                Value::Array(named) => named.as_slice(),
                _ if *unknown == Value::Null => continue,
                _ => &[],
            };
            if !named.contains(&0_i64.into()) {
                left.retain(|purpose| named.contains(&(*purpose).into()));
            }
        }
        !left.is_empty()
    }
}

/// An empty list asks for what servers need, as Go does.
fn purposes(value: &[Value]) -> Result<Vec<usize>, Fault> {
    let mut purposes = Vec::new();
    for name in operands::items(value, 0)? {
        let Value::String(name) = name else { continue };
        let known = KEY_PURPOSES.iter().position(|(known, _)| *known == name.trim_matches('"'));
        purposes.push(known.ok_or_else(|| Fault::new(format!("there is no purpose {name} of keys")))?);
    }
    Ok(if purposes.is_empty() { vec![1] } else { purposes })
}

struct Search<'s, 'c> {
    options: &'s Options,
    root: &'s X509Certificate<'c>,
    between: &'s [X509Certificate<'c>],
    signatures: usize,
}

impl<'s, 'c> Search<'s, 'c> {
    fn onward(&mut self, chain: Vec<&'s X509Certificate<'c>>) -> Option<Vec<&'s X509Certificate<'c>>> {
        let child = *chain.last()?;
        if self.may_issue(self.root, child, chain.len() - 1) {
            let mut whole = chain.clone();
            whole.push(self.root);
            if self.options.allows_purpose(&whole) {
                return Some(whole);
            }
        }
        for parent in self.between {
            let is_new = chain.iter().all(|certificate| certificate.public_key() != parent.public_key());
            let is_authority =
                parent.basic_constraints().ok().flatten().is_some_and(|constraints| constraints.value.ca);
            if is_new && is_authority && self.may_issue(parent, child, chain.len() - 1) {
                let mut longer = chain.clone();
                longer.push(parent);
                if let Some(whole) = self.onward(longer) {
                    return Some(whole);
                }
            }
        }
        None
    }

    /// `between` counts the certificates between the parent and the leaf.
    fn may_issue(&mut self, parent: &X509Certificate<'_>, child: &X509Certificate<'_>, between: usize) -> bool {
        if parent.subject().as_raw() != child.issuer().as_raw() || !self.options.is_usable(parent, 1) {
            return false;
        }
        let constraints = parent.basic_constraints().ok().flatten().map(|constraints| constraints.value);
        let may_sign = match constraints {
            Some(constraints) => {
                let limit = constraints.path_len_constraint.and_then(|limit| usize::try_from(limit).ok());
                constraints.ca && limit.is_none_or(|limit| between <= limit)
            }
            // Versions before the third have no way to say so.
            None => parent.version().0 < 2,
        };
        let key_may_sign = parent.key_usage().ok().flatten().is_none_or(|usage| usage.value.key_cert_sign());
        self.signatures += 1;
        may_sign && key_may_sign && self.signatures <= MAX_SIGNATURES && is_signed_by(child, parent)
    }
}

/// Digests that are broken, MD5 and SHA-1 among them, sign nothing.
fn is_signed_by(child: &X509Certificate<'_>, parent: &X509Certificate<'_>) -> bool {
    let Ok(key) = PublicKey::from_info(parent.public_key()) else { return false };
    let (message, signature) = (child.tbs_certificate.as_ref(), child.signature_value.data.as_ref());
    let ecdsa = |hash| two_numbers(signature).is_some_and(|signature| key.verifies_ecdsa(hash, message, &signature));
    match signature_algorithm(&child.signature_algorithm) {
        4 => key.verifies_pkcs1(Hash::Sha256, message, signature),
        5 => key.verifies_pkcs1(Hash::Sha384, message, signature),
        6 => key.verifies_pkcs1(Hash::Sha512, message, signature),
        10 => ecdsa(Hash::Sha256),
        11 => ecdsa(Hash::Sha384),
        12 => ecdsa(Hash::Sha512),
        13 => key.verifies_pss(Hash::Sha256, message, signature),
        14 => key.verifies_pss(Hash::Sha384, message, signature),
        15 => key.verifies_pss(Hash::Sha512, message, signature),
        16 => key.verifies_ed25519(message, signature),
        _ => false,
    }
}

/// The two numbers of a signature, side by side at one width.
fn two_numbers(der: &[u8]) -> Option<Vec<u8>> {
    let (rest, numbers) = SequenceOf::<Integer<'_>>::from_der(der).ok()?;
    let numbers: Vec<&[u8]> = numbers.iter().map(AsRef::as_ref).collect();
    let [r, s] = numbers[..] else { return None };
    let is_positive = |number: &[u8]| number.first().is_some_and(|byte| byte & 0x80 == 0);
    let width = r.len().max(s.len());
    let wide = |number: &[u8]| [vec![0; width - number.len()], number.to_vec()].concat();
    (rest.is_empty() && is_positive(r) && is_positive(s)).then(|| [wide(r), wide(s)].concat())
}
