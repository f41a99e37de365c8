//! Versions of licences as data: which licences are versions of one another, and in which order. Decides nothing
//! about lists; it only says which versions a licence stands for.

/// One line per family, oldest version first. A family is named by what its ids share; an id that ends in `-only`,
/// `-or-later` or `+` is the same version as the id without. The order is the one in which the stewards published,
/// because "or later" means exactly that.
const FAMILIES: &[&[&str]] = &[
    &["AFL-1.1", "AFL-1.2", "AFL-2.0", "AFL-2.1", "AFL-3.0"],
    &["AGPL-1.0", "AGPL-3.0"],
    &["APSL-1.0", "APSL-1.1", "APSL-1.2", "APSL-2.0"],
    &["Apache-1.0", "Apache-1.1", "Apache-2.0"],
    &["Artistic-1.0", "Artistic-2.0"],
    &["BitTorrent-1.0", "BitTorrent-1.1"],
    &["CC-BY-1.0", "CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0"],
    &["CC-BY-NC-1.0", "CC-BY-NC-2.0", "CC-BY-NC-2.5", "CC-BY-NC-3.0", "CC-BY-NC-4.0"],
    &["CC-BY-NC-ND-1.0", "CC-BY-NC-ND-2.0", "CC-BY-NC-ND-2.5", "CC-BY-NC-ND-3.0", "CC-BY-NC-ND-4.0"],
    &["CC-BY-NC-SA-1.0", "CC-BY-NC-SA-2.0", "CC-BY-NC-SA-2.5", "CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0"],
    &["CC-BY-ND-1.0", "CC-BY-ND-2.0", "CC-BY-ND-2.5", "CC-BY-ND-3.0", "CC-BY-ND-4.0"],
    &["CC-BY-SA-1.0", "CC-BY-SA-2.0", "CC-BY-SA-2.5", "CC-BY-SA-3.0", "CC-BY-SA-4.0"],
    &["CDDL-1.0", "CDDL-1.1"],
    &["CDLA-Permissive-1.0", "CDLA-Permissive-2.0"],
    &["CECILL-1.0", "CECILL-1.1", "CECILL-2.0", "CECILL-2.1"],
    &["CERN-OHL-1.1", "CERN-OHL-1.2"],
    &["ECL-1.0", "ECL-2.0"],
    &["EFL-1.0", "EFL-2.0"],
    &["EPL-1.0", "EPL-2.0"],
    &["EUPL-1.0", "EUPL-1.1", "EUPL-1.2"],
    &["GFDL-1.1", "GFDL-1.2", "GFDL-1.3"],
    &["GFDL-1.1-invariants", "GFDL-1.2-invariants", "GFDL-1.3-invariants"],
    &["GFDL-1.1-no-invariants", "GFDL-1.2-no-invariants", "GFDL-1.3-no-invariants"],
    &["GPL-1.0", "GPL-2.0", "GPL-3.0"],
    &["LGPL-2.0", "LGPL-2.1", "LGPL-3.0"],
    &["LPL-1.0", "LPL-1.02"],
    &["LPPL-1.0", "LPPL-1.1", "LPPL-1.2", "LPPL-1.3a", "LPPL-1.3c"],
    &["MPL-1.0", "MPL-1.1", "MPL-2.0"],
    &["MulanPSL-1.0", "MulanPSL-2.0"],
    &["NLOD-1.0", "NLOD-2.0"],
    &["NPL-1.0", "NPL-1.1"],
    &["OFL-1.0", "OFL-1.1"],
    &["OGL-UK-1.0", "OGL-UK-2.0", "OGL-UK-3.0"],
    &[
        "OLDAP-1.1",
        "OLDAP-1.2",
        "OLDAP-1.3",
        "OLDAP-1.4",
        "OLDAP-2.0",
        "OLDAP-2.0.1",
        "OLDAP-2.1",
        "OLDAP-2.2",
        "OLDAP-2.2.1",
        "OLDAP-2.2.2",
        "OLDAP-2.3",
        "OLDAP-2.4",
        "OLDAP-2.5",
        "OLDAP-2.6",
        "OLDAP-2.7",
        "OLDAP-2.8",
    ],
    &["OSL-1.0", "OSL-1.1", "OSL-2.0", "OSL-2.1", "OSL-3.0"],
    &["PHP-3.0", "PHP-3.01"],
    &["RPL-1.1", "RPL-1.5"],
    &["SGI-B-1.0", "SGI-B-1.1", "SGI-B-2.0"],
    &["YPL-1.0", "YPL-1.1"],
    &["ZPL-1.1", "ZPL-2.0", "ZPL-2.1"],
    &["Zimbra-1.3", "Zimbra-1.4"],
];

/// The versions that a licence stands for: a stretch of one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    family: Family,
    lowest: usize,
    highest: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Family {
    /// Index into `FAMILIES`.
    Known(usize),
    /// A licence that is the only one of its kind, in lower case.
    Single(String),
}

impl Versions {
    /// What `id` stands for; `or_later` is the `+` behind it.
    pub fn of(id: &str, or_later: bool) -> Self {
        let (base, or_later) = match (id.strip_suffix("-or-later"), id.strip_suffix("-only")) {
            (Some(base), _) => (base, true),
            (None, Some(base)) => (base, or_later),
            (None, None) => (id.strip_suffix('+').unwrap_or(id), or_later || id.ends_with('+')),
        };
        match place(base) {
            Some((family, lowest)) => {
                let highest = if or_later { FAMILIES[family].len() - 1 } else { lowest };
                Self { family: Family::Known(family), lowest, highest }
            }
            None => Self { family: Family::Single(base.to_ascii_lowercase()), lowest: 0, highest: 0 },
        }
    }

    /// Some version belongs to both.
    pub fn intersects(&self, other: &Self) -> bool {
        self.family == other.family && self.lowest <= other.highest && other.lowest <= self.highest
    }

    /// The lowest version of `self` is one of `other`'s.
    pub fn begins_within(&self, other: &Self) -> bool {
        self.family == other.family && (other.lowest..=other.highest).contains(&self.lowest)
    }
}

fn place(base: &str) -> Option<(usize, usize)> {
    FAMILIES.iter().enumerate().find_map(|(family, members)| {
        let version = members.iter().position(|member| *member == base)?;
        Some((family, version))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_of_a_family_is_a_licence_that_spdx_knows_and_stands_once() {
        let mut seen = std::collections::BTreeSet::new();
        for member in FAMILIES.iter().copied().flatten() {
            assert!(spdx::license_id(member).is_some(), "{member}");
            assert!(seen.insert(*member), "{member} stands twice");
        }
    }

    #[test]
    fn or_later_reaches_to_the_end_of_the_family() {
        assert!(Versions::of("GPL-2.0", true).intersects(&Versions::of("GPL-3.0-only", false)));
        assert!(Versions::of("GPL-3.0-only", false).intersects(&Versions::of("GPL-2.0-or-later", false)));
        assert!(!Versions::of("GPL-2.0-only", false).intersects(&Versions::of("GPL-3.0-or-later", false)));
        assert!(!Versions::of("GPL-2.0", true).intersects(&Versions::of("LGPL-2.1", true)));
    }

    #[test]
    fn plain_and_only_are_the_same_version() {
        assert_eq!(Versions::of("GPL-2.0", false), Versions::of("GPL-2.0-only", false));
        assert_eq!(Versions::of("GPL-2.0+", false), Versions::of("GPL-2.0-or-later", false));
    }

    #[test]
    fn the_lowest_version_decides_where_a_stretch_begins() {
        let from_two = Versions::of("GPL-2.0", true);
        assert!(from_two.begins_within(&Versions::of("GPL-2.0", false)));
        assert!(!from_two.begins_within(&Versions::of("GPL-3.0", true)));
    }
}
