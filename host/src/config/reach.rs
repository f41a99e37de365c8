//! How GitHub is reached: its addresses, from what an operator types, and the proxies that the environment names.
//! Nothing is connected to here.

use crate::model::Secret;
use anyhow::{Result, anyhow};
use http::Uri;
use std::collections::BTreeMap;

/// What GitHub Enterprise Server puts before every path of its REST API.
const PREFIX: &str = "/api/v3";

/// The two addresses of one GitHub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// REST, with its prefix: `https://api.github.com`, `https://HOST/api/v3`, `https://api.SUBDOMAIN.ghe.com`.
    pub api: String,
    /// What people open: `https://github.com`, `https://HOST`, `https://SUBDOMAIN.ghe.com`.
    pub site: String,
    pub edition: Edition,
}

/// Who keeps the server, and with it how old it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edition {
    /// github.com and ghe.com.
    Cloud,
    EnterpriseServer,
}

impl Addresses {
    /// From `github.base_url`: the prefix of an Enterprise Server and the `api.` of ghe.com may be left out.
    pub fn parse(base_url: &str) -> Result<Self> {
        let base_url = base_url.trim().trim_end_matches('/');
        if base_url.contains('@') {
            return Err(anyhow!("invalid GITHUB_BASE_URL: github.base_url must hold no user and no password"));
        }
        let invalid = |why: &str| {
            anyhow!(
                "invalid GITHUB_BASE_URL: {base_url:?} {why}; github.base_url is `https://api.github.com`, \
                 `https://HOST/api/v3` or `https://SUBDOMAIN.ghe.com`"
            )
        };
        let url: Uri = base_url.parse().map_err(|_| invalid("is no address"))?;
        let host = url.host().unwrap_or_default().to_ascii_lowercase();
        match url.scheme_str() {
            _ if host.is_empty() => return Err(invalid("names no host")),
            Some("https") => {}
            Some("http") if is_loopback(&host) => {}
            _ => return Err(invalid("must begin with https:// (http:// is for loopback addresses)")),
        }
        if url.query().is_some() || base_url.contains('#') {
            return Err(invalid("must have neither query nor fragment"));
        }
        let path = url.path().trim_end_matches('/');
        match cloud(&host) {
            Some(_) if !path.is_empty() => Err(invalid("has a path, which the API of this host has not")),
            Some(cloud) => Ok(cloud),
            None => Ok(server(&url, path.strip_suffix(PREFIX).unwrap_or(path))),
        }
    }
}

fn cloud(host: &str) -> Option<Addresses> {
    let of = |site: &str| Addresses {
        api: format!("https://api.{site}"),
        site: format!("https://{site}"),
        edition: Edition::Cloud,
    };
    if matches!(host, "api.github.com" | "github.com" | "www.github.com") {
        return Some(of("github.com"));
    }
    let subdomain = host.strip_suffix(".ghe.com")?;
    Some(of(&format!("{}.ghe.com", subdomain.strip_prefix("api.").unwrap_or(subdomain))))
}

fn server(url: &Uri, path: &str) -> Addresses {
    let (scheme, authority) = (url.scheme_str().unwrap_or("https"), url.authority().map_or("", |it| it.as_str()));
    let site = format!("{scheme}://{authority}{path}");
    Addresses { api: format!("{site}{PREFIX}"), site, edition: Edition::EnterpriseServer }
}

fn is_loopback(host: &str) -> bool {
    let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

/// The usual variables for proxies, in capitals or not. What they hold may be a password.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// `HTTPS_PROXY`: for every address but loopback ones.
    pub https: Option<Secret>,
    /// `HTTP_PROXY`: for addresses that begin with http, of which Palisade asks only loopback ones, directly.
    pub http: Option<Secret>,
    /// `ALL_PROXY`: where the other two are not set.
    pub all: Option<Secret>,
    /// `NO_PROXY`: hosts, domains, addresses and networks that are reached directly; `*` is all.
    pub excepted: String,
}

impl Proxies {
    pub(super) fn read(variables: &BTreeMap<String, String>) -> Self {
        let find = |name: &str| {
            let names = [name.to_owned(), name.to_ascii_lowercase()];
            names.iter().filter_map(|name| variables.get(name)).find(|value| !value.is_empty()).cloned()
        };
        let secret = |name: &str| find(name).map(Secret::new);
        Self {
            https: secret("HTTPS_PROXY"),
            http: secret("HTTP_PROXY"),
            all: secret("ALL_PROXY"),
            excepted: find("NO_PROXY").unwrap_or_default(),
        }
    }

    /// What is no proxy that can be used: going around it in silence would be worse. Values are not told.
    pub(super) fn problems(&self) -> Vec<String> {
        let set = [("HTTPS_PROXY", &self.https), ("HTTP_PROXY", &self.http), ("ALL_PROXY", &self.all)];
        set.into_iter()
            .filter_map(|(name, value)| Some((name, value.as_ref()?)))
            .filter(|(_, value)| !is_proxy(value.expose()))
            .map(|(name, _)| {
                format!(
                    "{name} is not the address of an HTTP proxy, such as http://proxy.example:3128; correct or unset it"
                )
            })
            .collect()
    }
}

fn is_proxy(value: &str) -> bool {
    let Ok(address) = value.parse::<Uri>() else { return false };
    matches!(address.scheme_str(), None | Some("http" | "https")) && address.host().is_some_and(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Proves R31.
    #[test]
    fn every_way_to_write_a_github_gives_its_two_addresses() {
        let cases = [
            ("https://api.github.com", "https://api.github.com", "https://github.com"),
            ("https://github.com/", "https://api.github.com", "https://github.com"),
            ("https://octo.ghe.com", "https://api.octo.ghe.com", "https://octo.ghe.com"),
            ("https://api.octo.ghe.com/", "https://api.octo.ghe.com", "https://octo.ghe.com"),
            ("https://github.example", "https://github.example/api/v3", "https://github.example"),
            (
                "https://github.example:8443/api/v3/",
                "https://github.example:8443/api/v3",
                "https://github.example:8443",
            ),
            ("https://proxy.example/github", "https://proxy.example/github/api/v3", "https://proxy.example/github"),
            ("https://notghe.com", "https://notghe.com/api/v3", "https://notghe.com"),
            ("http://127.0.0.1:1/api/v3", "http://127.0.0.1:1/api/v3", "http://127.0.0.1:1"),
            ("http://[::1]:1", "http://[::1]:1/api/v3", "http://[::1]:1"),
        ];
        for (typed, api, site) in cases {
            let addresses = Addresses::parse(typed).unwrap();
            assert_eq!((addresses.api.as_str(), addresses.site.as_str()), (api, site), "{typed}");
        }
        let edition = |typed| Addresses::parse(typed).unwrap().edition;
        assert_eq!(edition("https://octo.ghe.com"), Edition::Cloud);
        assert_eq!(edition("https://github.example"), Edition::EnterpriseServer);
    }

    /// Proves R31.
    #[test]
    fn an_address_that_is_none_is_refused_and_credentials_in_it_are_not_told() {
        for wrong in [
            "",
            "github.example",
            "http://github.example",
            "ftp://localhost",
            "https://",
            "https://api.github.com/api/v3",
            "https://github.example?x=1",
            "https://github.example/#x",
        ] {
            let error = Addresses::parse(wrong).unwrap_err().to_string();
            assert!(error.starts_with("invalid GITHUB_BASE_URL: "), "{wrong}: {error}");
        }
        let error = Addresses::parse("https://mona:hunter2@github.example").unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }

    fn of(pairs: &[(&str, &str)]) -> Proxies {
        Proxies::read(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn capitals_come_first_and_empty_is_unset() {
        let proxies = of(&[("HTTPS_PROXY", ""), ("https_proxy", "b"), ("ALL_PROXY", "a"), ("no_proxy", "x,y")]);
        assert_eq!(proxies.https.map(|proxy| proxy.expose().to_owned()).as_deref(), Some("b"));
        assert_eq!(proxies.excepted, "x,y");
        let both = of(&[("HTTPS_PROXY", "a"), ("https_proxy", "b")]);
        assert_eq!(both.https.map(|proxy| proxy.expose().to_owned()).as_deref(), Some("a"));
    }

    #[test]
    fn what_is_no_proxy_is_named_without_its_value() {
        assert!(
            of(&[("HTTPS_PROXY", "http://mona:hunter2@proxy.example:3128"), ("ALL_PROXY", "proxy:1")])
                .problems()
                .is_empty()
        );
        let problems = of(&[("https_proxy", "socks5://hunter2@proxy.example"), ("ALL_PROXY", "http://")]).problems();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].starts_with("HTTPS_PROXY ") && !problems.join(" ").contains("hunter2"), "{problems:?}");
    }
}
