//! RSA, by PKCS #1, with what Go checks of a key before it hands it out. Keys of more than two primes are not read.

use num_bigint::BigUint;

use super::{base64url, der};
use crate::{Fault, Number, Value};

pub struct Key {
    pub modulus: BigUint,
    pub exponent: BigUint,
    private: BigUint,
    primes: [BigUint; 2],
    /// The private exponent modulo each prime less one.
    exponents: [BigUint; 2],
    /// The inverse of the second prime modulo the first.
    coefficient: BigUint,
}

/// Primes closer than this many bits below half of the modulus are found by trying.
const CLOSE_PRIMES_BITS: u64 = 100;

impl Key {
    pub fn of(der: &[u8]) -> Result<Self, Fault> {
        let parts = der::sequence(der)?;
        let [version, numbers @ ..] = parts.as_slice() else { return der::unreadable() };
        if !der::is_number(version, 0) && !der::is_number(version, 1) {
            return der::unreadable();
        }
        let numbers = numbers.iter().map(der::number).collect::<Result<Vec<_>, _>>()?;
        let [modulus, exponent, private, p, q, dp, dq, coefficient] =
            <[BigUint; 8]>::try_from(numbers).or_else(|_| der::unreadable())?;
        let (primes, exponents) = ([p, q], [dp, dq]);
        let key = Self { modulus, exponent, private, primes, exponents, coefficient };
        if key.holds() { Ok(key) } else { Err(Fault::new("the numbers of a private key do not fit each other")) }
    }

    fn holds(&self) -> bool {
        let one = BigUint::from(1_u8);
        let [p, q] = &self.primes;
        let half = self.modulus.bits() / 2;
        let fits = |(prime, exponent): (&BigUint, &BigUint)| {
            let below = prime - &one;
            below > one
                && exponent < &below
                && (&self.exponent * exponent) % &below == one
                && &self.private % &below == *exponent
        };
        let is_odd = |number: &BigUint| number.bit(0);
        is_odd(&self.modulus)
            && is_odd(&self.exponent)
            && self.exponent > one
            && self.exponent.bits() < 32
            && p * q == self.modulus
            && self.primes.iter().zip(&self.exponents).all(fits)
            && &self.coefficient < p
            && (q * &self.coefficient) % p == one
            && if p > q { p - q } else { q - p }.bits() + CLOSE_PRIMES_BITS > half
            && self.private.bits() > half
    }

    pub fn shown(&self) -> Result<Value, Fault> {
        let [p, q] = &self.primes;
        let [dp, dq] = &self.exponents;
        let precomputed = Value::object([
            ("CRTValues", Value::Array(Vec::new())),
            ("Dp", decimal(dp)?),
            ("Dq", decimal(dq)?),
            ("Qinv", decimal(&self.coefficient)?),
        ]);
        Ok(Value::object([
            ("D", decimal(&self.private)?),
            ("E", decimal(&self.exponent)?),
            ("N", decimal(&self.modulus)?),
            ("Precomputed", precomputed),
            ("Primes", Value::Array(vec![decimal(p)?, decimal(q)?])),
        ]))
    }

    pub fn jwk(&self) -> Value {
        let [p, q] = &self.primes;
        let [dp, dq] = &self.exponents;
        let number = |number: &BigUint| base64url(&number.to_bytes_be());
        Value::object([
            ("d", number(&self.private)),
            ("dp", number(dp)),
            ("dq", number(dq)),
            ("e", number(&self.exponent)),
            ("kty", "RSA".into()),
            ("n", number(&self.modulus)),
            ("p", number(p)),
            ("q", number(q)),
            ("qi", number(&self.coefficient)),
        ])
    }
}

pub fn decimal(number: &BigUint) -> Result<Value, Fault> {
    Number::parse(&number.to_string()).map(Value::Number).ok_or_else(|| Fault::new("a number of a key is too large"))
}
