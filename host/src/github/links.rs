//! Where GitHub's answers lead: to the next page, or elsewhere. Only addresses of the configured API are followed, and
//! below its prefix: credentials go nowhere else.

use super::error::redact;
use http::{HeaderMap, Uri, header};

/// The address of the next page, if there is one. A `Link` that cannot be read is an error: what is missing from a listing
/// is unknown, not absent.
pub(super) fn next_page(headers: &HeaderMap) -> Result<Option<Uri>, String> {
    let links = headers.get_all(header::LINK).iter().filter_map(|link| link.to_str().ok());
    // An address may hold commas, but no angle bracket.
    let mut entries = links.flat_map(|link| link.split('<').skip(1)).filter_map(|entry| entry.split_once('>'));
    let next = entries.find(|(_, parameters)| {
        parameters.split([';', ',']).any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"))
    });
    next.map(|(address, _)| address.parse().map_err(|_| "a next page at no address".to_owned())).transpose()
}

/// Path and query of an address, without the API's prefix; or where it leads instead.
pub(super) fn own_path(api: &Uri, target: &Uri) -> Result<String, String> {
    if target.authority().is_some() && origin(target) != origin(api) {
        return Err(format!("to another host, {}", redact(target.host().unwrap_or_default())));
    }
    let below = target.path().strip_prefix(api.path().trim_end_matches('/')).filter(|rest| rest.starts_with('/'));
    match below {
        Some(path) if !climbs(path) => {
            Ok(target.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
        }
        _ => Err(format!("out of the API, to {}", redact(target.path()))),
    }
}

fn origin(address: &Uri) -> (Option<&str>, Option<String>, Option<u16>) {
    let usual = if address.scheme_str() == Some("http") { 80 } else { 443 };
    (address.scheme_str(), address.host().map(str::to_ascii_lowercase), Some(address.port_u16().unwrap_or(usual)))
}

/// Whether a server that resolves dots would end elsewhere.
fn climbs(path: &str) -> bool {
    let plain = path.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/");
    plain.split(['/', '\\']).any(|part| matches!(part, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(link: &str) -> Result<Option<String>, String> {
        let headers = HeaderMap::from_iter([(header::LINK, link.parse().unwrap())]);
        Ok(next_page(&headers)?.map(|address| address.to_string()))
    }

    #[test]
    fn the_next_page_is_the_one_that_says_so() {
        let link = "<https://h/api/v3/x?page=1>; rel=\"prev\", <https://h/api/v3/x?q=a,b&page=3>; rel=\"next\"";
        assert_eq!(next(link), Ok(Some("https://h/api/v3/x?q=a,b&page=3".to_owned())));
        assert_eq!(next("<https://h/x>; rel=\"last\""), Ok(None));
        assert_eq!(next("nonsense; rel=\"next\""), Ok(None));
        assert!(next("<>; rel=\"next\"").is_err());
    }

    /// Proves R31, W22.
    #[test]
    fn only_addresses_below_the_prefix_of_the_configured_host_are_followed() {
        let path = |api: &str, target: &str| own_path(&api.parse().unwrap(), &target.parse().unwrap());
        let server = "https://github.example/api/v3";
        for (target, found) in [
            ("https://github.example/api/v3/repos/a/b?page=2", "/repos/a/b?page=2"),
            ("https://GitHub.example:443/api/v3/x", "/x"),
            ("/api/v3/repositories/9/runs/1", "/repositories/9/runs/1"),
        ] {
            assert_eq!(path(server, target).as_deref(), Ok(found), "{target}");
        }
        for target in [
            "https://evil.example/api/v3/x",
            "https://github.example.evil.example/api/v3/x",
            "https://github.example:8443/api/v3/x",
            "http://github.example/api/v3/x",
            "https://github.example/x",
            "https://github.example/api/v3evil/x",
            "/login",
            "/api/v3/../login",
            "/api/v3/%2E%2e/login",
            "/api/v3/x/..%2f..%2flogin",
        ] {
            assert!(path(server, target).is_err(), "{target}");
        }
        assert_eq!(path("https://api.github.com/", "https://api.github.com/x?y").as_deref(), Ok("/x?y"));
        assert_eq!(path("https://api.github.com", "https://api.github.com/x").as_deref(), Ok("/x"));
    }
}
