//! The package that a result is about. SARIF has no place for one: it is read only where a known tool writes it in a known
//! form, or where a package URL stands by itself.

use std::str::FromStr;

use packageurl::PackageUrl;
use palisade_plugin::{Fix, PackageRef};

use crate::kind::{Driver, Teller};

/// What a known tool's message says.
#[derive(Debug, Default)]
pub struct Told {
    pub package: Option<PackageRef>,
    pub fix: Fix,
}

/// Reads the message of Trivy or Grype.
pub fn told(driver: &Driver, message: &str) -> Told {
    match driver.teller {
        Some(Teller::Trivy) => trivy(message),
        Some(Teller::Grype) => Told { package: grype(message), ..Told::default() },
        None => Told::default(),
    }
}

/// The package that a package URL names.
pub fn of_purl(text: &str) -> Option<PackageRef> {
    let parsed = PackageUrl::from_str(text.trim()).ok()?;
    let separator = if parsed.ty() == "maven" { ":" } else { "/" };
    let name = match parsed.namespace() {
        // A distribution is no part of its packages' names.
        Some(namespace) if !matches!(parsed.ty(), "deb" | "rpm" | "apk") => {
            format!("{namespace}{separator}{}", parsed.name())
        }
        _ => parsed.name().to_owned(),
    };
    Some(PackageRef {
        name,
        version: parsed.version().map(str::to_owned),
        purl: Some(text.trim().to_owned()),
        ..PackageRef::default()
    })
}

/// Lines such as `Package: musl`, `Installed Version: 1.1.22-r3`, `Fixed Version: 1.1.22-r4`.
fn trivy(message: &str) -> Told {
    let line = |name: &str| {
        let value = message.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'))?.trim();
        Some(value.to_owned()).filter(|value| !value.is_empty())
    };
    let Some(name) = line("Package") else { return Told::default() };
    let fixed = line("Fixed Version").unwrap_or_default();
    let versions = fixed.split(',').map(str::trim).filter(|version| !version.is_empty());
    Told {
        package: Some(PackageRef { version: line("Installed Version"), ..PackageRef::new(name) }),
        fix: Fix::in_versions(versions),
    }
}

/// `A high vulnerability in apk package: libcrypto3, version 3.0.8-r0 was found at: …`, and before 0.60
/// `The path … reports libcrypto3 at version 3.0.8-r0 which is a vulnerable (apk) package`.
fn grype(message: &str) -> Option<PackageRef> {
    let (name, rest) = match message.split_once(" package: ") {
        Some((_, rest)) => rest.split_once(", version ")?,
        None => message.split_once(" reports ")?.1.split_once(" at version ")?,
    };
    let version = rest.split_whitespace().next().map(str::to_owned);
    Some(PackageRef { version, ..PackageRef::new(name.trim()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_messages_tell_their_package() {
        let message = "Package: musl\nInstalled Version: 1.1.22-r3\nVulnerability CVE-2019-14697\nFixed Version: 1.1.22-r4, 1.2.0";
        let trivy = told(&Driver::of("Trivy"), message);
        let package = trivy.package.unwrap();
        assert_eq!((&*package.name, package.version.as_deref()), ("musl", Some("1.1.22-r3")));
        assert_eq!(trivy.fix.versions, ["1.1.22-r4", "1.2.0"]);
        for message in [
            "A high vulnerability in apk package: libcrypto3, version 3.0.8-r0 was found at: /lib/apk/db/installed",
            "The path /lib/apk/db/installed reports libcrypto3 at version 3.0.8-r0  which is a vulnerable (apk) package",
        ] {
            let package = told(&Driver::of("Grype"), message).package.unwrap();
            assert_eq!((&*package.name, package.version.as_deref()), ("libcrypto3", Some("3.0.8-r0")));
        }
        assert!(told(&Driver::of("ESLint"), message).package.is_none());
        assert!(told(&Driver::of("Trivy"), "Artifact: a.tf\nType: terraform").package.is_none());
    }
}
