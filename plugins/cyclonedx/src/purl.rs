//! Package URLs as producers really write them. Repairs what is known to go wrong and leaves the rest alone; never builds
//! one from a name.

use std::borrow::Cow;
use std::str::FromStr;

use packageurl::PackageUrl;
use palisade_plugin::PackageRef;

/// Types that some producers name after something else than the specification does.
const RENAMED: [(&str, &str); 2] = [("alpine", "apk"), ("dotnet-core", "nuget")];

/// The repaired form; `None` for a text that is no package URL at all.
pub fn repaired(raw: &str) -> Option<Cow<'_, str>> {
    let text = raw.trim();
    let scheme = text.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("pkg:"))?;
    let rest = text[scheme.len()..].trim_start_matches('/');
    let (kind, path) = rest.split_once('/')?;
    let lower = kind.to_ascii_lowercase();
    let known = RENAMED.iter().find(|(wrong, _)| *wrong == lower).map_or(lower.as_str(), |(_, right)| right);
    // A scope is a namespace that begins with `@`, which separates the version elsewhere.
    let repaired = match path.strip_prefix('@') {
        Some(scoped) if known == "npm" => format!("pkg:{known}/%40{scoped}"),
        _ => format!("pkg:{known}/{path}"),
    };
    Some(if repaired == raw { Cow::Borrowed(raw) } else { Cow::Owned(repaired) })
}

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
    let separator = if purl_type == "maven" { ':' } else { '/' };
    format!("{group}{separator}{name}")
}

/// `npm` of `pkg:npm/…`; empty for anything else.
pub fn type_of(purl: Option<&str>) -> &str {
    purl.and_then(|purl| purl.strip_prefix("pkg:")?.split('/').next()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_mistakes_are_repaired_and_the_rest_is_left_alone() {
        let repair = |raw| repaired(raw).map(Cow::into_owned);
        assert_eq!(repair("pkg:/npm/left-pad@1.0.0").as_deref(), Some("pkg:npm/left-pad@1.0.0"));
        assert_eq!(repair("pkg://NPM/@scope/name@1").as_deref(), Some("pkg:npm/%40scope/name@1"));
        assert_eq!(repair("pkg:alpine/musl@1.2").as_deref(), Some("pkg:apk/musl@1.2"));
        assert_eq!(repair("pkg:dotnet-core/Json@1").as_deref(), Some("pkg:nuget/Json@1"));
        assert_eq!(repair("pkg:maven/org.a/b@1?type=jar#x").as_deref(), Some("pkg:maven/org.a/b@1?type=jar#x"));
        assert_eq!(repair("left-pad@1.0.0"), None);
        assert_eq!(repair("pkg:ü"), None);
        assert!(matches!(repaired("pkg:npm/a@1"), Some(Cow::Borrowed(_))));
    }

    #[test]
    fn names_carry_their_group_once() {
        assert_eq!(full_name("maven", Some("org.a"), "b"), "org.a:b");
        assert_eq!(full_name("maven", Some("org.a"), "org.a:b"), "org.a:b");
        assert_eq!(full_name("npm", Some("@a"), "b"), "@a/b");
        assert_eq!(full_name("", Some(" "), "b"), "b");
        assert_eq!(package("pkg:npm/%40a/b@1").map(|package| package.name).as_deref(), Some("@a/b"));
    }
}
