//! The builtin functions that OPA policies need beside what their module carries, as OPA itself would answer them.
//! A component of the world `palisade:opa/library`, and a plain library for tests and for the interpreter of Rego source.
//! Never opens a connection, never reads the environment; time and chance come from the [`Context`].
//!
//! Where the answers differ from OPA's, beside the limits that each family names:
//! - Strings are UTF-8. What `base64.decode`, `hex.decode` and `urlquery.decode` give beyond it becomes U+FFFD.
//! - `json.match_schema` lists its findings in the order of keys, where OPA's order changes from run to run; a `$ref`
//!   leads into the schema only.
//! - YAML is read by version 1.2: `\/` in a string, `%YAML 1.2`, and a block without indentation at the top are fine here
//!   and not in OPA, and the other way round a flow collection that is not indented deeper than its key.
//! - `net.cidr_expand` gives nothing for more than 65,536 addresses.
//! - A chain of certificates through an authority with name constraints is not verified, and a signature of RSA-PSS has a
//!   salt as long as its hash.
//! - Time zones are those of the database built in, `Local` is UTC, and `time.add_date` beyond 64 bits is undefined where
//!   OPA's integers wrap round.
//! - A template's `printf` shows a list as one text under every verb, and knows no complex numbers. `sprintf` complains of
//!   `%w` without the inside of a big integer.
//! - `regex.globs_match` gives up after a million steps, and a template after a million nodes.
//! - Template strings (`internal.template_string`) work in compiled policies; the interpreter of the plugin `rego` does
//!   not parse them (regorus 0.14).
//! - A pattern that takes more than 5 MiB compiled, such as 200 times a class of all letters, is no pattern.
//! - A private key of P-224, or of RSA with more than two primes, is not read.
//! - GraphQL is read up to 100 levels, and fields are compared a million times. A tree that a policy made has OPA's own
//!   names for its members, in their own letters.
//!
//! Not here, so that a policy that calls one is refused by name:
//! - `http.send`, `net.lookup_ip_addr` and `opa.runtime` reach out of the sandbox, which nothing does here.
//! - `io.jwt.encode_sign`, `io.jwt.encode_sign_raw` and `providers.aws.sign_req` make credentials of secrets that would
//!   have to stand in the policy or in the evidence. A verdict needs none.
//! - `rego.parse_module` gives the syntax tree of OPA's own parser, whose form changes with its releases.

pub mod context;
mod families;
pub mod fault;
pub mod number;
pub mod operands;
pub mod registry;
pub mod text;
pub mod value;

// Only in the component itself: whoever uses the library must not export them.
#[cfg(all(target_family = "wasm", feature = "component"))]
mod guest;

pub use context::Context;
pub use fault::Fault;
pub use number::Number;
pub use registry::{Builtin, call, call_text, names};
pub use value::Value;
