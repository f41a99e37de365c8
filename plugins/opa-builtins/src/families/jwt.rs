//! JSON web tokens: decoding and verifying, never signing.

mod constraints;
mod keys;
mod token;

use hmac::{Hmac, Mac, digest::KeyInit};
use sha2::{Sha256, Sha384, Sha512};

use super::crypto::{self, key::Hash};
use crate::{Builtin, Context, Fault, Value, operands};
use keys::{Keys, Scheme};
use token::Token;

pub const BUILTINS: &[(&str, Builtin)] = &[
    ("io.jwt.decode", decode),
    ("io.jwt.decode_verify", constraints::decode_verify),
    ("io.jwt.verify_hs256", verify_secret::<Hmac<Sha256>>),
    ("io.jwt.verify_hs384", verify_secret::<Hmac<Sha384>>),
    ("io.jwt.verify_hs512", verify_secret::<Hmac<Sha512>>),
    ("io.jwt.verify_rs256", |_, arguments| verify(arguments, Scheme::Pkcs1(Hash::Sha256))),
    ("io.jwt.verify_rs384", |_, arguments| verify(arguments, Scheme::Pkcs1(Hash::Sha384))),
    ("io.jwt.verify_rs512", |_, arguments| verify(arguments, Scheme::Pkcs1(Hash::Sha512))),
    ("io.jwt.verify_ps256", |_, arguments| verify(arguments, Scheme::Pss(Hash::Sha256))),
    ("io.jwt.verify_ps384", |_, arguments| verify(arguments, Scheme::Pss(Hash::Sha384))),
    ("io.jwt.verify_ps512", |_, arguments| verify(arguments, Scheme::Pss(Hash::Sha512))),
    ("io.jwt.verify_es256", |_, arguments| verify(arguments, Scheme::Ecdsa(Hash::Sha256))),
    ("io.jwt.verify_es384", |_, arguments| verify(arguments, Scheme::Ecdsa(Hash::Sha384))),
    ("io.jwt.verify_es512", |_, arguments| verify(arguments, Scheme::Ecdsa(Hash::Sha512))),
    ("io.jwt.verify_eddsa", |_, arguments| verify(arguments, Scheme::EdDsa)),
];

fn decode(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    decode_text(operands::string(arguments, 0)?)
}

/// A token within a token is decoded in its place. Each is shorter than the one around it.
fn decode_text(text: &str) -> Result<Value, Fault> {
    let token = Token::parse(text)?;
    let header = token.header()?;
    match header.get(&"cty".into()) {
        Some(Value::String(content)) if content == "JWT" => {
            return decode_text(token.payload_text()?.trim_matches(['"', '\'']));
        }
        None | Some(Value::String(_)) => {}
        Some(_) => return Err(Fault::new("cty must be a string")),
    }
    let payload = token.payload()?;
    Ok(Value::Array(vec![Value::Object(header), Value::Object(payload), hex::encode(token.signature()?).into()]))
}

fn verify_secret<M: Mac + KeyInit>(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let token = Token::parse(operands::string(arguments, 0)?)?;
    let secret = operands::string(arguments, 1)?;
    let mac = crypto::mac::<M>(secret.as_bytes(), &token.signed())?;
    Ok(mac.verify_slice(&token.signature()?).is_ok().into())
}

fn verify(arguments: &[Value], scheme: Scheme) -> Result<Value, Fault> {
    let token = Token::parse(operands::string(arguments, 0)?)?;
    let keys = Keys::parse(operands::string(arguments, 1)?)?;
    let signature = token.signature()?;
    let header = token.known_header()?;
    let message = token.signed();
    let is_valid = keys.any(&header, |key| scheme.verifies(key, message.as_bytes(), &signature));
    Ok(is_valid.into())
}
