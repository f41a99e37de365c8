//! What an OPA module or bundle needs beside itself, as options of the commands that open one.

use crate::plugins::OpaOptions;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct OpaData {
    /// Data of an OPA module or of Rego files. Default for a module: a `data.json` or `data.yaml` beside it.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// The public key, or the secret, that a bundle must be signed with.
    #[arg(long, value_name = "FILE")]
    verification_key: Option<PathBuf>,
    /// How it is signed. Default: RS256.
    #[arg(long, value_name = "NAME")]
    verification_algorithm: Option<String>,
    /// The scope that the signature must name.
    #[arg(long, value_name = "SCOPE")]
    verification_scope: Option<String>,
}

impl OpaData {
    pub fn options(&self) -> OpaOptions {
        OpaOptions {
            data: self.data.clone(),
            verification_key: self.verification_key.clone(),
            verification_algorithm: self.verification_algorithm.clone(),
            verification_scope: self.verification_scope.clone(),
            verification_keys: Default::default(),
        }
    }
}
