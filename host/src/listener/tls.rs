//! TLS from files: a certificate with its chain, and its key.

use anyhow::{Context, Result, anyhow, bail};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::rustls;

pub use rustls::ServerConfig;

/// What handshakes begin with: TLS 1.2 or 1.3, by what stands in these two files.
pub fn server_config(certificate: &Path, key: &Path) -> Result<ServerConfig> {
    let chain = certificates(certificate)?;
    let private_key = private_key(key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .context("choosing versions of TLS")?
        .with_no_client_auth()
        .with_single_cert(chain, private_key)
        .map_err(|error| {
            let (certificate, key) = (certificate.display(), key.display());
            anyhow!("the certificate in {certificate} and the key in {key} do not go together: {error}")
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let text = read(file, "the TLS certificate")?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| anyhow!("reading the TLS certificate from {}: it is no PEM: {error}", file.display()))?;
    if chain.is_empty() {
        bail!("{} holds no certificate: it must be a PEM file, the host's own certificate first", file.display());
    }
    Ok(chain)
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>> {
    let text = read(file, "the TLS key")?;
    // The library's error may say what it found, and that is a secret.
    PrivateKeyDer::from_pem_slice(&text)
        .map_err(|_| anyhow!("{} holds no private key: it must be a PEM file without a password", file.display()))
}

fn read(file: &Path, what: &str) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("reading {what} from {}", file.display()))
}
