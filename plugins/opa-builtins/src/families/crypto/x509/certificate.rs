//! One certificate as Go's JSON shows it.

use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralName, ParsedExtension},
    public_key::PublicKey,
    time::ASN1Time,
    x509::{AlgorithmIdentifier, SubjectPublicKeyInfo},
};

use super::{
    extensions::{self, base64, list},
    name,
};
use crate::{Fault, Number, Value};

/// Whether the texts of URIs stand beside their parts, as they do in one of OPA's answers and in another do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UriStrings {
    Beside,
    Absent,
}

pub fn shown(certificate: &X509Certificate<'_>, uri_strings: UriStrings) -> Result<Value, Fault> {
    let mut members = extensions::shown(certificate.extensions())?;
    members.extend([
        ("Extensions", extensions::listed(certificate.extensions())),
        ("ExtraExtensions", Value::Null),
        ("Issuer", name::shown(certificate.issuer())?),
        ("NotAfter", time(&certificate.validity().not_after)),
        ("NotBefore", time(&certificate.validity().not_before)),
        ("Raw", base64(certificate.as_raw())),
        ("RawIssuer", base64(certificate.issuer().as_raw())),
        ("RawSubject", base64(certificate.subject().as_raw())),
        ("RawTBSCertificate", base64(certificate.tbs_certificate.as_ref())),
        ("SerialNumber", whole(&certificate.tbs_certificate.serial.to_string())?),
        ("Signature", base64(&certificate.signature_value.data)),
        ("SignatureAlgorithm", signature_algorithm(&certificate.signature_algorithm).into()),
        ("Subject", name::shown(certificate.subject())?),
        ("Version", (i64::from(certificate.version().0) + 1).into()),
    ]);
    members.extend(public_key(certificate.public_key())?);
    if uri_strings == UriStrings::Beside {
        members.insert("URIStrings", list(uri_texts(certificate)));
    }
    Ok(Value::Object(members.into_iter().map(|(member, value)| (member.into(), value)).collect()))
}

fn uri_texts(certificate: &X509Certificate<'_>) -> Vec<Value> {
    let names = certificate.extensions().iter().filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
        _ => None,
    });
    let texts = names.flatten().filter_map(|name| match name {
        GeneralName::URI(text) => Some((*text).into()),
        _ => None,
    });
    texts.collect()
}

pub fn whole(digits: &str) -> Result<Value, Fault> {
    Number::parse(digits).map(Value::Number).ok_or_else(|| Fault::new("a number of the certificate is too large"))
}

fn time(time: &ASN1Time) -> Value {
    let time = time.to_datetime();
    let (day, clock) = (time.date(), time.time());
    let (year, month) = (day.year(), u8::from(day.month()));
    let (hour, minute, second) = (clock.hour(), clock.minute(), clock.second());
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", day.day()).into()
}

/// The members that show a public key; its number and form follow its kind.
pub fn public_key(info: &SubjectPublicKeyInfo<'_>) -> Result<[(&'static str, Value); 3], Fault> {
    let raw = &info.subject_public_key.data;
    let decimal = |bytes: &[u8]| whole(&num_bigint::BigUint::from_bytes_be(bytes).to_string());
    let (number, key) = match (info.algorithm.algorithm.to_id_string().as_str(), info.parsed()) {
        ("1.3.101.112", _) => (4_i64, base64(raw)),
        (_, Ok(PublicKey::RSA(key))) => {
            (1, Value::object([("N", decimal(key.modulus)?), ("E", decimal(key.exponent)?)]))
        }
        (_, Ok(PublicKey::EC(point))) => {
            let (x, y) = match point.data() {
                [4, rest @ ..] => rest.split_at(rest.len() / 2),
                _ => return Err(Fault::new("the point of the public key is in a form that is not read")),
            };
            (3, Value::object([("Curve", Value::object([])), ("X", decimal(x)?), ("Y", decimal(y)?)]))
        }
        _ => (0, Value::Null),
    };
    Ok([("PublicKey", key), ("PublicKeyAlgorithm", number.into()), ("RawSubjectPublicKeyInfo", base64(info.raw))])
}

/// Go's numbers for signature algorithms; zero for one that it does not know.
pub fn signature_algorithm(algorithm: &AlgorithmIdentifier<'_>) -> i64 {
    match algorithm.algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.2" => 1,
        "1.2.840.113549.1.1.4" => 2,
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => 3,
        "1.2.840.113549.1.1.11" => 4,
        "1.2.840.113549.1.1.12" => 5,
        "1.2.840.113549.1.1.13" => 6,
        "1.2.840.10040.4.3" => 7,
        "2.16.840.1.101.3.4.3.2" => 8,
        "1.2.840.10045.4.1" => 9,
        "1.2.840.10045.4.3.2" => 10,
        "1.2.840.10045.4.3.3" => 11,
        "1.2.840.10045.4.3.4" => 12,
        "1.2.840.113549.1.1.10" => pss_algorithm(algorithm),
        "1.3.101.112" => 16,
        _ => 0,
    }
}

/// The hash stands in the parameters; it is looked for by the bytes of its identifier.
fn pss_algorithm(algorithm: &AlgorithmIdentifier<'_>) -> i64 {
    const SHA2: [u8; 8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
    let parameters = algorithm.parameters.as_ref().map_or(&[][..], |any| any.data);
    let at = parameters.windows(SHA2.len()).position(|window| window == SHA2);
    match at.and_then(|at| parameters.get(at + SHA2.len())) {
        Some(1) => 13,
        Some(2) => 14,
        Some(3) => 15,
        _ => 0,
    }
}
