//! Holds `host/src` to the table of rooms in ARCHITECTURE.md: who may name whom, and which crate lives where.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

struct Room {
    name: String,
    owns: Vec<String>,
}

/// Rows begin with a pipe, a blank and a name in backticks. The first table that has such rows and a head with `owns`
/// is the one.
fn table(markdown: &str) -> Vec<Room> {
    let mut rooms = Vec::new();
    for line in markdown.lines() {
        let Some(rest) = line.strip_prefix("| `") else { continue };
        let Some((name, rest)) = rest.split_once('`') else { continue };
        let owns = rest.split('|').nth(1).unwrap_or_default();
        let owns = owns.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        rooms.push(Room { name: name.to_owned(), owns });
    }
    rooms
}

fn sources(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).expect("a readable directory") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The identifiers that follow each `crate::`, also in groups.
fn uses(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let (mut depth, mut part) = (0, String::new());
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => names.push(std::mem::take(&mut part)),
                    _ => {}
                }
                if depth == 0 && c != ',' {
                    part.push(c);
                }
            }
            names.push(part);
        } else {
            names.push(rest.to_owned());
        }
    }
    let first =
        |text: &String| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    names.iter().map(first).filter(|name| !name.is_empty()).collect()
}

/// All findings: upward uses, unknown rooms, rows without a file, crates away from home.
fn findings(rooms: &[Room], root: &Path) -> Vec<String> {
    let mut findings = BTreeSet::new();
    let place = |name: &str| rooms.iter().position(|room| room.name == name);
    let mut seen = BTreeSet::new();
    for path in sources(root) {
        let relative = path.strip_prefix(root).expect("below the root");
        let shown = relative.display().to_string();
        let first = relative.components().next().expect("a file has a name").as_os_str().to_string_lossy().into_owned();
        let room = first.trim_end_matches(".rs").to_owned();
        if shown == "main.rs" || shown == "lib.rs" {
            continue;
        }
        let Some(own) = place(&room) else {
            findings.insert(format!("{shown}: `{room}` is no room of the table"));
            continue;
        };
        seen.insert(room.clone());
        let text = std::fs::read_to_string(&path).expect("a readable source");
        let code: String =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect();
        if code.contains("super::super::super::") {
            findings.insert(format!("{shown}: `super::super::super::` goes round the table"));
        }
        for used in uses(&code) {
            if let Some(other) = place(&used)
                && other > own
            {
                findings.insert(format!("{shown}: `{room}` uses `{used}`"));
            }
        }
        for other in rooms {
            for owned in &other.owns {
                let homes: Vec<&str> =
                    rooms.iter().filter(|room| room.owns.contains(owned)).map(|room| room.name.as_str()).collect();
                if !homes.contains(&room.as_str()) && names_crate(&code, owned) {
                    findings.insert(format!("{shown}: `{owned}` lives in {}", homes.join(", ")));
                }
            }
        }
    }
    for room in rooms.iter().filter(|room| !seen.contains(&room.name)) {
        findings.insert(format!("`{}` is in the table and has no file", room.name));
    }
    findings.into_iter().collect()
}

/// Whether the code names a crate: the word, followed by `::`, not as a part of a longer path. A trailing `*` stands
/// for any ending.
fn names_crate(code: &str, owned: &str) -> bool {
    let (stem, open) = owned.strip_suffix('*').map_or((owned, false), |stem| (stem, true));
    code.match_indices(stem).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '.' | '"' | '-' | '/')) {
            return false;
        }
        let rest = &code[at + stem.len()..];
        let ending = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').count();
        (open || ending == 0) && rest[ending..].starts_with("::")
    })
}

#[test]
fn every_room_uses_only_rooms_above_it_and_crates_stay_at_home() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent");
    let architecture = std::fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let rooms = table(&architecture);
    assert!(rooms.len() > 15, "the table of rooms was not found");
    let findings = findings(&rooms, &root.join("host/src"));
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn the_room_test_finds_what_it_is_for() {
    let tree = tempfile::tempdir().expect("a temporary directory");
    let write = |name: &str, text: &str| std::fs::write(tree.path().join(name), text).expect("writing");
    write("low.rs", "use crate::high::Thing;\n// use crate::high::Comment;\n");
    write("high.rs", "use crate::{low::{A, B}, higher};\nuse engine::Engine;\n");
    write("higher.rs", "use crate::low;\nuse engine::Engine;\n");
    write("stranger.rs", "");
    let markdown = "| `low` | | a |\n| `high` | | b |\n| `higher` | `engine` | c |\n";
    assert_eq!(
        findings(&table(markdown), tree.path()),
        [
            "high.rs: `engine` lives in higher",
            "high.rs: `high` uses `higher`",
            "low.rs: `low` uses `high`",
            "stranger.rs: `stranger` is no room of the table",
        ]
    );
}
