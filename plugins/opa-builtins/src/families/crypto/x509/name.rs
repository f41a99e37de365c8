//! Distinguished names.

use std::collections::BTreeMap;

use x509_parser::{asn1_rs::Tag, x509::X509Name};

use super::extensions::oid;
use crate::{Fault, Value};

/// The members that Go keeps by themselves, by the last number of `2.5.4.n`.
const MEMBERS: [(&str, &str); 9] = [
    ("2.5.4.3", "CommonName"),
    ("2.5.4.5", "SerialNumber"),
    ("2.5.4.6", "Country"),
    ("2.5.4.7", "Locality"),
    ("2.5.4.8", "Province"),
    ("2.5.4.9", "StreetAddress"),
    ("2.5.4.10", "Organization"),
    ("2.5.4.11", "OrganizationalUnit"),
    ("2.5.4.17", "PostalCode"),
];

/// Two members are single texts, the others lists; a missing one is null.
pub fn shown(name: &X509Name<'_>) -> Result<Value, Fault> {
    let mut members: BTreeMap<&str, Value> = MEMBERS.iter().map(|(_, member)| (*member, Value::Null)).collect();
    members.extend([("CommonName", "".into()), ("SerialNumber", "".into()), ("ExtraNames", Value::Null)]);
    let mut names = Vec::new();
    for attribute in name.iter_attributes() {
        let text: Value = text(attribute.attr_value())?.into();
        let id = attribute.attr_type().to_id_string();
        if let Some((_, member)) = MEMBERS.iter().find(|(known, _)| *known == id) {
            match members.get_mut(member) {
                Some(single @ Value::String(_)) => *single = text.clone(),
                Some(Value::Array(list)) => list.push(text.clone()),
                Some(missing) => *missing = Value::Array(vec![text.clone()]),
                None => {}
            }
        }
        names.push(Value::object([("Type", oid(attribute.attr_type())), ("Value", text)]));
    }
    members.insert("Names", if names.is_empty() { Value::Null } else { Value::Array(names) });
    Ok(Value::Object(members.into_iter().map(|(member, value)| (member.into(), value)).collect()))
}

fn text(any: &x509_parser::asn1_rs::Any<'_>) -> Result<String, Fault> {
    match any.tag() {
        Tag::BmpString => {
            let units: Vec<u16> = any.data.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            Ok(String::from_utf16_lossy(&units))
        }
        // Latin letters, one byte each, as Go reads them.
        Tag::T61String => Ok(any.data.iter().map(|byte| char::from(*byte)).collect()),
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::NumericString => {
            String::from_utf8(any.data.to_vec()).map_err(|_| Fault::new("a name is no text"))
        }
        _ => Err(Fault::new("a name is no text")),
    }
}
