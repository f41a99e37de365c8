//! Public keys and what they verify. Signing is not here.

use ed25519_dalek::Verifier;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPublicKey};
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_parser::{prelude::FromDer, public_key::PublicKey as Parsed, x509::SubjectPublicKeyInfo};

use crate::Fault;

/// Larger keys cost seconds per signature and serve nobody.
const MAX_RSA_BITS: usize = 16_384;

#[derive(Clone, Debug)]
pub enum PublicKey {
    Rsa(RsaPublicKey),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(Box<P521>),
    Ed25519(ed25519_dalek::VerifyingKey),
    /// A key of a kind that verifies nothing here, as a shared secret or one for agreement.
    Other,
}

/// The crate's key does not show itself.
#[derive(Clone)]
pub struct P521(p521::ecdsa::VerifyingKey);

impl std::fmt::Debug for P521 {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("P521")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub fn of(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

/// The curves, by the names that JWK has for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    pub fn bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    pub fn of_oid(oid: &str) -> Option<Self> {
        match oid {
            "1.2.840.10045.3.1.7" => Some(Self::P256),
            "1.3.132.0.34" => Some(Self::P384),
            "1.3.132.0.35" => Some(Self::P521),
            _ => None,
        }
    }
}

impl PublicKey {
    /// From the `SubjectPublicKeyInfo` of a certificate or a PEM block.
    pub fn from_der(der: &[u8]) -> Result<Self, Fault> {
        let (rest, info) =
            SubjectPublicKeyInfo::from_der(der).map_err(|_| Fault::new("the bytes are no public key"))?;
        if !rest.is_empty() {
            return Err(Fault::new("something follows the public key"));
        }
        Self::from_info(&info)
    }

    pub fn from_info(info: &SubjectPublicKeyInfo<'_>) -> Result<Self, Fault> {
        if info.algorithm.algorithm.to_id_string() == "1.3.101.112" {
            return Self::ed25519(&info.subject_public_key.data);
        }
        match info.parsed() {
            Ok(Parsed::RSA(key)) => Self::rsa(key.modulus, key.exponent),
            Ok(Parsed::EC(point)) => {
                let parameters = info.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
                let curve = parameters.and_then(|oid| Curve::of_oid(&oid.to_id_string()));
                curve.map_or(Ok(Self::Other), |curve| Self::point(curve, point.data()))
            }
            Ok(_) => Ok(Self::Other),
            Err(_) => Err(Fault::new("the public key cannot be read")),
        }
    }

    /// From big-endian numbers.
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, Fault> {
        let (modulus, exponent) = (BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(exponent));
        RsaPublicKey::new_with_max_size(modulus, exponent, MAX_RSA_BITS)
            .map(Self::Rsa)
            .map_err(|error| Fault::new(format!("the RSA key cannot be used: {error}")))
    }

    /// From a point as certificates have it: a byte that says how, then the coordinates.
    pub fn point(curve: Curve, point: &[u8]) -> Result<Self, Fault> {
        let key = match curve {
            Curve::P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(point).map(Self::P256),
            Curve::P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(point).map(Self::P384),
            Curve::P521 => p521::ecdsa::VerifyingKey::from_sec1_bytes(point).map(|key| Self::P521(Box::new(P521(key)))),
        };
        key.map_err(|_| Fault::new("the point is not on its curve"))
    }

    pub fn ed25519(bytes: &[u8]) -> Result<Self, Fault> {
        let bytes = bytes.try_into().map_err(|_| Fault::new("a key of Ed25519 has 32 bytes"))?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes);
        key.map(Self::Ed25519).map_err(|_| Fault::new("the point is not on its curve"))
    }

    /// PKCS #1 version 1.5.
    pub fn verifies_pkcs1(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        let scheme = match hash {
            Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
            Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
            Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
        };
        matches!(self, Self::Rsa(key) if key.verify(scheme, &hash.of(message), signature).is_ok())
    }

    /// PSS with a salt as long as the hash, as RFC 7518 has it.
    pub fn verifies_pss(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        let scheme = match hash {
            Hash::Sha256 => Pss::new::<Sha256>(),
            Hash::Sha384 => Pss::new::<Sha384>(),
            Hash::Sha512 => Pss::new::<Sha512>(),
        };
        matches!(self, Self::Rsa(key) if key.verify(scheme, &hash.of(message), signature).is_ok())
    }

    /// ECDSA with any of the curves, whatever the hash. The signature is two numbers of equal length.
    pub fn verifies_ecdsa(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        let digest = hash.of(message);
        match self {
            Self::P256(key) => fixed(signature, 32)
                .and_then(|signature| p256::ecdsa::Signature::from_slice(&signature).ok())
                .is_some_and(|signature| key.verify_prehash(&digest, &signature).is_ok()),
            Self::P384(key) => fixed(signature, 48)
                .and_then(|signature| p384::ecdsa::Signature::from_slice(&signature).ok())
                .is_some_and(|signature| key.verify_prehash(&padded(&digest, 48), &signature).is_ok()),
            Self::P521(key) => fixed(signature, 66)
                .and_then(|signature| p521::ecdsa::Signature::from_slice(&signature).ok())
                .is_some_and(|signature| key.0.verify_prehash(&padded(&digest, 66), &signature).is_ok()),
            _ => false,
        }
    }

    pub fn verifies_ed25519(&self, message: &[u8], signature: &[u8]) -> bool {
        let Self::Ed25519(key) = self else { return false };
        ed25519_dalek::Signature::from_slice(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
    }
}

/// Both numbers of a signature at the full width of the curve; nothing where one does not fit.
fn fixed(signature: &[u8], width: usize) -> Option<Vec<u8>> {
    let (r, s) = signature.split_at(signature.len() / 2);
    let mut both = Vec::with_capacity(2 * width);
    for number in [r, s] {
        let leading = number.iter().take_while(|byte| **byte == 0).count();
        both.extend(padded(&number[leading..], width));
    }
    (both.len() == 2 * width).then_some(both)
}

/// Zeros in front, which do not change the number.
fn padded(number: &[u8], length: usize) -> Vec<u8> {
    let mut padded = vec![0; length.saturating_sub(number.len())];
    padded.extend_from_slice(number);
    padded
}
