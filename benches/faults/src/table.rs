//! The table: one row per fault, as text and as markdown.

use std::time::Duration;

use crate::outcome::Outcome;
use crate::progress::Stall;

const HEAD: [&str; 8] = [
    "fault",
    "records",
    "servers unavailable, s",
    "verified after, s",
    "none moved, s",
    "worst partition, s",
    "lost",
    "doubled",
];

/// The result of a fault.
#[derive(Debug)]
pub(crate) struct Row {
    title: String,
    records: u64,
    downtime: Option<Duration>,
    took: Duration,
    stall: Stall,
    lost: u64,
    doubled: u64,
    is_correct: bool,
    note: String,
}

impl Row {
    pub(crate) fn new(title: String) -> Self {
        Self {
            title,
            records: 0,
            downtime: None,
            took: Duration::ZERO,
            stall: Stall::default(),
            lost: 0,
            doubled: 0,
            is_correct: true,
            note: String::new(),
        }
    }

    /// Adds a round. The row reports the worst of all rounds.
    pub(crate) fn add(&mut self, outcome: &Outcome, records: u64, took: Duration) {
        self.records += records;
        self.took = self.took.max(took);
        self.lost = self.lost.max(outcome.lost);
        self.doubled = self.doubled.max(outcome.doubled);
        self.is_correct &= outcome.is_correct();
    }

    pub(crate) fn set_note(&mut self, note: String, downtime: Option<Duration>, stall: Stall) {
        self.downtime = self.downtime.max(downtime);
        self.stall.all = self.stall.all.max(stall.all);
        self.stall.worst = self.stall.worst.max(stall.worst);
        self.note = note;
    }

    fn cells(&self) -> [String; 8] {
        let seconds = |duration: Duration| format!("{:.1}", duration.as_secs_f64());
        [
            self.title.clone(),
            self.records.to_string(),
            self.downtime.map_or_else(|| "-".to_owned(), seconds),
            seconds(self.took),
            seconds(self.stall.all),
            seconds(self.stall.worst),
            self.lost.to_string(),
            self.doubled.to_string(),
        ]
    }

    /// The row as one line.
    pub(crate) fn line(&self) -> String {
        let named = HEAD.iter().zip(self.cells()).skip(1);
        let cells: Vec<String> = named.map(|(head, cell)| format!("{head} {cell}")).collect();
        let verdict = if self.is_correct { "correct" } else { "WRONG" };
        format!(
            "{verdict}: {}: {}{}",
            self.title,
            cells.join(", "),
            self.note_suffix()
        )
    }

    fn note_suffix(&self) -> String {
        match self.note.is_empty() {
            true => String::new(),
            false => format!(" ({})", self.note),
        }
    }
}

/// All rows.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
}

impl Table {
    /// Whether every hour matched after every fault.
    pub(crate) fn is_correct(&self) -> bool {
        self.rows.iter().all(|row| row.is_correct)
    }

    /// The table for a terminal.
    pub(crate) fn text(&self) -> String {
        let head = HEAD.map(str::to_owned);
        let lines: Vec<[String; 8]> = std::iter::once(head)
            .chain(self.rows.iter().map(Row::cells))
            .collect();
        let width = |column: usize| lines.iter().map(|l| l[column].chars().count()).max();
        let widths: Vec<usize> = (0..HEAD.len()).map(|c| width(c).unwrap_or(0)).collect();
        let mut text = String::new();
        for line in &lines {
            let (title, rest) = (&line[0], &line[1..]);
            text.push_str(&format!("{title:<0$}", widths[0]));
            for (cell, width) in rest.iter().zip(&widths[1..]) {
                text.push_str(&format!("  {cell:>width$}"));
            }
            text.push('\n');
        }
        text.push_str(&self.notes("  "));
        text
    }

    /// The table for the documentation.
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut text = line(&HEAD.map(str::to_owned));
        text.push_str("| --- |");
        text.push_str(&" ---: |".repeat(HEAD.len() - 1));
        text.push('\n');
        for row in &self.rows {
            text.push_str(&line(&row.cells()));
        }
        let notes = self.notes("- ");
        if !notes.is_empty() {
            text.push('\n');
            text.push_str(&notes);
        }
        text
    }

    fn notes(&self, mark: &str) -> String {
        let noted = self.rows.iter().filter(|row| !row.note.is_empty());
        noted
            .map(|row| format!("{mark}{}: {}\n", row.title, row.note))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(lost: u64, doubled: u64) -> Outcome {
        Outcome {
            records: 100,
            lost,
            doubled,
            differences: Vec::new(),
        }
    }

    #[test]
    fn reports_worst_of_all_rounds() {
        let mut row = Row::new("SIGKILL".to_owned());
        let stall = |ms| Stall {
            all: Duration::from_millis(ms),
            worst: Duration::from_millis(2 * ms),
        };
        for (lost, doubled, ms) in [(0, 0, 400), (2, 0, 900), (1, 3, 100)] {
            row.add(&outcome(lost, doubled), 100, Duration::from_millis(10 * ms));
            row.set_note(String::new(), None, stall(ms));
        }
        let table = Table { rows: vec![row] };
        let expected = "| SIGKILL | 300 | - | 9.0 | 0.9 | 1.8 | 2 | 3 |\n";
        assert!(table.markdown().ends_with(expected), "{}", table.markdown());
        assert!(
            table.text().contains("SIGKILL      300"),
            "{}",
            table.text()
        );
    }
}
