//! A URI of a certificate, with the members of Go's own structure.

use crate::{Fault, Value, families::uri::Uri};

pub fn shown(text: &str) -> Result<Value, Fault> {
    let uri = Uri::parse(text)?;
    Ok(Value::object([
        ("ForceQuery", uri.forces_query.into()),
        ("Fragment", uri.fragment.into()),
        ("Host", uri.host.into()),
        ("OmitHost", uri.omits_host.into()),
        ("Opaque", uri.opaque.into()),
        ("Path", uri.path.into()),
        ("RawFragment", uri.raw_fragment.into()),
        ("RawPath", uri.raw_path.into()),
        ("RawQuery", uri.query.into()),
        ("Scheme", uri.scheme.into()),
        // Go keeps name and password to itself.
        ("User", if uri.has_user { Value::object([]) } else { Value::Null }),
    ]))
}
