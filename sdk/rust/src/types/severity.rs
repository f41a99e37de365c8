//! Severities out of the producers' words and numbers.

use crate::types::Severity;

impl Severity {
    /// The severity that a producer's word means, in any case and with blanks around it. `None` for `unknown`,
    /// `unassigned`, an empty word and every word that is not in the table: nothing is guessed.
    ///
    /// | word | severity |
    /// |---|---|
    /// | critical, fatal, blocker | critical |
    /// | high, important, error | high |
    /// | medium, moderate, warning, major | medium |
    /// | low, minor, note | low |
    /// | none, info, informational, negligible | negligible |
    pub fn from_word(word: &str) -> Option<Severity> {
        const WORDS: &[(Severity, &[&str])] = &[
            (Severity::Critical, &["critical", "fatal", "blocker"]),
            (Severity::High, &["high", "important", "error"]),
            (Severity::Medium, &["medium", "moderate", "warning", "major"]),
            (Severity::Low, &["low", "minor", "note"]),
            (Severity::Negligible, &["none", "info", "informational", "negligible"]),
        ];
        let word = word.trim();
        WORDS
            .iter()
            .find(|(_, words)| words.iter().any(|known| known.eq_ignore_ascii_case(word)))
            .map(|(severity, _)| *severity)
    }

    /// The band of a CVSS base score (0–10): 0 negligible, above 0 low, from 4 medium, from 7 high, from 9 critical.
    /// Version 2 ends at high. `None` outside 0–10.
    pub fn from_score(score: f64, cvss_version: &str) -> Option<Severity> {
        if !(0.0..=10.0).contains(&score) {
            return None;
        }
        let band = match score {
            s if s >= 9.0 => Severity::Critical,
            s if s >= 7.0 => Severity::High,
            s if s >= 4.0 => Severity::Medium,
            s if s > 0.0 => Severity::Low,
            _ => Severity::Negligible,
        };
        let highest = if cvss_version.starts_with('2') { Severity::High } else { Severity::Critical };
        Some(band.min(highest))
    }

    /// The word of the contract, lower case: `negligible` … `critical`.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Negligible => "negligible",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::Severity;

    #[test]
    fn words_are_read_in_any_case_and_unknown_words_stay_unknown() {
        assert_eq!(Severity::from_word(" Moderate "), Some(Severity::Medium));
        assert_eq!(Severity::from_word("ERROR"), Some(Severity::High));
        assert_eq!(Severity::from_word("unknown"), None);
        assert_eq!(Severity::from_word(""), None);
        assert!(Severity::Low < Severity::Critical);
    }

    #[test]
    fn scores_fall_into_their_bands_and_version_two_ends_at_high() {
        assert_eq!(Severity::from_score(9.8, "3.1"), Some(Severity::Critical));
        assert_eq!(Severity::from_score(9.8, "2.0"), Some(Severity::High));
        assert_eq!(Severity::from_score(0.1, "4.0"), Some(Severity::Low));
        assert_eq!(Severity::from_score(0.0, "3.1"), Some(Severity::Negligible));
        assert_eq!(Severity::from_score(f64::NAN, "3.1"), None);
        assert_eq!(Severity::from_score(11.0, "3.1"), None);
    }
}
