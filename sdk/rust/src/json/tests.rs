//! What the readers promise, in one buffer and through a sliding window alike.

use serde::Deserialize;

use super::*;
use crate::Artifact;
use crate::lenient::{List, Maybe, Number, OneOrMany, Text};
use crate::ranged::InMemory;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Item {
    id: Text,
    line: Maybe<Number>,
    tags: List<Text>,
}

/// Runs a test once with one buffer and once with a window.
fn both_ways(text: &str, check: impl Fn(Json<'_>, &Notes)) {
    let source = InMemory(text.as_bytes().into());
    for largest_buffer in [LARGEST_BUFFER, 0] {
        let notes = Notes::default();
        let json = Json::open_buffering(&source, notes.clone(), largest_buffer).unwrap();
        check(json, &notes);
    }
}

fn items(json: &mut Json<'_>) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::new();
    json.members(|name, member| match name {
        "items" => member.each::<Item>(|index, item| {
            ids.push(format!("{index}:{}:{:?}:{}", item.id, item.line.map(|n| n.0), item.tags.len()));
            Ok(())
        }),
        _ => Ok(()),
    })?;
    Ok(ids)
}

fn pointers(notes: &Notes) -> Vec<String> {
    notes.take().into_iter().map(|note| format!("{} {}", note.pointer.unwrap_or_default(), note.message)).collect()
}

#[test]
fn a_bad_element_costs_only_itself() {
    let text = r#"{"before": {"x": [1, {}]}, "items": [{"id": 1, "line": "7"}, {"id": []}, 5, {"id": "c", "line": {}, "tags": ["a", []]}], "after": 1}"#;
    both_ways(text, |mut json, notes| {
        assert_eq!(items(&mut json).unwrap(), ["0:1:Some(7.0):0", "3:c:None:1"]);
        let noted = pointers(notes);
        assert_eq!(noted.len(), 4, "{noted:?}");
        assert!(noted[0].starts_with("/items/1 left out: invalid type: sequence"), "{noted:?}");
        assert!(notes.entries_lost());
    });
}

#[test]
fn null_in_place_of_an_entry_is_an_entry_that_nobody_can_read() {
    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Lists {
        texts: List<Text>,
        items: List<Maybe<Item>>,
        words: OneOrMany<Text>,
    }
    for list in ["texts", "items", "words"] {
        both_ways(&format!(r#"{{"{list}": [null]}}"#), |mut json, notes| {
            let lists: Lists = json.parse().unwrap();
            assert_eq!((lists.texts.len(), lists.items.len(), lists.words.len()), (0, 0, 0));
            assert_eq!(pointers(notes), [" left out: null stands in place of an entry"], "{list}");
            assert!(notes.entries_lost());
        });
    }
    both_ways(r#"{"items": [{"id": 1}, {"id": {}}], "texts": null}"#, |mut json, notes| {
        let lists: Lists = json.parse().unwrap();
        let ids: Vec<_> = lists.items.iter().map(|item| item.as_ref().map(|item| &*item.id)).collect();
        assert_eq!((ids, notes.take().len()), (vec![Some("1"), None], 1));
    });
}

#[test]
fn a_wrong_type_in_place_of_a_list_is_noted_and_null_is_not() {
    both_ways(r#"{"items": {"id": 1}}"#, |mut json, notes| {
        assert_eq!(items(&mut json).unwrap().len(), 0);
        assert_eq!(pointers(notes), ["/items left out: array was expected, found object"]);
    });
    both_ways(r#"{"items": null}"#, |mut json, notes| {
        assert_eq!((items(&mut json).unwrap().len(), notes.take().len()), (0, 0));
    });
}

#[test]
fn a_member_that_stands_twice_is_malformed_wherever_somebody_reads() {
    let refused = |text: &str, pointer: &str| {
        both_ways(text, |mut json, _| match items(&mut json) {
            Err(Failure::Malformed(why)) => {
                assert!(why.contains(&format!("stands twice at {pointer}; readers disagree")), "{why}");
            }
            other => panic!("{text}: {other:?}"),
        });
    };
    refused(r#"{"items": [{"id": "first"}], "items": []}"#, "/items");
    refused(r#"{"items": [], "it\u0065ms": null}"#, "/items");
    refused(r#"{"unread": 1, "items": [], "unread": 1}"#, "/unread");
    refused(r#"{"items": [{}, {"id": "first", "line": 1, "id": "last"}]}"#, "/items/1/id");
    refused(r#"{"items": [{"id": "first", "i\u0064": "last"}]}"#, "/items/0/id");
    // The second attempt, which is tolerant, tolerates no more of this than the first.
    refused(r#"{"items": [{"line": {}, "id": "first", "id": "last"}]}"#, "/items/0/id");
    refused("{\"items\": [{\"id\": \"fi\trst\", \"id\": \"last\"}]}", "/items/0/id");
    let unread = r#"{"unread": {"x": 1, "x": 2}, "items": [{"id": "a", "x": {"y": 1, "y": 2}}]}"#;
    both_ways(unread, |mut json, _| assert_eq!(items(&mut json).unwrap(), ["0:a:None:0"]));
}

#[test]
fn two_spellings_of_one_field_are_refused_too() {
    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Either {
        #[serde(alias = "former")]
        present: Text,
        inner: Maybe<Item>,
        table: crate::lenient::Table<Text>,
    }
    for (text, name) in [
        (r#"{"present": "a", "former": "b"}"#, "`present` stands twice"),
        (r#"{"inner": {"id": 1, "id": 2}}"#, "`id` stands twice at /inner/id"),
        (r#"{"table": {"x": 1, "x": 2}}"#, "`x` stands twice at /table/x"),
    ] {
        both_ways(text, |mut json, _| {
            assert!(matches!(json.parse::<Either>(), Err(Failure::Malformed(why)) if why.contains(name)), "{text}");
        });
    }
}

#[test]
fn text_after_the_end_is_malformed_and_blanks_are_not() {
    for behind in ["trailing", r#" {"x": 1}"#, "\n[]", "}", ","] {
        both_ways(&format!(r#"{{"items": []}}{behind}"#), |mut json, _| {
            assert_eq!(items(&mut json), Err(Failure::malformed("text stands after the end of the JSON document")));
        });
    }
    both_ways("{\"items\": []} \r\n\t\0", |mut json, _| assert!(items(&mut json).is_ok()));
}

#[test]
fn nesting_of_ten_thousand_levels_is_skipped_and_never_parsed() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let text = format!(
        r#"{{"deep": {deep}, "items": [{{"id": "a"}}, {{"id": "b", "tags": {deep}}}, {{"id": "c", "x": {deep}}}, {{"id": "d"}}]}}"#
    );
    both_ways(&text, |mut json, notes| {
        // What nobody asked for may nest as it likes; what is parsed costs its element.
        assert_eq!(items(&mut json).unwrap(), ["0:a:None:0", "2:c:None:0", "3:d:None:0"]);
        assert!(pointers(notes).iter().all(|note| note.contains("recursion limit")));
    });
    both_ways(&text, |mut json, _| assert!(json.parse::<serde_json::Value>().is_err()));
}

#[test]
fn control_characters_lone_surrogates_and_trailing_commas_are_read_over() {
    both_ways("{\"items\": [{\"id\": \"a\tb\"}, {\"id\": \"\\ud800\"}], }", |mut json, notes| {
        assert_eq!(items(&mut json).unwrap(), ["0:a b:None:0", "1:\u{fffd}:None:0"]);
        let noted = pointers(notes);
        assert_eq!(noted.len(), 3, "{noted:?}");
        assert!(!notes.entries_lost());
    });
}

#[test]
fn text_that_breaks_off_anywhere_is_malformed_and_never_a_panic() {
    let text = r#"{"items": [{"id": "a", "line": 12, "tags": ["é"]}], "n": 1.5e3, "s": "x"}"#;
    for cut in (1..text.len()).filter(|cut| text.is_char_boundary(*cut)) {
        both_ways(&text[..cut], |mut json, _| match items(&mut json) {
            Err(Failure::Malformed(_)) => {}
            other => panic!("cut at {cut}: {other:?}"),
        });
    }
}

#[test]
fn empty_files_and_other_files_are_named() {
    let open = |bytes: &[u8]| Artifact::in_memory("a/b", bytes).json().map(drop).unwrap_err();
    assert_eq!(open(b" \n"), Failure::malformed("empty"));
    assert_eq!(open(b""), Failure::malformed("empty"));
    assert!(matches!(open(b"\xef\xbb\xbf<!DOCTYPE html>"), Failure::Malformed(why) if why.contains("HTML")));
    assert_eq!(open(&[0x1f, 0x8b, 8]), Failure::unsupported("gzip"));
}

#[test]
fn values_one_after_the_other_are_read_over_lines_and_log_text() {
    let text = "starting up\n{\"id\": 1}\n{\n  \"id\": 2\n}{\"id\": 3}\n\n{\"id\": \"cut";
    both_ways(text, |mut json, notes| {
        let mut ids = Vec::new();
        json.values(|_, value| {
            ids.extend(value.parse::<Item>()?.map(|item| item.id.0));
            Ok(())
        })
        .unwrap();
        assert_eq!(ids, ["1", "2", "3"]);
        let noted = pointers(notes);
        assert!(noted.len() == 2 && noted[1].contains("breaks off") && notes.entries_lost(), "{noted:?}");
    });
    both_ways("{\"id\": 1}", |mut json, _| {
        assert_eq!(json.values(|_, _| Err(Failure::other("mine"))), Err(Failure::other("mine")));
    });
}

#[test]
fn a_window_reads_what_a_buffer_reads() {
    let many: Vec<String> =
        (0..60_000).map(|n| format!(r#"{{"id": "é-{n}", "line": {n}, "tags": ["x", "y"]}}"#)).collect();
    let huge = "z".repeat(3 * 1024 * 1024);
    let text = format!(r#"{{"huge": "{huge}", "items": [{}], "huge2": "{huge}", "last": 12}}"#, many.join(",\n"));
    both_ways(&text, |mut json, notes| {
        assert_eq!(items(&mut json).unwrap().len(), 60_000);
        let mut seen = Vec::new();
        json.members(|name, member| {
            match name {
                "huge2" => seen.push(member.parse::<String>()?.map_or(0, |text| text.len())),
                "last" => seen.push(member.parse::<usize>()?.unwrap_or_default()),
                _ => {}
            }
            Ok(())
        })
        .unwrap();
        assert_eq!((seen, notes.take().len()), (vec![huge.len(), 12], 0));
    });
}

#[test]
fn a_whole_document_is_parsed_and_a_misfit_says_why() {
    both_ways(r#"{"id": "a", "tags": null}"#, |mut json, _| assert_eq!(&*json.parse::<Item>().unwrap().id, "a"));
    both_ways("[1, 2", |mut json, _| assert!(matches!(json.parse::<Vec<u8>>(), Err(Failure::Malformed(_)))));
    both_ways(r#"{"id": {}}"#, |mut json, _| {
        assert!(matches!(json.parse::<Item>(), Err(Failure::Malformed(why)) if why.contains("invalid type: map")));
    });
    both_ways("[{\"id\": 1}, 2]", |mut json, _| {
        let mut count = 0;
        json.each::<Item>(|_, _| {
            count += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!(count, 1);
    });
}
