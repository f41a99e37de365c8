//! The packages that package URLs name, called as people of their ecosystems call them.

use std::str::FromStr;

use packageurl::PackageUrl;
use palisade_plugin::{PackageRef, purl::repaired};

/// The package that a text names, if it is a package URL.
pub fn package(text: &str) -> Option<PackageRef> {
    let purl = repaired(text)?;
    let parsed = PackageUrl::from_str(&purl).ok()?;
    Some(PackageRef {
        name: full_name(parsed.ty(), parsed.namespace(), parsed.name()),
        version: parsed.version().map(str::to_owned),
        purl: Some(purl.to_string()),
        ..PackageRef::default()
    })
}

/// Group and name as people of the ecosystem write them. Some producers put the group into the name as well.
pub fn full_name(purl_type: &str, group: Option<&str>, name: &str) -> String {
    let Some(group) = group.map(str::trim).filter(|group| !group.is_empty()) else { return name.to_owned() };
    if name.strip_prefix(group).is_some_and(|rest| rest.starts_with(['/', ':'])) {
        return name.to_owned();
    }
    let separator = if purl_type == "maven" { ":" } else { "/" };
    [group, separator, name].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_their_group_once() {
        assert_eq!(full_name("maven", Some("org.a"), "b"), "org.a:b");
        assert_eq!(full_name("maven", Some("org.a"), "org.a:b"), "org.a:b");
        assert_eq!(full_name("npm", Some("@a"), "b"), "@a/b");
        assert_eq!(full_name("", Some(" "), "b"), "b");
        assert_eq!(package("pkg:npm/%40a/b@1").map(|package| package.name).as_deref(), Some("@a/b"));
    }
}
