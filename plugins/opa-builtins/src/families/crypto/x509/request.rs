//! Requests for certificates.

use x509_parser::{
    asn1_rs::{Any, FromDer, Oid, Sequence},
    certification_request::X509CertificationRequest,
    cri_attributes::ParsedCriAttribute,
    extensions::{ParsedExtension, X509Extension},
};

use super::{
    certificate::{public_key, signature_algorithm},
    extensions::{Members, alternative_names, base64, list, listed, oid},
    name,
};
use crate::{
    Context, Fault, Value,
    families::{crypto::pem, encoding::from_base64},
    operands,
};

pub fn parse_certificate_request(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    const LABEL: &str = "CERTIFICATE REQUEST";
    let text = operands::string(arguments, 0)?;
    let bytes = match text.starts_with("-----BEGIN CERTIFICATE REQUEST-----") {
        true => text.as_bytes().to_vec(),
        false => from_base64(text)?,
    };
    let der = match std::str::from_utf8(&bytes).ok().and_then(pem::first) {
        Some(block) if block.label == LABEL => block.bytes,
        Some(block) => return Err(Fault::new(format!("a PEM block is {} and no {LABEL}", block.label))),
        None => bytes,
    };
    match X509CertificationRequest::from_der(&der) {
        Ok(([], request)) => shown(&request),
        _ => Err(Fault::new("the bytes are no request for a certificate")),
    }
}

fn shown(request: &X509CertificationRequest<'_>) -> Result<Value, Fault> {
    let info = &request.certification_request_info;
    let asked = info.attributes().iter().find_map(|attribute| match attribute.parsed_attribute() {
        ParsedCriAttribute::ExtensionRequest(request) => Some(request.extensions.as_slice()),
        _ => None,
    });
    let asked: &[X509Extension<'_>] = asked.unwrap_or_default();
    let mut members: Members = ["DNSNames", "EmailAddresses", "IPAddresses", "URIs", "ExtraExtensions"]
        .into_iter()
        .map(|name| (name, Value::Null))
        .collect();
    for extension in asked {
        if let ParsedExtension::SubjectAlternativeName(names) = extension.parsed_extension() {
            alternative_names(&names.general_names, &mut members)?;
        }
    }
    let attributes = info.attributes().iter().filter_map(|attribute| {
        let values = pairs(attribute.value)?;
        Some(Value::object([("Type", oid(&attribute.oid)), ("Value", values)]))
    });
    members.extend([
        ("Attributes", list(attributes.collect())),
        ("Extensions", listed(asked)),
        ("Raw", base64(request.as_raw())),
        ("RawSubject", base64(info.subject.as_raw())),
        ("RawTBSCertificateRequest", base64(info.raw)),
        ("Signature", base64(&request.signature_value.data)),
        ("SignatureAlgorithm", signature_algorithm(&request.signature_algorithm).into()),
        ("Subject", name::shown(&info.subject)?),
        ("Version", i64::from(info.version.0).into()),
    ]);
    members.extend(public_key(&info.subject_pki)?);
    Ok(Value::Object(members.into_iter().map(|(member, value)| (member.into(), value)).collect()))
}

/// Lists of an identifier and a value each, which is all that Go keeps of attributes; other forms are left out.
fn pairs(set: &[u8]) -> Option<Value> {
    let (_, set) = Any::from_der(set).ok()?;
    let mut lists = Vec::new();
    let mut rest = set.data;
    while !rest.is_empty() {
        let (after, list) = Sequence::from_der(rest).ok()?;
        rest = after;
        let (mut items, mut inner) = (Vec::new(), list.content.as_ref());
        while !inner.is_empty() {
            let (after, pair) = Sequence::from_der(inner).ok()?;
            inner = after;
            let (held, id) = Oid::from_der(pair.content.as_ref()).ok()?;
            let (_, held) = Any::from_der(held).ok()?;
            items.push(Value::object([("Type", oid(&id)), ("Value", plain(&held))]));
        }
        lists.push(Value::Array(items));
    }
    Some(Value::Array(lists))
}

fn plain(any: &Any<'_>) -> Value {
    match any.tag().0 {
        1 => any.data.first().is_some_and(|byte| *byte != 0).into(),
        12 | 19 | 22 => String::from_utf8_lossy(any.data).into_owned().into(),
        _ => base64(any.data),
    }
}
