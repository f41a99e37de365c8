//! Whose request it is: an address, or an IPv6 network, as the connection or a trusted proxy tells it.

use http::HeaderMap;
use ipnet::IpNet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What is limited together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    V4(Ipv4Addr),
    /// A network's first 64 bits: whoever has one address of it has them all.
    V6(u64),
    /// All for whom there was no room to be remembered.
    Others,
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6((address.to_bits() >> 64) as u64),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => address.fmt(f),
            Self::V6(network) => write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(*network) << 64)),
            Self::Others => f.write_str("others"),
        }
    }
}

/// Reverse proxies whose word about a request's source is believed.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Networks such as `10.0.0.0/8`, or single addresses. The error names the one that is neither.
    pub fn parse(networks: &[String]) -> Result<Self, String> {
        let network = |text: &String| {
            let single = || text.parse::<IpAddr>().map(IpNet::from);
            text.parse::<IpNet>()
                .or_else(|_| single())
                .map_err(|_| format!("{text:?} is neither a network such as 10.0.0.0/8 nor an address"))
        };
        networks.iter().map(network).collect::<Result<_, _>>().map(Self)
    }

    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// From right to left: each proxy appends whom it saw, so what stands left of the first stranger is hearsay.
    pub fn source(&self, peer: IpAddr, headers: &HeaderMap) -> Source {
        let mut source = peer.to_canonical();
        let lines = headers.get_all("x-forwarded-for").iter().rev();
        let mut told = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
        while self.trusts(source) {
            // Nothing more, or nothing that makes sense: the last proxy is as far as can be seen.
            let Some(address) = told.next().and_then(address) else { break };
            source = address;
        }
        source.into()
    }
}

/// As proxies write it: with or without a port, IPv6 with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let plain = || text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    plain().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip())).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(peer: &str, forwarded: &[&str]) -> String {
        let proxies = Proxies::parse(&["10.0.0.0/8".to_owned(), "fd00::1".to_owned()]).unwrap();
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        proxies.source(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_first_stranger_from_the_right_is_the_source() {
        for (peer, forwarded, expected) in [
            ("203.0.113.7", &["198.51.100.1"][..], "203.0.113.7"),
            ("10.0.0.1", &["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["198.51.100.1, 203.0.113.7, 10.9.9.9"], "203.0.113.7"),
            ("10.0.0.1", &["198.51.100.1", "203.0.113.7:4711"], "203.0.113.7"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1"),
            ("::ffff:10.0.0.1", &["[2001:db8:1:2:3:4:5:6]:80"], "2001:db8:1:2::/64"),
            ("fd00::1", &["2001:db8:1:2::9"], "2001:db8:1:2::/64"),
        ] {
            assert_eq!(source(peer, forwarded), expected, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn a_network_that_is_none_is_named() {
        assert!(Proxies::parse(&["10.0.0.0/33".to_owned()]).unwrap_err().contains("\"10.0.0.0/33\" is neither"));
    }
}
