//! Tables for people: columns under a head, numbers to the right.

use std::fmt;

/// A table. Cells are texts; those of a column that begins with `>` in the head stand to the right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this head and no rows.
    #[must_use]
    pub fn new(head: &[&str]) -> Self {
        Self {
            head: head.iter().map(|name| (*name).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; what it lacks stays empty.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn names(&self) -> Vec<String> {
        self.head
            .iter()
            .map(|name| name.trim_start_matches('>').to_owned())
            .collect()
    }

    fn line(&self, f: &mut fmt::Formatter<'_>, widths: &[usize], cells: &[String]) -> fmt::Result {
        let mut line = String::new();
        for ((name, width), column) in self.head.iter().zip(widths).zip(0..) {
            let cell = cells.get(column).map_or("", String::as_str);
            let padded = match name.starts_with('>') {
                true => format!("{cell:>width$}  "),
                false => format!("{cell:<width$}  "),
            };
            line.push_str(&padded);
        }
        writeln!(f, "{}", line.trim_end())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names();
        let width = |column: usize| {
            let cells = self
                .rows
                .iter()
                .chain([&names])
                .filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..names.len()).map(width).collect();
        self.line(f, &widths, &names)?;
        self.rows
            .iter()
            .try_for_each(|row| self.line(f, &widths, row))
    }
}
