//! Which lines ran.

/// The lines of one module that have something to evaluate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    pub file: String,
    pub covered: Vec<u32>,
    pub not_covered: Vec<u32>,
}

impl Lines {
    /// `1-3,7`: as people read them, and short enough for a message.
    pub fn ranges(lines: &[u32]) -> String {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for &line in lines {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == line => *last = line,
                _ => ranges.push((line, line)),
            }
        }
        let shown = ranges.iter().map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        });
        shown.collect::<Vec<_>>().join(",")
    }
}

pub fn of(report: regorus::coverage::Report) -> Vec<Lines> {
    let lines = report.files.into_iter().map(|file| Lines {
        file: file.path,
        covered: file.covered.into_iter().collect(),
        not_covered: file.not_covered.into_iter().collect(),
    });
    lines.collect()
}
