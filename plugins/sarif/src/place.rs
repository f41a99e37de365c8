//! Where a result stands: paths relative to the repository, as far as the log tells what the repository is. A path that
//! cannot be reduced to it keeps its slash in front.

use palisade_plugin::Location;
use palisade_plugin::lenient::{Maybe, Number, Table};
use palisade_plugin::words::percent_decoded;

use crate::document::{ArtifactLocation, PhysicalLocation, Region};

/// Bases may stand on other bases; a log that goes further than this goes in circles.
const DEEPEST_BASE: usize = 8;
/// Where GitHub's runners check out, each followed by the repository's name twice. The third is the one of Windows.
const RUNNERS: [&str; 4] = ["/home/runner/work/", "/__w/", "/a/", "/Users/runner/work/"];
/// Where a container action sees the checkout.
const WORKSPACE: &str = "/github/workspace/";
/// What producers call the base that is the checkout: `%SRCROOT%`, `ROOTPATH`, `REPOROOT`, ….
const CHECKOUT_BASES: [&str; 4] = ["SRCROOT", "ROOTPATH", "REPOROOT", "PROJECTROOT"];

/// All that a run says about paths.
#[derive(Debug, Default)]
pub struct Places {
    pub artifacts: Vec<ArtifactLocation>,
    pub bases: Table<Maybe<ArtifactLocation>>,
    /// Directories that are said to be the checkout.
    pub checkouts: Vec<ArtifactLocation>,
    roots: Vec<String>,
}

impl Places {
    /// Finds out where the checkout is; before the first question.
    pub fn settle(&mut self) {
        let absolute =
            |location: &ArtifactLocation| location.uri.as_filled().map(clean).filter(|path| path.starts_with('/'));
        let bases: Vec<(&str, String)> =
            self.bases.iter().filter_map(|(name, base)| Some((name.as_str(), absolute(base.as_ref()?)?))).collect();
        let is_checkout = |name: &str| CHECKOUT_BASES.iter().any(|known| name.to_ascii_uppercase().contains(known));
        let mut roots: Vec<String> =
            bases.iter().filter(|(name, _)| is_checkout(name)).map(|(_, path)| path.clone()).collect();
        if let ([(_, only)], true) = (&bases[..], roots.is_empty()) {
            roots.push(only.clone());
        }
        roots.extend(self.checkouts.iter().filter_map(absolute));
        for root in &mut roots {
            if !root.ends_with('/') {
                root.push('/');
            }
        }
        self.roots = roots;
    }

    /// The location, and the address as the producer wrote it if that is something else.
    pub fn locate(&self, physical: &PhysicalLocation) -> Option<(Location, Option<String>)> {
        let artifact = physical.artifact_location.as_ref()?;
        let listed = artifact.index.and_then(Number::as_u32).and_then(|index| self.artifacts.get(index as usize));
        let stated = artifact.uri.as_filled().map(|uri| (uri, artifact));
        let (uri, owner) = stated.or_else(|| listed.and_then(|listed| Some((listed.uri.as_filled()?, listed))))?;
        let base = owner.uri_base_id.as_filled();
        let path = self.path(uri, base);
        let raw = (path != uri).then(|| uri.to_owned());
        Some((at(path, physical.region.as_ref()), raw))
    }

    fn path(&self, uri: &str, base: Option<&str>) -> String {
        if is_settled(uri) && base.is_none_or(|name| !self.bases.contains_key(name)) {
            return uri.to_owned();
        }
        if uri.contains("://") && !uri.starts_with("file:") {
            return uri.to_owned();
        }
        let path = clean(uri);
        let path = if path.starts_with('/') { path } else { self.on_base(path, base) };
        settled(&self.below_checkout(&path))
    }

    /// A base that leads nowhere absolute is the repository's root.
    fn on_base(&self, mut path: String, base: Option<&str>) -> String {
        let mut next = base;
        for _ in 0..DEEPEST_BASE {
            let Some(base) = next.and_then(|name| self.bases.get(name)).and_then(|base| base.as_ref()) else { break };
            if let Some(uri) = base.uri.as_filled() {
                let prefix = clean(uri);
                let separator = if prefix.ends_with('/') { "" } else { "/" };
                path = format!("{prefix}{separator}{path}");
                if path.starts_with('/') {
                    break;
                }
            }
            next = base.uri_base_id.as_filled();
        }
        path
    }

    fn below_checkout(&self, path: &str) -> String {
        if !path.starts_with('/') {
            return path.to_owned();
        }
        let known = self.roots.iter().find_map(|root| path.strip_prefix(root.as_str()));
        let relative = known.or_else(|| path.strip_prefix(WORKSPACE)).or_else(|| from_runner(path));
        relative.filter(|relative| !relative.is_empty()).unwrap_or(path).to_owned()
    }
}

/// `/home/runner/work/name/name/…`.
fn from_runner(path: &str) -> Option<&str> {
    let rest = RUNNERS.iter().find_map(|runner| path.strip_prefix(runner))?;
    let (first, rest) = rest.split_once('/')?;
    let (second, rest) = rest.split_once('/')?;
    (first == second).then_some(rest)
}

/// A path that is relative and clean already, as nearly all are.
fn is_settled(uri: &str) -> bool {
    let is_plain = !uri.bytes().any(|byte| matches!(byte, b'%' | b'\\' | b':') || byte.is_ascii_whitespace());
    is_plain && uri.is_ascii() && uri.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Without scheme, drive letter and escapes, with forward slashes.
fn clean(uri: &str) -> String {
    let path = percent_decoded(uri.trim()).replace('\\', "/");
    let path = match path.strip_prefix("file:") {
        Some(rest) => format!("/{}", rest.trim_start_matches('/')),
        None => path,
    };
    let bare = path.strip_prefix('/').unwrap_or(&path);
    match bare.as_bytes() {
        [drive, b':', b'/', ..] if drive.is_ascii_alphabetic() => bare[2..].to_owned(),
        _ => path,
    }
}

/// Without `.` and, as far as there is something to go back from, `..`.
fn settled(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            "" if !parts.is_empty() => {}
            ".." if parts.last().is_some_and(|last| !matches!(*last, "" | "..")) => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Regions may count characters instead of lines; line 0 means nowhere in particular.
fn at(path: String, region: Option<&Region>) -> Location {
    let Some(region) = region else { return Location::at(path) };
    let number = |number: &Maybe<Number>| number.and_then(Number::as_u32).filter(|number| *number > 0);
    let Some(start) = number(&region.start_line) else { return Location::at(path) };
    Location {
        start_line: Some(start),
        end_line: Some(number(&region.end_line).map_or(start, |end| end.max(start))),
        start_column: number(&region.start_column),
        end_column: number(&region.end_column),
        ..Location::at(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(bases: &[(&str, &str, &str)]) -> Places {
        let location = |uri: &str, base: &str| ArtifactLocation {
            uri: Maybe(Some(uri.into())),
            uri_base_id: Maybe(Some(base.into())),
            index: Maybe(None),
        };
        let bases =
            bases.iter().map(|(name, uri, base)| ((*name).to_owned(), Maybe(Some(location(uri, base))))).collect();
        let mut places = Places { bases: Table(bases), ..Places::default() };
        places.settle();
        places
    }

    #[test]
    fn paths_become_relative_to_the_checkout() {
        let places = places(&[
            ("%SRCROOT%", "file:///build/checkout/", ""),
            ("LIB", "lib/", "%SRCROOT%"),
            ("OUT", "file:///out/", ""),
        ]);
        assert_eq!(places.path("src/a.c", Some("%SRCROOT%")), "src/a.c");
        assert_eq!(places.path("a%20b.c", Some("LIB")), "lib/a b.c");
        assert_eq!(places.path("file:///build/checkout/src/a.c", None), "src/a.c");
        assert_eq!(places.path("./x/../a.c", Some("UNKNOWN")), "a.c");
        assert_eq!(places.path("gen.c", Some("OUT")), "/out/gen.c");
    }

    #[test]
    fn checkouts_of_runners_are_known_and_other_absolute_paths_stay_absolute() {
        let places = places(&[]);
        assert_eq!(places.path("/home/runner/work/demo/demo/a.py", None), "a.py");
        assert_eq!(places.path("file:///D:/a/demo/demo/src/A.cs", None), "src/A.cs");
        assert_eq!(places.path("D:\\code\\a.c", None), "/code/a.c");
        assert_eq!(places.path("../../etc/passwd", None), "../../etc/passwd");
        assert_eq!(places.path("https://example.org/a%20b", None), "https://example.org/a%20b");
    }

    #[test]
    fn bases_that_stand_on_each_other_end() {
        let places = places(&[("A", "a/", "B"), ("B", "b/", "A")]);
        assert!(places.path("x", Some("A")).ends_with("b/a/x"));
    }
}
