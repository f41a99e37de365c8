//! Digests and HMAC here, X.509 and keys in the modules below.

pub(crate) mod key;
pub(crate) mod pem;
mod private;
mod x509;

use hmac::{Hmac, Mac, digest::KeyInit};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::{Builtin, Context, Fault, Value, operands};

pub const BUILTINS: &[(&str, Builtin)] = &[
    ("crypto.md5", digest::<Md5>),
    ("crypto.sha1", digest::<Sha1>),
    ("crypto.sha256", digest::<Sha256>),
    ("crypto.hmac.md5", hmac::<Hmac<Md5>>),
    ("crypto.hmac.sha1", hmac::<Hmac<Sha1>>),
    ("crypto.hmac.sha256", hmac::<Hmac<Sha256>>),
    ("crypto.hmac.sha512", hmac::<Hmac<Sha512>>),
    ("crypto.hmac.equal", hmac_equal),
    ("crypto.parse_private_keys", private::parse_private_keys),
    ("crypto.x509.parse_keypair", private::parse_keypair),
    ("crypto.x509.parse_rsa_private_key", private::parse_rsa_private_key),
    ("crypto.x509.parse_certificates", x509::parse_certificates),
    ("crypto.x509.parse_and_verify_certificates", x509::parse_and_verify),
    ("crypto.x509.parse_and_verify_certificates_with_options", x509::parse_and_verify_with_options),
    ("crypto.x509.parse_certificate_request", x509::parse_certificate_request),
];

fn digest<D: Digest>(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(hex::encode(D::digest(operands::string(arguments, 0)?)).into())
}

fn hmac<M: Mac + KeyInit>(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let message = operands::string(arguments, 0)?;
    Ok(hex::encode(mac::<M>(operands::string(arguments, 1)?.as_bytes(), message)?.finalize().into_bytes()).into())
}

/// A message authentication code that has read its message.
pub(super) fn mac<M: Mac + KeyInit>(key: &[u8], message: &str) -> Result<M, Fault> {
    let mut mac = <M as KeyInit>::new_from_slice(key).map_err(|_| Fault::new("the key has no length for this code"))?;
    mac.update(message.as_bytes());
    Ok(mac)
}

/// In a time that does not tell where they differ.
fn hmac_equal(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (left, right) = (operands::string(arguments, 0)?.as_bytes(), operands::string(arguments, 1)?.as_bytes());
    let differing = left.iter().zip(right).fold(0, |differing, (left, right)| differing | (left ^ right));
    Ok((left.len() == right.len() && std::hint::black_box(differing) == 0).into())
}
