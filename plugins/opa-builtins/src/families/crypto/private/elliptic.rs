//! Keys of elliptic curves, by SEC 1. P-224 is not read.

use num_bigint::BigUint;
use p256::elliptic_curve::sec1::ToEncodedPoint;

use super::{base64url, der, rsa::decimal};
use crate::{Fault, Value, families::crypto::key::Curve};

pub struct Key {
    curve: Curve,
    scalar: Vec<u8>,
    /// A byte that says how, then both coordinates.
    point: Vec<u8>,
}

impl Key {
    /// The curve stands in the key, unless what is around it says it.
    pub fn of(der: &[u8], curve: Option<&str>) -> Result<Self, Fault> {
        let parts = der::sequence(der)?;
        let [version, scalar, rest @ ..] = parts.as_slice() else { return der::unreadable() };
        if !der::is_number(version, 1) {
            return der::unreadable();
        }
        let inside = der::tagged(rest, 0).and_then(|inside| der::items(inside).ok());
        let inside = inside.and_then(|items| der::oid(items.first()?));
        let curve = curve.or(inside.as_deref()).and_then(Curve::of_oid);
        let curve = curve.ok_or_else(|| Fault::new("a private key is of an unknown curve"))?;
        let scalar = padded(der::octets(scalar)?, curve.bytes())?;
        Ok(Self { curve, point: point(curve, &scalar)?, scalar })
    }

    pub fn point(&self) -> &[u8] {
        &self.point
    }

    fn coordinates(&self) -> (&[u8], &[u8]) {
        self.point[1..].split_at(self.curve.bytes())
    }

    pub fn shown(&self) -> Result<Value, Fault> {
        let (x, y) = self.coordinates();
        let number = |bytes: &[u8]| decimal(&BigUint::from_bytes_be(bytes));
        Ok(Value::object([
            ("Curve", Value::object([])),
            ("D", number(&self.scalar)?),
            ("X", number(x)?),
            ("Y", number(y)?),
        ]))
    }

    pub fn jwk(&self) -> Value {
        let name = match self.curve {
            Curve::P256 => "P-256",
            Curve::P384 => "P-384",
            Curve::P521 => "P-521",
        };
        let (x, y) = self.coordinates();
        Value::object([
            ("crv", name.into()),
            ("d", base64url(&self.scalar)),
            ("kty", "EC".into()),
            ("x", base64url(x)),
            ("y", base64url(y)),
        ])
    }
}

/// Zeros in front may be too many or too few: tools have written both.
fn padded(scalar: &[u8], width: usize) -> Result<Vec<u8>, Fault> {
    let number = BigUint::from_bytes_be(scalar).to_bytes_be();
    if number.len() > width {
        return der::unreadable();
    }
    Ok([vec![0; width - number.len()], number].concat())
}

fn point(curve: Curve, scalar: &[u8]) -> Result<Vec<u8>, Fault> {
    let point = match curve {
        Curve::P256 => {
            p256::SecretKey::from_slice(scalar).map(|key| key.public_key().to_encoded_point(false).to_bytes())
        }
        Curve::P384 => {
            p384::SecretKey::from_slice(scalar).map(|key| key.public_key().to_encoded_point(false).to_bytes())
        }
        Curve::P521 => {
            p521::SecretKey::from_slice(scalar).map(|key| key.public_key().to_encoded_point(false).to_bytes())
        }
    };
    point.map(Vec::from).or_else(|_| der::unreadable())
}
