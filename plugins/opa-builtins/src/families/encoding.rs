//! Base64, hexadecimal and query strings.
//!
//! Strings are UTF-8 here: where OPA decodes to other bytes and keeps them, these become U+FFFD.

use std::collections::BTreeMap;

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose},
};

use crate::{Builtin, Context, Fault, Value, operands};

pub const BUILTINS: &[(&str, Builtin)] = &[
    ("base64.encode", base64_encode),
    ("base64.decode", base64_decode),
    ("base64.is_valid", base64_is_valid),
    ("base64url.encode", base64url_encode),
    ("base64url.encode_no_pad", base64url_encode_no_pad),
    ("base64url.decode", base64url_decode),
    ("hex.encode", hex_encode),
    ("hex.decode", hex_decode),
    ("urlquery.encode", query_encode),
    ("urlquery.decode", query_decode),
    ("urlquery.encode_object", query_encode_object),
    ("urlquery.decode_object", query_decode_object),
];

/// As Go decodes: padded, and bits that nobody needs may be set.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
const DECODE_STANDARD: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const DECODE_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// The bytes of a base64 text; Go skips line breaks wherever they stand.
pub(crate) fn from_base64(text: &str) -> Result<Vec<u8>, Fault> {
    decode(&DECODE_STANDARD, text)
}

/// The bytes of a base64url text, whose padding may be left out.
pub(crate) fn from_base64url(text: &str) -> Result<Vec<u8>, Fault> {
    let padding = match (text.ends_with('='), text.len() % 4) {
        (true, _) | (false, 0) => "",
        (false, 2) => "==",
        (false, 3) => "=",
        (false, _) => return Err(Fault::new("the length is none of a base64url text")),
    };
    decode(&DECODE_URL, &format!("{text}{padding}"))
}

fn decode(engine: &GeneralPurpose, text: &str) -> Result<Vec<u8>, Fault> {
    let plain: String = text.chars().filter(|letter| !matches!(letter, '\r' | '\n')).collect();
    engine.decode(plain).map_err(|error| Fault::new(format!("reading base64: {error}")))
}

fn lossy(bytes: Vec<u8>) -> Value {
    Value::String(
        String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

fn base64_encode(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(general_purpose::STANDARD.encode(operands::string(arguments, 0)?).into())
}

fn base64_decode(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    from_base64(operands::string(arguments, 0)?).map(lossy)
}

fn base64_is_valid(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(operands::string(arguments, 0).and_then(from_base64).is_ok().into())
}

fn base64url_encode(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(general_purpose::URL_SAFE.encode(operands::string(arguments, 0)?).into())
}

fn base64url_encode_no_pad(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(general_purpose::URL_SAFE_NO_PAD.encode(operands::string(arguments, 0)?).into())
}

fn base64url_decode(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    from_base64url(operands::string(arguments, 0)?).map(lossy)
}

fn hex_encode(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(hex::encode(operands::string(arguments, 0)?).into())
}

fn hex_decode(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    hex::decode(operands::string(arguments, 0)?).map(lossy).map_err(|error| Fault::new(format!("reading hex: {error}")))
}

fn query_encode(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(escape(operands::string(arguments, 0)?).into())
}

fn query_decode(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    unescape(operands::string(arguments, 0)?).map(lossy)
}

fn query_encode_object(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let values_by_key = operands::object(arguments, 0)?
        .iter()
        .map(|(key, value)| Ok((super::json::key_text(key), texts(value)?)))
        .collect::<Result<BTreeMap<_, _>, Fault>>()?;
    let pairs: Vec<String> = values_by_key
        .iter()
        .flat_map(|(key, values)| values.iter().map(move |value| format!("{}={}", escape(key), escape(value))))
        .collect();
    Ok(pairs.join("&").into())
}

fn texts(value: &Value) -> Result<Vec<&str>, Fault> {
    match value {
        Value::String(text) => Ok(vec![text]),
        other => operands::strings(std::slice::from_ref(other), 0),
    }
}

fn query_decode_object(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let mut values_by_key: BTreeMap<Value, Vec<Value>> = BTreeMap::new();
    for pair in operands::string(arguments, 0)?.split('&').filter(|pair| !pair.is_empty()) {
        if pair.contains(';') {
            return Err(Fault::new("a semicolon does not separate pairs"));
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        values_by_key.entry(lossy(unescape(key)?)).or_default().push(lossy(unescape(value)?));
    }
    Ok(Value::Object(values_by_key.into_iter().map(|(key, values)| (key, Value::Array(values))).collect()))
}

/// As Go's `url.QueryEscape`: a blank is a plus sign.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => escaped.push('+'),
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' | b'~' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// As Go's `url.QueryUnescape`: a percent sign without two hex digits is an error.
fn unescape(text: &str) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        bytes.push(match first {
            b'+' => b' ',
            b'%' => {
                let (digits, after) = rest.split_at_checked(2).ok_or("an escape ends too early")?;
                rest = after;
                let [byte] =
                    hex::decode(digits).ok().and_then(|byte| byte.try_into().ok()).ok_or("an escape is no hex")?;
                byte
            }
            other => other,
        });
    }
    Ok(bytes)
}
