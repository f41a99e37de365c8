use super::*;
use crate::report::hostile::TEXTS;

fn all() -> impl Iterator<Item = String> {
    let long = ["x".repeat(100_000), "`".repeat(5_000), "[".repeat(5_000), "> ".repeat(5_000), "* ".repeat(3_000)];
    TEXTS.iter().map(|text| (*text).to_owned()).chain(long)
}

/// What GitHub would make of Markdown: everything active in it, as words.
fn active(markdown: &str) -> Vec<String> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut found = Vec::new();
    let mut in_code = false;
    for event in TextMergeStream::new(Parser::new_ext(markdown, options)) {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                in_code = true;
                if let CodeBlockKind::Fenced(language) = kind
                    && !language.is_empty()
                {
                    found.push(format!("language {language}"));
                }
            }
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Html(html) | Event::InlineHtml(html) => found.push(format!("html {html}")),
            Event::Start(Tag::Image { dest_url, .. }) => found.push(format!("image {dest_url}")),
            Event::Start(Tag::Link { dest_url, .. }) if !dest_url.starts_with("https://osv.dev/") => {
                found.push(format!("link {dest_url}"))
            }
            Event::Text(text) if !in_code => {
                found.extend(text.split_whitespace().filter(|word| is_active(word)).map(|word| format!("word {word}")))
            }
            _ => {}
        }
    }
    if markdown.chars().any(is_invisible) || markdown.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        found.push("an invisible character".to_owned());
    }
    found
}

#[test]
fn nothing_in_plain_text_becomes_active() {
    for hostile in all() {
        for escaped in [text(&hostile), code(&hostile)] {
            assert_eq!(active(&escaped), Vec::<String>::new(), "{escaped}");
            assert!(!escaped.contains('\n'));
            assert!(escaped.len() < 8_000);
        }
    }
}

#[test]
fn plain_text_is_one_paragraph_of_text_and_code() {
    for hostile in all() {
        let escaped = text(&hostile);
        let other = Parser::new_ext(&escaped, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).find(|event| {
            !matches!(
                event,
                Event::Text(_) | Event::Code(_) | Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph)
            )
        });
        assert_eq!(other, None, "{escaped}");
    }
}

#[test]
fn a_cell_stays_one_cell() {
    for hostile in all() {
        for cell in [cell(&hostile), code_cell(&hostile)] {
            let table = format!("| a | b |\n|---|---|\n| {cell} | end |\n");
            let cells = Parser::new_ext(&table, Options::ENABLE_TABLES)
                .filter(|event| matches!(event, Event::Start(Tag::TableCell)))
                .count();
            assert_eq!(cells, 4, "{table}");
            assert!(table.contains("| end |"));
            assert_eq!(active(&table), Vec::<String>::new(), "{table}");
        }
    }
}

#[test]
fn nothing_in_a_plugins_markdown_becomes_active() {
    for hostile in all() {
        let safe = markdown(&hostile);
        assert_eq!(active(&safe), Vec::<String>::new(), "{hostile:?} became {safe:?}");
        assert_eq!(active(&markdown(&safe)), Vec::<String>::new());
    }
}

#[test]
fn a_plugins_markdown_keeps_its_shape() {
    let summary = "# Result\n\nSee [the guide](https://osv.dev/guide), [this one](https://example.org) and **this**:\n\n| id | why |\n|---|---|\n| `a` | b |\n\n- one\n- two\n\n```rust\nlet x = \"<b>\";\n```\n";
    insta::assert_snapshot!(markdown(summary), @r#"
    ##### Result

    See [the guide](https://osv.dev/guide), this one and **this**:

    |id|why|
    |--|---|
    |`a`|b|

    * one
    * two

    ````
    let x = "<b>";
    ````
    "#);
}

#[test]
fn ordinary_words_stay_as_they_are() {
    let words =
        "lodash@4.17.20 or ui@2.0.0-rc.1 is below 4.17.21; pkg:npm/%40corp/ui uses 2024-12345 and CVE-2024-3094 (100%)";
    assert_eq!(text(words), words);
    assert_eq!(code("a`b``c"), "```a`b``c```");
    assert_eq!(code("`a`"), "`` `a` ``");
    assert_eq!(plain("a\tb\u{1b}[0m\n c"), "a b [0m c");
}

/// Pieces that mean something to Markdown or GitHub, thrown together by a fixed sequence of numbers.
fn thrown_together(seed: u64) -> String {
    const PIECES: &[&str] = &[
        "@octocat",
        "@",
        "octocat",
        "#1",
        "#",
        "1",
        "GH-",
        "`",
        "``",
        "```\n",
        "~~~\n",
        "<!--",
        "-->",
        "<b",
        ">",
        "<a href=x>",
        "![",
        "[",
        "]",
        "](",
        "(https://a.example)",
        "http://b.example",
        ")",
        "|",
        "\\",
        "\n",
        "\n\n",
        " ",
        "    ",
        "> ",
        "- ",
        "1. ",
        "*",
        "**",
        "_",
        "~~",
        "&#64;",
        "&lt;",
        "0123abcdef",
        "www.",
        "|---|\n",
        "\u{202e}",
        "\u{200b}",
        "\r",
        "$",
        "[r]: x\n",
        "ü",
        "\t",
        "# ",
        "===\n",
    ];
    let mut state = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let mut next = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    (0..4 + next(24)).map(|_| PIECES[next(PIECES.len())]).collect()
}

#[test]
fn nothing_thrown_together_becomes_active() {
    let mut shown_as_code = 0;
    for seed in 0..5_000 {
        let hostile = thrown_together(seed);
        let markdown = markdown(&hostile);
        shown_as_code += usize::from(markdown == fenced(&visible(&hostile)));
        for safe in [text(&hostile), code(&hostile), markdown] {
            assert_eq!(active(&safe), Vec::<String>::new(), "seed {seed}: {hostile:?} became {safe:?}");
        }
        let table = format!("| a | b | c |\n|---|---|---|\n| {} | {} | end |\n", cell(&hostile), code_cell(&hostile));
        let cells = Parser::new_ext(&table, Options::ENABLE_TABLES)
            .filter(|event| matches!(event, Event::Start(Tag::TableCell)));
        assert_eq!(cells.count(), 6, "seed {seed}: {hostile:?} became {table:?}");
        assert!(table.ends_with(" | end |\n"));
        assert_eq!(active(&table), Vec::<String>::new(), "seed {seed}: {hostile:?} became {table:?}");
    }
    // Rare, or the filter itself has a hole.
    assert!(shown_as_code < 50, "{shown_as_code}");
}
