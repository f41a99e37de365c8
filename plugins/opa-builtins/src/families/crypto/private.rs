//! Private keys, read and shown as OPA shows them: as Go's structures, and as JWK. Nothing is signed with them.

mod der;
mod elliptic;
mod rsa;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use num_bigint::BigUint;
use x509_parser::{certificate::X509Certificate, prelude::FromDer, public_key::PublicKey};

use super::{
    pem,
    x509::{self, certificate},
};
use crate::{Context, Fault, Value, families::encoding::from_base64, operands};

const ED25519: &str = "1.3.101.112";
const X25519: &str = "1.3.101.110";
const ELLIPTIC: &str = "1.2.840.10045.2.1";
const RSA: &str = "1.2.840.113549.1.1.1";

/// A key of 32 bytes that stand for themselves.
type Seed = [u8; 32];

enum PrivateKey {
    Rsa(rsa::Key),
    Elliptic(elliptic::Key),
    Ed25519(Seed),
    X25519(Seed),
}

pub fn parse_rsa_private_key(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let text = operands::string(arguments, 0)?;
    let decoded;
    let text = match text {
        "" => return Err(Fault::new("there is no key in an empty text")),
        pem if pem.starts_with("-----BEGIN") => pem,
        other => {
            decoded = text_of(from_base64(other)?);
            &decoded
        }
    };
    keys(text)?.first().map_or(Ok(Value::Null), PrivateKey::jwk)
}

pub fn parse_private_keys(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let text = operands::string(arguments, 0)?;
    if text.is_empty() {
        return Ok(Value::Null);
    }
    keys(text)?.iter().map(PrivateKey::shown).collect::<Result<_, _>>().map(Value::Array)
}

pub fn parse_keypair(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let certificates = blocks(operands::string(arguments, 0)?, "CERTIFICATE", |label| label == "CERTIFICATE")?;
    let is_key = |label: &str| label == "PRIVATE KEY" || label.ends_with(" PRIVATE KEY");
    let key = blocks(operands::string(arguments, 1)?, "PRIVATE KEY", is_key)?;
    let (Some(first), Some(key)) = (certificates.first(), key.first()) else {
        return Err(Fault::new("there is no certificate, or no key"));
    };
    let (_, leaf) = X509Certificate::from_der(first).map_err(|_| Fault::new("the certificate cannot be read"))?;
    let key = PrivateKey::of_any(key)?;
    if !key.belongs_to(&leaf) {
        return Err(Fault::new("the private key does not match the certificate"));
    }
    Ok(Value::object([
        ("Certificate", Value::Array(certificates.iter().map(|der| x509::base64(der)).collect())),
        ("Leaf", certificate::shown(&leaf, certificate::UriStrings::Absent)?),
        ("OCSPStaple", Value::Null),
        ("PrivateKey", key.shown()?),
        ("SignedCertificateTimestamps", Value::Null),
        ("SupportedSignatureAlgorithms", Value::Null),
    ]))
}

/// The keys of a PEM text, or of base64 that holds one. Blocks of other kinds are passed over.
fn keys(text: &str) -> Result<Vec<PrivateKey>, Fault> {
    let decoded = from_base64(text).ok().map(text_of);
    let mut keys = Vec::new();
    for block in pem::all(decoded.as_deref().unwrap_or(text)) {
        match block.label {
            "RSA PRIVATE KEY" => keys.push(rsa::Key::of(&block.bytes).map(PrivateKey::Rsa)?),
            "EC PRIVATE KEY" => keys.push(elliptic::Key::of(&block.bytes, None).map(PrivateKey::Elliptic)?),
            "PRIVATE KEY" => keys.push(PrivateKey::of_pkcs8(&block.bytes)?),
            _ => {}
        }
    }
    Ok(keys)
}

/// The blocks that count, of PEM text, of base64 that holds it, or of base64 that is the inside of one block.
fn blocks(text: &str, inside: &str, counts: impl Fn(&str) -> bool) -> Result<Vec<Vec<u8>>, Fault> {
    let decoded;
    let text = if text.starts_with("-----BEGIN ") {
        text
    } else {
        let bytes = from_base64(text)?;
        if !bytes.starts_with(b"-----BEGIN ") {
            return Ok(if counts(inside) { vec![bytes] } else { Vec::new() });
        }
        decoded = text_of(bytes);
        &decoded
    };
    Ok(pem::all(text).filter(|block| counts(block.label)).map(|block| block.bytes).collect())
}

fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

impl PrivateKey {
    fn of_pkcs8(der: &[u8]) -> Result<Self, Fault> {
        let parts = der::sequence(der)?;
        let [_, algorithm, inside, ..] = parts.as_slice() else { return der::unreadable() };
        let algorithm = der::items(algorithm.data)?;
        let (name, parameters) = algorithm.split_first().map_or((None, &[][..]), |(name, rest)| (der::oid(name), rest));
        let inside = inside.data;
        match name.as_deref() {
            Some(RSA) => rsa::Key::of(inside).map(Self::Rsa),
            Some(ELLIPTIC) => {
                let curve = parameters.first().and_then(der::oid);
                elliptic::Key::of(inside, curve.as_deref()).map(Self::Elliptic)
            }
            Some(ED25519) if parameters.is_empty() => der::seed(inside).map(Self::Ed25519),
            Some(X25519) if parameters.is_empty() => der::seed(inside).map(Self::X25519),
            _ => Err(Fault::new("a private key is of an unknown algorithm")),
        }
    }

    /// Whichever of the three forms the bytes have.
    fn of_any(der: &[u8]) -> Result<Self, Fault> {
        let pkcs1 = rsa::Key::of(der).map(Self::Rsa);
        pkcs1.or_else(|_| Self::of_pkcs8(der)).or_else(|_| elliptic::Key::of(der, None).map(Self::Elliptic))
    }

    fn belongs_to(&self, certificate: &X509Certificate<'_>) -> bool {
        let info = certificate.public_key();
        match (self, info.parsed()) {
            (Self::Rsa(key), Ok(PublicKey::RSA(public))) => {
                key.modulus == BigUint::from_bytes_be(public.modulus)
                    && key.exponent == BigUint::from_bytes_be(public.exponent)
            }
            (Self::Elliptic(key), Ok(PublicKey::EC(point))) => point.data() == key.point(),
            (Self::Ed25519(seed), _) => {
                info.algorithm.algorithm.to_id_string() == ED25519
                    && *info.subject_public_key.data == ed25519_public(seed)
            }
            _ => false,
        }
    }

    /// As Go's JSON shows the structure.
    fn shown(&self) -> Result<Value, Fault> {
        match self {
            Self::Rsa(key) => key.shown(),
            Self::Elliptic(key) => key.shown(),
            Self::Ed25519(seed) => Ok(x509::base64(&[seed.as_slice(), &ed25519_public(seed)].concat())),
            Self::X25519(_) => Ok(Value::object([])),
        }
    }

    fn jwk(&self) -> Result<Value, Fault> {
        match self {
            Self::Rsa(key) => Ok(key.jwk()),
            Self::Elliptic(key) => Ok(key.jwk()),
            Self::Ed25519(seed) => Ok(octets("Ed25519", seed, &ed25519_public(seed))),
            Self::X25519(seed) => {
                let public = curve25519_dalek::MontgomeryPoint::mul_base_clamped(*seed);
                Ok(octets("X25519", seed, public.as_bytes()))
            }
        }
    }
}

fn ed25519_public(seed: &Seed) -> Seed {
    ed25519_dalek::SigningKey::from_bytes(seed).verifying_key().to_bytes()
}

fn octets(curve: &str, private: &[u8], public: &[u8]) -> Value {
    Value::object([("crv", curve.into()), ("d", base64url(private)), ("kty", "OKP".into()), ("x", base64url(public))])
}

fn base64url(bytes: &[u8]) -> Value {
    URL_SAFE_NO_PAD.encode(bytes).into()
}
