//! The list as a table.

use super::{Line, Standing};
use comfy_table::{Cell, Color, ContentArrangement, Table, presets};

pub fn table(lines: &[Line<'_>], in_terminal: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    if in_terminal {
        table.enforce_styling();
    } else {
        table.force_no_tty().set_width(160);
    }
    table.set_header(["id", "issue", "asks", "tests that passed"]);
    for line in lines {
        let (colour, none) = match line.standing {
            Standing::Proven => (Color::Green, ""),
            Standing::Missing => (Color::Red, "none"),
            Standing::Later => (Color::DarkGrey, "later"),
        };
        let tests = if line.tests.is_empty() { none.to_owned() } else { line.tests.join("\n") };
        table.add_row([
            Cell::new(line.id).fg(colour),
            Cell::new(line.issue),
            Cell::new(line.asks),
            Cell::new(tests).fg(colour),
        ]);
    }
    let count = |standing: Standing| lines.iter().filter(|line| line.standing == standing).count();
    format!(
        "{table}\n{} proven, {} missing, {} of later issues",
        count(Standing::Proven),
        count(Standing::Missing),
        count(Standing::Later)
    )
}
