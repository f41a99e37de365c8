//! Which builtins there are, and how one is called. Each family brings its own table; a name stands in one of them.

use crate::{Context, Fault, Value, context::Level, families, text};

/// The arguments are as many as the caller gave: a builtin reads them through [`crate::operands`].
pub type Builtin = fn(&Context, &[Value]) -> Result<Value, Fault>;

/// One table per family.
const FAMILIES: &[&[(&str, Builtin)]] = &[
    families::casts::BUILTINS,
    families::crypto::BUILTINS,
    families::encoding::BUILTINS,
    families::globs::BUILTINS,
    families::graph::BUILTINS,
    families::graphql::BUILTINS,
    families::json::BUILTINS,
    families::jwt::BUILTINS,
    families::net::BUILTINS,
    families::numbers::BUILTINS,
    families::object::BUILTINS,
    families::output::BUILTINS,
    families::regexes::BUILTINS,
    families::semver::BUILTINS,
    families::sprintf::BUILTINS,
    families::strings::BUILTINS,
    families::template::BUILTINS,
    families::time::BUILTINS,
    families::units::BUILTINS,
    families::uri::BUILTINS,
    families::uuid::BUILTINS,
    families::yaml::BUILTINS,
];

/// What one call may answer, in bytes of text. OPA's own answers of this size would fill a policy's memory; the
/// instance's limit is 64 MiB, and the text is copied twice on its way.
pub(crate) const MAX_RESULT_BYTES: usize = 16 << 20;

/// Every builtin that is here, in the order of the tables.
pub fn names() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().flat_map(|family| family.iter().map(|(name, _)| *name))
}

/// Calls a builtin. A name that is not here is a fault like any other: policies that need one are refused at load.
pub fn call(context: &Context, name: &str, arguments: &[Value]) -> Result<Value, Fault> {
    let builtin = FAMILIES.iter().flat_map(|family| family.iter()).find(|(known, _)| *known == name);
    let (_, builtin) = builtin.ok_or_else(|| Fault::new("there is no such builtin"))?;
    builtin(context, arguments)
}

/// Calls a builtin as the policy does, with OPA's value text both ways. Nothing is OPA's undefined.
pub fn call_text(context: &Context, name: &str, arguments: &[String]) -> Option<String> {
    match answer(context, name, arguments) {
        Ok(text) => Some(text),
        Err(fault) => {
            context.log(Level::Debug, &format!("builtin {name} is undefined: {fault}"));
            None
        }
    }
}

fn answer(context: &Context, name: &str, arguments: &[String]) -> Result<String, Fault> {
    let values = arguments.iter().map(|argument| text::parse(argument)).collect::<Result<Vec<_>, _>>()?;
    let answer = text::write(&call(context, name, &values)?);
    if answer.len() > MAX_RESULT_BYTES {
        return Err(Fault::new(format!("the result has {} bytes, more than {MAX_RESULT_BYTES}", answer.len())));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_stands_in_one_table_only() {
        assert_eq!(names().count(), names().collect::<BTreeSet<_>>().len());
    }

    #[test]
    fn an_unknown_name_is_undefined() {
        assert_eq!(call_text(&Context::at(0), "http.send", &["{}".to_owned()]), None);
    }
}
