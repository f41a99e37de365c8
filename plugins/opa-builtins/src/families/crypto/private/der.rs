//! The little of DER that private keys are written in.

use num_bigint::BigUint;
use x509_parser::asn1_rs::{Any, Class, FromDer, Tag};

use super::Seed;
use crate::Fault;

pub fn unreadable<T>() -> Result<T, Fault> {
    Err(Fault::new("a private key cannot be read"))
}

/// What a sequence holds; nothing follows it.
pub fn sequence(der: &[u8]) -> Result<Vec<Any<'_>>, Fault> {
    match items(der)?.as_slice() {
        [only] if only.tag() == Tag::Sequence => items(only.data),
        _ => unreadable(),
    }
}

/// Things that stand one behind the other.
pub fn items(mut der: &[u8]) -> Result<Vec<Any<'_>>, Fault> {
    let mut items = Vec::new();
    while !der.is_empty() {
        let Ok((rest, item)) = Any::from_der(der) else { return unreadable() };
        items.push(item);
        der = rest;
    }
    Ok(items)
}

pub fn oid(item: &Any<'_>) -> Option<String> {
    item.as_oid().ok().map(|oid| oid.to_id_string())
}

/// A number above zero.
pub fn number(item: &Any<'_>) -> Result<BigUint, Fault> {
    let is_negative = item.data.first().is_none_or(|first| *first >= 0x80);
    let number = BigUint::from_bytes_be(item.data);
    if item.tag() != Tag::Integer || is_negative || number == BigUint::ZERO { unreadable() } else { Ok(number) }
}

pub fn is_number(item: &Any<'_>, expected: u8) -> bool {
    item.tag() == Tag::Integer && item.data == [expected]
}

pub fn octets<'d>(item: &Any<'d>) -> Result<&'d [u8], Fault> {
    if item.tag() == Tag::OctetString { Ok(item.data) } else { unreadable() }
}

pub fn seed(der: &[u8]) -> Result<Seed, Fault> {
    match items(der)?.as_slice() {
        [only] => octets(only)?.try_into().or_else(|_| unreadable()),
        _ => unreadable(),
    }
}

/// What stands below the explicit tag of this number.
pub fn tagged<'d>(items: &[Any<'d>], number: u32) -> Option<&'d [u8]> {
    let is_it = |item: &&Any<'_>| item.class() == Class::ContextSpecific && item.tag() == Tag(number);
    items.iter().find(is_it).map(|item| item.data)
}
