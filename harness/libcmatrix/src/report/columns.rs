//! Rows in columns without lines, indented by one.

use std::fmt::Write;

use comfy_table::{ContentArrangement, Row, Table, presets};

/// Appends the rows, in `width` columns at most.
pub(super) fn table<R: Into<Row>>(
    out: &mut String,
    rows: impl IntoIterator<Item = R>,
    width: usize,
) {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width.saturating_sub(2)).unwrap_or(u16::MAX));
    for row in rows {
        table.add_row(row);
    }
    for line in table.to_string().lines() {
        let _ = writeln!(out, " {}", line.trim_end());
    }
}
