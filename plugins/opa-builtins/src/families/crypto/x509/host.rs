//! Whether a certificate was made out to a host.

use std::net::IpAddr;

use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralName, ParsedExtension},
};

use super::extensions::address;

/// By its alternative names alone, never by its common name.
pub fn is_named(certificate: &X509Certificate<'_>, host: &str) -> bool {
    let names = certificate.extensions().iter().filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
        _ => None,
    });
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let wanted = bare.parse::<IpAddr>().ok();
    names.flatten().any(|name| match (name, wanted) {
        (GeneralName::IPAddress(bytes), Some(wanted)) => address(bytes) == Some(wanted),
        (GeneralName::DNSName(pattern), None) => fits(pattern, host),
        _ => false,
    })
}

/// A star stands for the whole first label. What is no name of a host may still be the pattern itself.
fn fits(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.to_ascii_lowercase(), host.to_ascii_lowercase());
    if pattern == host {
        return true;
    }
    let host = host.strip_suffix('.').unwrap_or(&host);
    let (pattern, labels) = (pattern.split('.').collect::<Vec<_>>(), host.split('.').collect::<Vec<_>>());
    let is_label = |label: &&str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:".contains(&byte))
    };
    pattern.len() == labels.len()
        && labels.iter().all(is_label)
        && pattern
            .iter()
            .zip(&labels)
            .enumerate()
            .all(|(index, (part, label))| part == label || index == 0 && *part == "*")
}
