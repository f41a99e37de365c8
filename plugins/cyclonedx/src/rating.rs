//! Ratings and the severity that follows from them. Words come before numbers: a producer's word may know more than the
//! base score does.

use std::str::FromStr;

use palisade_plugin::{Cvss, Severity};

use crate::document::{RatingEntry, Source};

/// What all ratings of a vulnerability say together.
#[derive(Debug, Default)]
pub struct Ratings {
    /// In front the one to show: the one that the severity comes from.
    pub cvss: Vec<Cvss>,
    pub severity: Option<Severity>,
    pub severity_raw: Option<String>,
    pub severity_source: Option<String>,
}

struct Rating {
    word: Option<String>,
    source: Option<String>,
    cvss: Option<Cvss>,
    /// A number of which nobody says by which method it came about.
    bare_score: Option<f64>,
}

impl Ratings {
    pub fn of(entries: impl IntoIterator<Item = RatingEntry>) -> Ratings {
        let mut ratings: Vec<Rating> = entries.into_iter().map(Rating::of).collect();
        if let Some(worst) = first_highest(&ratings, |rating| Severity::from_word(rating.word.as_deref()?)) {
            ratings[..=worst].rotate_right(1);
            return Ratings::by_word(ratings);
        }
        let raw = ratings.iter().find_map(|rating| rating.word.clone());
        let newest = first_highest(&ratings, |rating| version_of_scored(rating).map(str::to_owned));
        if let Some(newest) = newest {
            ratings[..=newest].rotate_right(1);
        }
        Ratings { severity_raw: raw, ..Ratings::by_number(ratings) }
    }

    /// The first one has a known word.
    fn by_word(ratings: Vec<Rating>) -> Ratings {
        let word = ratings.first().and_then(|rating| rating.word.clone());
        Ratings {
            severity: word.as_deref().and_then(Severity::from_word),
            severity_raw: word,
            severity_source: ratings.first().and_then(|rating| rating.source.clone()),
            cvss: ratings.into_iter().filter_map(|rating| rating.cvss).collect(),
        }
    }

    /// The first one has the newest version, if any has a version.
    fn by_number(ratings: Vec<Rating>) -> Ratings {
        let bare = ratings.iter().find_map(|rating| rating.bare_score);
        let cvss: Vec<Cvss> = ratings.into_iter().filter_map(|rating| rating.cvss).collect();
        let scored = cvss.first().and_then(|cvss| Some((Severity::from_score(cvss.base?, &cvss.version)?, cvss)));
        let (severity, severity_source) = match (scored, bare) {
            (Some((severity, cvss)), _) => (Some(severity), Some(format!("derived:CVSS:{}", cvss.version))),
            (None, Some(score)) => (Severity::from_score(score, ""), Some("derived:score".to_owned())),
            (None, None) => (None, None),
        };
        Ratings { cvss, severity, severity_raw: None, severity_source }
    }
}

impl Rating {
    fn of(entry: RatingEntry) -> Rating {
        let source = entry.source.0.and_then(source_name);
        let method = entry.method.filled().unwrap_or_default();
        let vector = entry.vector.filled();
        let score = entry.score.map(|number| number.0);
        let version = vector.as_deref().and_then(version_of_vector).or_else(|| version_of_method(&method));
        // Zero without a vector is how producers write "not scored".
        let base = score.filter(|score| *score != 0.0 || vector.is_some());
        let base = base.or_else(|| cvss::Cvss::from_str(plain(vector.as_deref()?)).ok().map(|vector| vector.score()));
        let cvss = version.filter(|_| base.is_some() || vector.is_some()).map(|version| Cvss {
            version: version.to_owned(),
            vector,
            base,
            source: source.clone(),
        });
        let bare_score = base.filter(|_| cvss.is_none() && method.is_empty());
        Rating { word: entry.severity.filled(), source, cvss, bare_score }
    }
}

pub fn source_name(source: Source) -> Option<String> {
    source.name.filled().map(|name| name.to_ascii_lowercase())
}

/// Version 2 vectors carry no version; some producers put them into brackets.
fn plain(vector: &str) -> &str {
    vector.trim().trim_start_matches('(').trim_end_matches(')')
}

fn version_of_vector(vector: &str) -> Option<&'static str> {
    match plain(vector) {
        vector if vector.starts_with("CVSS:4.0/") => Some("4.0"),
        vector if vector.starts_with("CVSS:3.1/") => Some("3.1"),
        vector if vector.starts_with("CVSS:3.0/") => Some("3.0"),
        vector if vector.starts_with("AV:") && vector.contains("/Au:") => Some("2.0"),
        _ => None,
    }
}

fn version_of_method(method: &str) -> Option<&'static str> {
    match method.trim().to_ascii_lowercase().as_str() {
        "cvssv2" => Some("2.0"),
        "cvssv3" => Some("3.0"),
        "cvssv31" => Some("3.1"),
        "cvssv4" => Some("4.0"),
        _ => None,
    }
}

fn version_of_scored(rating: &Rating) -> Option<&str> {
    rating.cvss.as_ref().filter(|cvss| cvss.base.is_some()).map(|cvss| cvss.version.as_str())
}

/// The first of the highest, so that the document's order decides among equals.
fn first_highest<T: Ord>(ratings: &[Rating], measure: impl Fn(&Rating) -> Option<T>) -> Option<usize> {
    let measured = ratings.iter().enumerate().filter_map(|(at, rating)| Some((measure(rating)?, at)));
    measured.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, at)| at)
}
