//! Certificates and requests, shown with the members that OPA shows: those of Go's own structures.

pub mod certificate;
mod extensions;
mod host;
mod name;
mod request;
mod uri;
mod verify;

use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use super::pem;
use crate::{Context, Fault, Value, families::encoding::from_base64, operands};
use certificate::{UriStrings, shown};
use verify::Options;

pub use extensions::base64;
pub use request::parse_certificate_request;

pub fn parse_certificates(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let der = der(operands::string(arguments, 0)?)?;
    all_shown(&certificates(&der)?, UriStrings::Beside)
}

pub fn parse_and_verify(context: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    verified(operands::string(arguments, 0)?, &Options::at(context.now_ns()), UriStrings::Beside)
}

pub fn parse_and_verify_with_options(context: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let text = operands::string(arguments, 0)?;
    let members = operands::object(arguments, 1)?;
    if der(text).and_then(|der| certificates(&der).map(drop)).is_err() {
        return Ok(refused());
    }
    verified(text, &Options::parse(context.now_ns(), members)?, UriStrings::Absent)
}

fn verified(text: &str, options: &Options, uri_strings: UriStrings) -> Result<Value, Fault> {
    let Ok(der) = der(text) else { return Ok(refused()) };
    let Ok(certificates) = certificates(&der) else { return Ok(refused()) };
    match options.chain(&certificates) {
        Some(chain) => Ok(Value::Array(vec![true.into(), all_shown(&chain, uri_strings)?])),
        None => Ok(refused()),
    }
}

fn refused() -> Value {
    Value::Array(vec![false.into(), Value::Array(Vec::new())])
}

fn all_shown(certificates: &[X509Certificate<'_>], uri_strings: UriStrings) -> Result<Value, Fault> {
    certificates.iter().map(|certificate| shown(certificate, uri_strings)).collect::<Result<_, _>>().map(Value::Array)
}

/// The certificates of a PEM text, or of base64 that holds such a text or the bytes themselves, one behind the other.
fn der(text: &str) -> Result<Vec<u8>, Fault> {
    const BEGIN: &str = "-----BEGIN";
    if text.starts_with(BEGIN) {
        return der_of_pem(text);
    }
    let bytes = from_base64(text)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) if text.starts_with(BEGIN) => der_of_pem(text),
        _ => Ok(bytes),
    }
}

fn der_of_pem(text: &str) -> Result<Vec<u8>, Fault> {
    let mut der = Vec::new();
    for block in pem::all(text) {
        if block.label != "CERTIFICATE" {
            return Err(Fault::new(format!("a PEM block is {} and no CERTIFICATE", block.label)));
        }
        der.extend(block.bytes);
    }
    Ok(der)
}

fn certificates(der: &[u8]) -> Result<Vec<X509Certificate<'_>>, Fault> {
    let (mut certificates, mut rest) = (Vec::new(), der);
    while !rest.is_empty() {
        let (after, certificate) =
            X509Certificate::from_der(rest).map_err(|error| Fault::new(format!("reading a certificate: {error}")))?;
        certificates.push(certificate);
        rest = after;
    }
    Ok(certificates)
}
