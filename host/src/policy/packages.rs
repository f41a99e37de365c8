//! Packages by their purl: one spelling for each, and the patterns that waivers name them with. Never compares bare
//! names: `pkg:npm/foo` is not PyPI's `foo`.

use packageurl::PackageUrl;
use std::str::FromStr;

/// A package in its canonical spelling; qualifiers and subpath are no part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Package {
    pub kind: String,
    pub namespace: Option<String>,
    pub name: String,
    pub version: Option<String>,
}

impl Package {
    /// Absent where the text is no purl, or breaks the rules of its type.
    pub fn parse(purl: &str) -> Option<Self> {
        PackageUrl::from_str(purl).ok().map(|purl| Self::of(&purl))
    }

    fn of(purl: &PackageUrl<'_>) -> Self {
        Self {
            kind: purl.ty().to_owned(),
            namespace: purl.namespace().map(str::to_owned),
            name: purl.name().to_owned(),
            version: purl.version().map(str::to_owned),
        }
    }
}

/// What a waiver says of packages: type and name, `*` for a whole name or namespace, a version or any.
#[derive(Clone, Debug)]
pub struct PackagePattern {
    package: Package,
    qualifiers: Vec<(String, String)>,
}

impl PackagePattern {
    pub fn parse(pattern: &str) -> Result<Self, String> {
        let purl = PackageUrl::from_str(pattern).map_err(|error| {
            format!("{pattern:?} is not a package pattern such as `pkg:npm/lodash` or `pkg:npm/%40corp/*`: {error}")
        })?;
        if pattern.contains("@vers:") || purl.version().is_some_and(|version| version.contains('*')) {
            return Err(format!("{pattern:?} names a range of versions: name one version, or none for all of them"));
        }
        let mut qualifiers: Vec<_> =
            purl.qualifiers().iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        qualifiers.sort();
        Ok(Self { package: Package::of(&purl), qualifiers })
    }

    pub fn matches(&self, purl: &str) -> bool {
        let Ok(purl) = PackageUrl::from_str(purl) else { return false };
        let package = Package::of(&purl);
        self.package.kind == package.kind
            && part_matches(self.package.namespace.as_deref(), package.namespace.as_deref())
            && part_matches(Some(&self.package.name), Some(&package.name))
            && (self.package.version.is_none() || self.package.version == package.version)
            && self.qualifiers.iter().all(|(name, value)| {
                purl.qualifiers().get(name.as_str()).is_some_and(|given| given.as_ref() == value.as_str())
            })
    }
}

/// `*` stands for a whole part that is there; an absent part matches an absent one.
fn part_matches(pattern: Option<&str>, part: Option<&str>) -> bool {
    match pattern {
        Some("*") => part.is_some(),
        _ => pattern == part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, purl: &str) -> bool {
        PackagePattern::parse(pattern).unwrap().matches(purl)
    }

    #[test]
    fn a_pattern_matches_whatever_the_spelling() {
        assert!(matches("pkg:pypi/Django_Rest", "pkg:pypi/django-rest@1.0"));
        assert!(matches("pkg:npm/%40corp/core", "pkg:npm/@corp/core@1.2.3"));
    }

    #[test]
    fn a_bare_name_of_another_ecosystem_does_not_match() {
        assert!(!matches("pkg:npm/foo", "pkg:pypi/foo@1"));
        assert!(!matches("pkg:npm/foo", "pkg:npm/%40corp/foo@1"));
        assert!(!matches("pkg:npm/foo", "foo"));
    }

    #[test]
    fn a_star_stands_for_a_whole_name_or_namespace() {
        assert!(matches("pkg:npm/%40corp/*", "pkg:npm/%40corp/ui@2"));
        assert!(matches("pkg:npm/*/ui", "pkg:npm/%40corp/ui@2"));
        assert!(!matches("pkg:npm/%40corp/*", "pkg:npm/%40other/ui@2"));
        assert!(!matches("pkg:npm/*", "pkg:npm/%40corp/ui@2"));
    }

    #[test]
    fn a_version_must_be_equal_and_none_means_all() {
        assert!(matches("pkg:npm/lodash@4.17.20", "pkg:npm/lodash@4.17.20"));
        assert!(!matches("pkg:npm/lodash@4.17.20", "pkg:npm/lodash@4.17.21"));
        assert!(!matches("pkg:npm/lodash@4.17.20", "pkg:npm/lodash"));
        assert!(matches("pkg:npm/lodash", "pkg:npm/lodash"));
    }

    #[test]
    fn qualifiers_of_the_pattern_must_be_there_and_others_do_not_matter() {
        assert!(matches("pkg:deb/debian/bash?arch=amd64", "pkg:deb/debian/bash@5?arch=amd64&distro=12"));
        assert!(!matches("pkg:deb/debian/bash?arch=amd64", "pkg:deb/debian/bash@5?arch=arm64"));
    }

    #[test]
    fn what_is_no_pattern_says_what_one_looks_like() {
        assert!(PackagePattern::parse("lodash").unwrap_err().contains("pkg:npm/lodash"));
        for range in ["pkg:npm/lodash@4.*", "pkg:npm/lodash@vers:npm/<5"] {
            assert!(PackagePattern::parse(range).unwrap_err().contains("one version"));
        }
    }
}
