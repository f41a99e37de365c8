//! UUIDs: made from chance, and taken apart.

use crate::{Builtin, Context, Fault, Value, operands};

pub const BUILTINS: &[(&str, Builtin)] = &[("uuid.rfc4122", rfc4122), ("uuid.parse", parse)];

/// From 1582-10-15, where UUIDs count from, to 1970, in units of 100 ns (RFC 9562, section 5.1).
const EPOCH: i64 = 0x01b2_1dd2_1381_4000;

/// The same argument, of whatever type, gets the same UUID throughout an evaluation.
fn rfc4122(context: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    context.remember("uuid.rfc4122", operands::any(arguments, 0)?.clone(), || {
        let mut bytes = [0; 16];
        context.fill_random(&mut bytes)?;
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let groups = [&bytes[..4], &bytes[4..6], &bytes[6..8], &bytes[8..10], &bytes[10..]];
        Ok(groups.map(hex::encode).join("-").into())
    })
}

fn parse(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let bytes = bytes(operands::string(arguments, 0)?).ok_or("the text is no UUID")?;
    let version = i64::from(bytes[6] >> 4);
    let mut parts = vec![("version", version.into()), ("variant", variant(bytes[8]).into())];
    if matches!(version, 1 | 2) {
        parts.push(("time", time(&bytes).into()));
        parts.push(("nodeid", Value::from(node(&bytes[10..]))));
        parts.push(("macvariables", mac_variables(bytes[10]).into()));
        parts.push(("clocksequence", i64::from(u16::from_be_bytes([bytes[8] & 0x3f, bytes[9]])).into()));
    }
    if version == 2 {
        parts.push(("id", i64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).into()));
        parts.push(("domain", domain(bytes[9]).into()));
    }
    Ok(Value::Object(parts.into_iter().map(|(name, part)| (name.into(), part)).collect()))
}

/// Four spellings: with hyphens, the same as a URN or between any two letters, and digits only.
fn bytes(text: &str) -> Option<[u8; 16]> {
    let text = text.as_bytes();
    let hyphened = match text.len() {
        32 => return hex::decode(text).ok()?.try_into().ok(),
        36 => text,
        38 => &text[1..37],
        45 if text[..9].eq_ignore_ascii_case(b"urn:uuid:") => &text[9..],
        _ => return None,
    };
    if ![8, 13, 18, 23].iter().all(|at| hyphened[*at] == b'-') {
        return None;
    }
    let groups = [&hyphened[..8], &hyphened[9..13], &hyphened[14..18], &hyphened[19..23], &hyphened[24..36]];
    hex::decode(groups.concat()).ok()?.try_into().ok()
}

fn variant(byte: u8) -> &'static str {
    match byte >> 5 {
        0b000..=0b011 => "Reserved",
        0b100 | 0b101 => "RFC4122",
        0b110 => "Microsoft",
        _ => "Future",
    }
}

/// Nanoseconds since 1970; times that do not fit wrap around, as in OPA.
fn time(bytes: &[u8; 16]) -> i64 {
    let high = i64::from(u16::from_be_bytes([bytes[6] & 0x0f, bytes[7]]));
    let middle = i64::from(u16::from_be_bytes([bytes[4], bytes[5]]));
    let low = i64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    (high << 48 | middle << 32 | low).wrapping_sub(EPOCH).wrapping_mul(100)
}

fn node(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join("-")
}

/// What two bits of the first byte of a network address say.
fn mac_variables(byte: u8) -> &'static str {
    match byte & 0b11 {
        0b11 => "local:multicast",
        0b01 => "global:multicast",
        0b10 => "local:unicast",
        _ => "global:unicast",
    }
}

fn domain(byte: u8) -> String {
    match byte {
        0 => "Person".to_owned(),
        1 => "Group".to_owned(),
        2 => "Org".to_owned(),
        other => format!("Domain{other}"),
    }
}
