//! Package patterns: a package URL with `*` for a whole name or namespace, held against a package's own URL. Both
//! sides are canonicalised by their type's rules; packages without a URL match nothing.

use packageurl::PackageUrl;
use std::str::FromStr;

/// What an exception is written for.
#[derive(Clone, Debug)]
pub struct Pattern(PackageUrl<'static>);

impl Pattern {
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.contains("@vers:") || text.contains("@vers%3A") {
            return Err("version ranges are not supported here, name one version or none".to_owned());
        }
        let parsed = PackageUrl::from_str(text).map_err(|error| format!("`{text}` is no package URL: {error}"))?;
        Ok(Self(parsed))
    }

    pub fn has_version(&self) -> bool {
        self.0.version().is_some()
    }

    pub fn matches(&self, package: &PackageUrl) -> bool {
        let pattern = &self.0;
        pattern.ty() == package.ty()
            && (pattern.name() == "*" || pattern.name() == package.name())
            && (pattern.namespace() == Some("*") && package.namespace().is_some()
                || pattern.namespace() == package.namespace())
            && pattern.version().is_none_or(|version| Some(version) == package.version())
            && pattern.qualifiers().iter().all(|(key, value)| package.qualifiers().get(key) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, package: &str) -> bool {
        let pattern = Pattern::parse(pattern).unwrap_or_else(|problem| panic!("{problem}"));
        pattern.matches(&PackageUrl::from_str(package).expect("a package URL"))
    }

    #[test]
    fn a_pattern_covers_what_it_names_and_nothing_else() {
        assert!(matches("pkg:npm/lodash", "pkg:npm/lodash@4.17.20"));
        assert!(matches("pkg:npm/lodash@4.17.20", "pkg:npm/lodash@4.17.20?arch=x"));
        assert!(!matches("pkg:npm/lodash@4.17.20", "pkg:npm/lodash@4.17.21"));
        assert!(!matches("pkg:npm/lodash", "pkg:pypi/lodash@1"));
        assert!(!matches("pkg:npm/lodash", "pkg:npm/%40corp/lodash@1"));
        assert!(matches("pkg:npm/%40corp/*", "pkg:npm/%40corp/ui@1"));
        assert!(!matches("pkg:npm/%40corp/*", "pkg:npm/ui@1"));
        assert!(matches("pkg:pypi/My_Package", "pkg:pypi/my-package@1"));
        assert!(matches("pkg:deb/debian/curl?arch=amd64", "pkg:deb/debian/curl@8?arch=amd64&distro=debian-12"));
        assert!(!matches("pkg:deb/debian/curl?arch=amd64", "pkg:deb/debian/curl@8?arch=arm64"));
    }

    #[test]
    fn what_is_no_package_url_is_a_problem() {
        for text in ["lodash", "pkg:npm", "pkg:npm/lodash@vers:npm/<5", ""] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}
