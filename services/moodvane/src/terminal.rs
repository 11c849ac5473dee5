//! Hours for a terminal: a table with a bar for the feeling, and sparklines.
//!
//! Guarantee: no line is wider than the requested width, down to [`MIN_WIDTH`]; without a terminal
//! the crate console prints no colours.

use std::fmt::Write;

use console::style;

/// The narrowest table.
const MIN_WIDTH: usize = 48;
const MAX_BAR_WIDTH: usize = 24;
const MAX_FEELING: f64 = 4.0;
const SPARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Partial cells of a bar, from one eighth to seven.
const PARTIAL_CELLS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];
/// The width of the columns beside the bar.
const FIXED_WIDTH: usize = 16 + 2 + 4 + 1 + 1 + 11 + 1 + 8;

/// An hour of the table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// As the server returns it, RFC 3339.
    pub(crate) hour: String,
    pub(crate) posts: u64,
    pub(crate) feeling: Option<f64>,
    pub(crate) weather: Option<f64>,
}

/// Renders table and sparklines; `variable` is the name and the unit of the weather variable.
pub(crate) fn render(rows: &[Row], variable: (&str, &str), width: usize) -> String {
    if rows.is_empty() {
        return "No data for these hours.".to_owned();
    }
    let width = width.max(MIN_WIDTH);
    let mut text = String::new();
    let bar_width = (width - FIXED_WIDTH).min(MAX_BAR_WIDTH);
    let head = format!(
        "{:<16}  {:<fill$} {:>11} {:>8}",
        "hour",
        "feeling",
        format!("{}, {}", abbreviate(variable.0), variable.1),
        "posts",
        fill = 5 + bar_width
    );
    let _ = writeln!(text, "{}", style(head).dim());
    for row in rows {
        let _ = writeln!(text, "{}", line(row, bar_width));
    }
    let spark_width = width - 15;
    let series: [(&str, Vec<Option<f64>>); 2] = [
        ("feeling", rows.iter().map(|row| row.feeling).collect()),
        (variable.0, rows.iter().map(|row| row.weather).collect()),
    ];
    for (name, values) in series {
        let spark = sparkline(&values, spark_width);
        let _ = writeln!(text, "\n{name:<13}  {}", style(spark).cyan());
    }
    text
}

/// Abbreviates a name to fit its column.
fn abbreviate(name: &str) -> &str {
    match name {
        "temperature" => "temp",
        "precipitation" => "rain",
        other => other,
    }
}

fn line(row: &Row, bar_width: usize) -> String {
    let hour = row.hour.get(..16).unwrap_or(&row.hour).replace('T', " ");
    let number = |value: Option<f64>, digits| {
        value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
    };
    let filled = bar(row.feeling.unwrap_or(0.0) / MAX_FEELING, bar_width);
    let coloured = match row.feeling {
        Some(feeling) if feeling < 1.5 => style(filled).red(),
        Some(feeling) if feeling > 2.5 => style(filled).green(),
        _ => style(filled).yellow(),
    };
    format!(
        "{hour:<16}  {:>4} {coloured} {:>11} {:>8}",
        number(row.feeling, 2),
        number(row.weather, 1),
        row.posts
    )
}

/// A bar filled to `share`, rounded to an eighth of a cell.
fn bar(share: f64, width: usize) -> String {
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(PARTIAL_CELLS[eighths % 8 - 1]);
    }
    let cells = bar.chars().count();
    bar.extend(std::iter::repeat_n(' ', width - cells));
    bar
}

/// A sparkline scaled to the range of the values. Averages values that do not fit; absent values are
/// blank.
fn sparkline(values: &[Option<f64>], width: usize) -> String {
    let per_cell = values.len().div_ceil(width.max(1)).max(1);
    let cells: Vec<Option<f64>> = values.chunks(per_cell).map(mean).collect();
    let present = || cells.iter().flatten().copied();
    let min = present().fold(f64::INFINITY, f64::min);
    let max = present().fold(f64::NEG_INFINITY, f64::max);
    let spark = |value: f64| {
        let share = if max > min {
            (value - min) / (max - min)
        } else {
            0.5
        };
        SPARKS[(share * 7.0).round() as usize]
    };
    cells.iter().map(|cell| cell.map_or(' ', spark)).collect()
}

fn mean(values: &[Option<f64>]) -> Option<f64> {
    let present: Vec<f64> = values.iter().flatten().copied().collect();
    (!present.is_empty()).then(|| present.iter().sum::<f64>() / present.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_sparkline_to_range_of_values() {
        let cases: [(&[Option<f64>], usize, &str); 6] = [
            (&[Some(0.0), Some(7.0)], 10, "▁█"),
            (&[Some(-1.0), None, Some(0.0), Some(1.0)], 10, "▁ ▅█"),
            (&[Some(2.0), Some(2.0)], 10, "▅▅"),
            (&[Some(0.0), Some(2.0), Some(8.0), None], 2, "▁█"),
            (&[None], 10, " "),
            (&[], 10, ""),
        ];
        for (values, width, expected) in cases {
            assert_eq!(sparkline(values, width), expected, "{values:?}");
        }
    }

    #[test]
    fn rounds_bar_to_eighth_of_cell() {
        let cases = [
            (0.0, "    "),
            (1.0, "████"),
            (0.5, "██  "),
            (0.53125, "██▏ "),
            (9.0, "████"),
        ];
        for (share, expected) in cases {
            assert_eq!(bar(share, 4), expected, "{share}");
        }
    }

    #[test]
    fn no_line_exceeds_width() {
        let row = |hour: u32, feeling| Row {
            hour: format!("2018-01-01T{hour:02}:00:00Z"),
            posts: 12_345,
            feeling,
            weather: Some(-12.34),
        };
        let rows: Vec<Row> = (0..24)
            .map(|hour| row(hour, Some(f64::from(hour) / 6.0)))
            .collect();
        for width in [MIN_WIDTH, 60, 80, 200] {
            let text = render(&rows, ("precipitation", "mm/h"), width);
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(width), "{widest:?} of {width}\n{text}");
        }
        let text = render(&[row(2, None)], ("temperature", "°C"), 80);
        assert!(text.contains("2018-01-01 02:00     –"), "{text}");
        assert_eq!(render(&[], ("wind", "m/s"), 80), "No data for these hours.");
    }
}
