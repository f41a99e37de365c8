//! Which of a package's claims counts, and what it says. Each distinct text is read once, whatever the number of
//! packages that carry it. Not knowing has four kinds, and none of them is ever folded into another or into denied.

use crate::expression::{Class, Expression, Lists, Reading};
use crate::settings::ClaimSource;
use palisade_plugin::{LicenseClaim, LicenseSource, LicenseValue};
use std::collections::HashMap;
use std::rc::Rc;

/// Why nothing is known, by how much the producer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unknown {
    Absent,
    NoAssertion,
    NoneStated,
    Unparsed,
}

/// What a claim says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    Known {
        /// In the producer's words.
        claimed: String,
        /// In SPDX words.
        expression: String,
        reading: Reading,
    },
    Unknown {
        kind: Unknown,
        claimed: String,
        /// Why it could not be read.
        reason: Option<String>,
    },
}

/// The claim that counts.
#[derive(Clone, Debug)]
pub struct Selected {
    pub meaning: Rc<Meaning>,
    /// Nothing without a claim.
    pub source: Option<ClaimSource>,
    /// A later claim that is known too and says something else.
    pub contradicted_by: Option<(ClaimSource, Rc<Meaning>)>,
}

impl Meaning {
    fn unknown(kind: Unknown) -> Self {
        Self::Unknown { kind, claimed: String::new(), reason: None }
    }

    pub fn class(&self) -> Option<Class> {
        match self {
            Self::Known { reading, .. } => Some(reading.class),
            Self::Unknown { .. } => None,
        }
    }

    /// Which of two statements about one package stands: the worse licence, and the fuller word of not knowing. What is
    /// known wins over what is not.
    pub fn outweighs(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Known { reading, .. }, Self::Known { reading: other, .. }) => reading.class < other.class,
            (Self::Known { .. }, Self::Unknown { .. }) => true,
            (Self::Unknown { .. }, Self::Known { .. }) => false,
            (Self::Unknown { kind, .. }, Self::Unknown { kind: other, .. }) => kind > other,
        }
    }
}

/// Reads claims by one set of lists.
pub struct Readings {
    lists: Lists,
    by_text: HashMap<String, Rc<Meaning>>,
    absent: Rc<Meaning>,
    no_assertion: Rc<Meaning>,
    none_stated: Rc<Meaning>,
}

impl Readings {
    pub fn by(lists: Lists) -> Self {
        Self {
            lists,
            by_text: HashMap::new(),
            absent: Rc::new(Meaning::unknown(Unknown::Absent)),
            no_assertion: Rc::new(Meaning::unknown(Unknown::NoAssertion)),
            none_stated: Rc::new(Meaning::unknown(Unknown::NoneStated)),
        }
    }

    /// The first source in `order` that says something known; else the fullest word of not knowing.
    pub fn select(&mut self, claims: &[LicenseClaim], order: &[ClaimSource]) -> Selected {
        let mut selected = Selected { meaning: self.absent.clone(), source: None, contradicted_by: None };
        for &source in order {
            let Some(meaning) = self.of_source(claims, source) else { continue };
            match (&*selected.meaning, &*meaning) {
                (Meaning::Known { expression, .. }, Meaning::Known { expression: other, .. })
                    if expression != other && selected.contradicted_by.is_none() =>
                {
                    selected.contradicted_by = Some((source, meaning));
                }
                (Meaning::Unknown { .. }, _) if meaning.outweighs(&selected.meaning) => {
                    (selected.meaning, selected.source) = (meaning, Some(source));
                }
                _ => {}
            }
        }
        selected
    }

    /// All that one source says, taken together: each of its claims holds.
    fn of_source(&mut self, claims: &[LicenseClaim], source: ClaimSource) -> Option<Rc<Meaning>> {
        let mut together: Option<Rc<Meaning>> = None;
        for claim in claims.iter().filter(|claim| source_of(claim) == source) {
            let meaning = self.meaning(&claim.value);
            together = Some(match together {
                None => meaning,
                Some(before) => both(before, meaning),
            });
        }
        together
    }

    fn meaning(&mut self, value: &LicenseValue) -> Rc<Meaning> {
        match value {
            LicenseValue::NoAssertion => self.no_assertion.clone(),
            LicenseValue::NoneStated => self.none_stated.clone(),
            LicenseValue::Expression(text) | LicenseValue::Name(text) => self.text(text),
        }
    }

    /// What a text says.
    pub fn text(&mut self, text: &str) -> Rc<Meaning> {
        if let Some(known) = self.by_text.get(text) {
            return known.clone();
        }
        let meaning = match text.trim() {
            "" => self.absent.clone(),
            word if word.eq_ignore_ascii_case("NOASSERTION") => self.no_assertion.clone(),
            word if word.eq_ignore_ascii_case("NONE") => self.none_stated.clone(),
            _ => Rc::new(self.read(text)),
        };
        self.by_text.insert(text.to_owned(), meaning.clone());
        meaning
    }

    fn read(&self, text: &str) -> Meaning {
        let claimed = text.to_owned();
        match Expression::read(text) {
            Ok(expression) => {
                let reading = expression.judge(&self.lists);
                Meaning::Known { claimed, expression: expression.text, reading }
            }
            Err(unparsed) => Meaning::Unknown { kind: Unknown::Unparsed, claimed, reason: Some(unparsed.0) },
        }
    }
}

fn source_of(claim: &LicenseClaim) -> ClaimSource {
    match claim.source {
        LicenseSource::Concluded => ClaimSource::Concluded,
        LicenseSource::Detected => ClaimSource::Detected,
        LicenseSource::Declared | LicenseSource::Unknown => ClaimSource::Declared,
    }
}

/// Two claims that both hold. A denied one stays denied whatever the other says; a text that cannot be read leaves the
/// rest unknown; saying nothing takes nothing away.
fn both(one: Rc<Meaning>, other: Rc<Meaning>) -> Rc<Meaning> {
    if one == other {
        return one;
    }
    match (&*one, &*other) {
        (
            Meaning::Known { claimed, expression, reading },
            Meaning::Known { claimed: also, expression: also_expression, reading: also_reading },
        ) => Rc::new(Meaning::Known {
            claimed: format!("{claimed}, {also}"),
            expression: format!("({expression}) AND ({also_expression})"),
            reading: and(reading, also_reading),
        }),
        (Meaning::Known { reading, .. }, Meaning::Unknown { kind, .. }) => {
            let keeps = reading.class == Class::Denied || *kind < Unknown::Unparsed;
            if keeps { one } else { other }
        }
        (Meaning::Unknown { .. }, Meaning::Known { .. }) => both(other, one),
        (Meaning::Unknown { .. }, Meaning::Unknown { .. }) => {
            if other.outweighs(&one) {
                other
            } else {
                one
            }
        }
    }
}

fn and(one: &Reading, other: &Reading) -> Reading {
    let class = one.class.min(other.class);
    let mut decisive = Vec::<String>::new();
    for reading in [one, other].into_iter().filter(|reading| reading.class == class) {
        for license in &reading.decisive {
            if !decisive.contains(license) {
                decisive.push(license.clone());
            }
        }
    }
    let chosen =
        if one.chosen == other.chosen { one.chosen.clone() } else { format!("{} AND {}", one.chosen, other.chosen) };
    Reading { class, chosen, decisive }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::settings::Settings;

    const ORDER: [ClaimSource; 3] = [ClaimSource::Concluded, ClaimSource::Declared, ClaimSource::Detected];

    fn select(claims: &[(LicenseSource, &str)]) -> Selected {
        let claims: Vec<_> = claims.iter().map(|&(source, text)| LicenseClaim::expression(source, text)).collect();
        let policy = Policy::of(&Settings::default()).unwrap_or_else(|problems| panic!("{problems:?}"));
        Readings::by(policy.lists).select(&claims, &ORDER)
    }

    fn chosen(claims: &[(LicenseSource, &str)]) -> String {
        match &*select(claims).meaning {
            Meaning::Known { reading, .. } => format!("{:?} {}", reading.class, reading.chosen),
            Meaning::Unknown { kind, .. } => format!("{kind:?}"),
        }
    }

    #[test]
    fn the_concluded_claim_counts_before_the_declared_one() {
        let selected = select(&[(LicenseSource::Declared, "GPL-3.0"), (LicenseSource::Concluded, "MIT")]);
        assert_eq!(selected.source, Some(ClaimSource::Concluded));
        assert_eq!(selected.meaning.class(), Some(Class::Allowed));
        assert!(selected.contradicted_by.is_some(), "two known and different claims are told apart");
    }

    #[test]
    fn an_unknown_claim_passes_on_to_the_next() {
        assert_eq!(
            chosen(&[(LicenseSource::Concluded, "NOASSERTION"), (LicenseSource::Declared, "MIT")]),
            "Allowed MIT"
        );
        assert_eq!(chosen(&[(LicenseSource::Concluded, "BSD"), (LicenseSource::Detected, "ISC")]), "Allowed ISC");
    }

    #[test]
    fn kinds_of_not_knowing_stay_apart() {
        assert_eq!(chosen(&[]), "Absent");
        assert_eq!(chosen(&[(LicenseSource::Declared, " ")]), "Absent");
        assert_eq!(chosen(&[(LicenseSource::Declared, "noassertion")]), "NoAssertion");
        assert_eq!(
            chosen(&[(LicenseSource::Concluded, "NOASSERTION"), (LicenseSource::Declared, "NONE")]),
            "NoneStated"
        );
        assert_eq!(chosen(&[(LicenseSource::Declared, "(MIT")]), "Unparsed");
    }

    #[test]
    fn claims_of_one_source_hold_together() {
        let two = |one, other| chosen(&[(LicenseSource::Declared, one), (LicenseSource::Unknown, other)]);
        assert_eq!(two("MIT", "GPL-3.0"), "Denied MIT AND GPL-3.0-only");
        assert_eq!(two("MIT", "MIT"), "Allowed MIT");
        assert_eq!(two("MIT", "see COPYING"), "Unparsed");
        assert_eq!(two("see COPYING", "GPL-3.0"), "Denied GPL-3.0-only");
        assert_eq!(two("NOASSERTION", "MIT"), "Allowed MIT");
    }
}
