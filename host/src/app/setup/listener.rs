//! How the listener is bounded, by what `[server]` says.

use crate::config::Config;
use crate::listener::{Options, Patience, Proxies, Rates, ServerConfig, server_config};
use crate::model::Rotating;
use anyhow::{Result, anyhow};
use std::num::NonZeroU32;

pub fn listener_options(config: &Config, tls: Option<Rotating<ServerConfig>>) -> Result<Options> {
    let server = &config.server;
    let rate = |key: &str, rate: u32| NonZeroU32::new(rate).ok_or_else(|| anyhow!("server.{key} must be at least 1"));
    Ok(Options {
        tls,
        proxies: Proxies::parse(&server.trusted_proxies)
            .map_err(|problem| anyhow!("server.trusted_proxies: {problem}"))?,
        connections: server.max_connections,
        connections_per_source: server.max_connections_per_source,
        rates: Rates {
            requests_per_second: rate("max_requests_per_second", server.max_requests_per_second)?,
            refusals_per_minute: rate("max_refusals_per_minute", server.max_refusals_per_minute)?,
        },
        patience: Patience { head: server.header_timeout, write: server.body_timeout, idle: server.idle_timeout },
    })
}

/// What would keep the listener from starting, for `doctor`.
pub fn listener_problem(config: &Config) -> Option<String> {
    let certificate = || config.server.tls.as_ref().map(|tls| server_config(&tls.certificate, &tls.key)).transpose();
    listener_options(config, None)
        .map(drop)
        .and_then(|()| certificate().map(drop))
        .err()
        .map(|error| format!("{error:#}"))
}
