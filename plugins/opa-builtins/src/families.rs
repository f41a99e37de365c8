//! One file per family of builtins, each with its table.

pub mod casts;
pub mod crypto;
pub mod encoding;
pub mod globs;
pub mod graph;
pub mod graphql;
pub mod json;
pub mod jwt;
pub mod net;
pub mod numbers;
pub mod object;
pub mod output;
pub mod regexes;
pub mod semver;
pub mod sprintf;
pub mod strings;
pub mod template;
pub mod time;
pub mod units;
pub mod uri;
pub mod uuid;
pub mod yaml;
