//! `io.jwt.decode_verify`: a signature by a trusted key, and claims that meet what the policy asks for.

use std::collections::BTreeMap;

use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha384, Sha512};

use super::{
    keys::{Keys, Scheme},
    token::{Header, Token},
};
use crate::{Context, Fault, Number, Value, families::crypto::mac, operands};

type Members = BTreeMap<Value, Value>;

struct Constraints<'v> {
    trusted: Trusted<'v>,
    algorithm: &'v str,
    issuer: &'v str,
    audience: &'v str,
    /// Seconds since 1970, as OPA has them: rounded to a float.
    now: Number,
}

enum Trusted<'v> {
    Keys(Keys),
    Secret(&'v str),
}

pub fn decode_verify(context: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let text = operands::string(arguments, 0)?;
    let constraints = Constraints::parse(context, operands::object(arguments, 1)?)?;
    let verified = constraints.verified(text)?.map_or(Ok(None), |(header, payload)| {
        Ok::<_, Fault>(constraints.allow(&payload)?.then_some((header, payload)))
    })?;
    let (is_verified, header, payload) = match verified {
        Some((header, payload)) => (true, header, payload),
        None => (false, Members::new(), Members::new()),
    };
    Ok(Value::Array(vec![is_verified.into(), Value::Object(header), Value::Object(payload)]))
}

impl<'v> Constraints<'v> {
    fn parse(context: &Context, members: &'v Members) -> Result<Self, Fault> {
        let (mut keys, mut secret, mut time) = (None, "", context.now_ns() as f64);
        let (mut algorithm, mut issuer, mut audience) = ("", "", "");
        for (name, value) in members {
            let value = std::slice::from_ref(value);
            match name {
                Value::String(name) if name == "cert" => keys = Some(Keys::parse(operands::string(value, 0)?)?),
                Value::String(name) if name == "secret" => secret = operands::string(value, 0)?,
                Value::String(name) if name == "alg" => algorithm = operands::string(value, 0)?,
                Value::String(name) if name == "iss" => issuer = operands::string(value, 0)?,
                Value::String(name) if name == "aud" => audience = operands::string(value, 0)?,
                Value::String(name) if name == "time" => time = operands::number(value, 0)?.to_f64(),
                _ => return Err(Fault::new("there is no such constraint")),
            }
        }
        let trusted = match (keys, secret) {
            (Some(keys), "") => Trusted::Keys(keys),
            (None, secret) if !secret.is_empty() => Trusted::Secret(secret),
            _ => return Err(Fault::new("either cert or secret says whom to trust")),
        };
        let now = Number::from_f64(time / 1e9).filter(|_| time >= 0.0).ok_or("the time must not be negative")?;
        Ok(Self { trusted, algorithm, issuer, audience, now })
    }

    /// Header and payload of the innermost token, where each around it has a good signature.
    fn verified(&self, text: &str) -> Result<Option<(Members, Members)>, Fault> {
        let mut text = text.to_owned();
        loop {
            let token = Token::parse(&text)?;
            let header = token.known_header()?;
            let is_other = !self.algorithm.is_empty() && self.algorithm != header.algorithm;
            if !header.is_valid() || is_other || !self.trust(&token, &header)? {
                return Ok(None);
            }
            if !header.content_type.eq_ignore_ascii_case("JWT") {
                return Ok(Some((token.header()?, token.payload()?)));
            }
            let inner = token.payload_text()?;
            text = inner;
        }
    }

    fn trust(&self, token: &Token<'_>, header: &Header) -> Result<bool, Fault> {
        let (message, signature) = (token.signed(), token.signature()?);
        match &self.trusted {
            Trusted::Keys(keys) => Ok(Scheme::named(&header.algorithm)
                .is_some_and(|scheme| keys.any(header, |key| scheme.verifies(key, message.as_bytes(), &signature)))),
            Trusted::Secret(secret) => {
                let secret = secret.as_bytes();
                Ok(match header.algorithm.as_str() {
                    "HS256" => mac::<Hmac<Sha256>>(secret, &message)?.verify_slice(&signature).is_ok(),
                    "HS384" => mac::<Hmac<Sha384>>(secret, &message)?.verify_slice(&signature).is_ok(),
                    "HS512" => mac::<Hmac<Sha512>>(secret, &message)?.verify_slice(&signature).is_ok(),
                    _ => false,
                })
            }
        }
    }

    fn allow(&self, payload: &Members) -> Result<bool, Fault> {
        let claim = |name: &str| payload.get(&name.into());
        let issued = match (self.issuer, claim("iss")) {
            ("", _) => true,
            (issuer, Some(Value::String(claimed))) => issuer == claimed,
            (_, None) => false,
            (_, Some(_)) => return Err(Fault::new("iss must be a string")),
        };
        let is_audience = |item: &Value| matches!(item, Value::String(text) if text == self.audience);
        let meant = match claim("aud") {
            None => self.audience.is_empty(),
            Some(Value::Array(items)) => items.iter().any(is_audience),
            Some(item) => is_audience(item),
        };
        if !issued || !meant {
            return Ok(false);
        }
        let instant = |name: &str| match claim(name) {
            None => Ok(None),
            Some(Value::Number(instant)) => Ok(Some(instant)),
            Some(_) => Err(Fault::new(format!("{name} must be a number"))),
        };
        if instant("exp")?.is_some_and(|expires| self.now >= *expires) {
            return Ok(false);
        }
        Ok(instant("nbf")?.is_none_or(|begins| self.now >= *begins))
    }
}
