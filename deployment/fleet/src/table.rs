//! Plain tables without borders.

use comfy_table::{CellAlignment, Table};

/// Returns an empty table with these columns, two spaces apart.
pub(crate) fn with_columns(columns: &[(&str, CellAlignment)]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(columns.iter().map(|(name, _)| *name));
    for (column, (_, alignment)) in table.column_iter_mut().zip(columns) {
        column.set_padding((0, 2));
        column.set_cell_alignment(*alignment);
    }
    table
}
