//! Hours for a terminal: a table with a bar for the feeling, and sparklines.
//!
//! Guarantee: no line is wider than asked, down to [`LEAST_WIDTH`]; without a terminal there are no
//! colours (the crate console sees to that).

use std::fmt::Write;

use console::style;

/// Narrower than this nothing fits.
const LEAST_WIDTH: usize = 48;
const MOST_BAR: usize = 24;
const MOST_FEELING: f64 = 4.0;
const SPARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// A cell of a bar in eighths, from one to seven.
const PARTS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];
/// "2018-01-01 02:00" and what stands beside the bar.
const FIXED: usize = 16 + 2 + 4 + 1 + 1 + 11 + 1 + 8;

/// An hour of the table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// As the server tells it, RFC 3339.
    pub(crate) hour: String,
    pub(crate) posts: u64,
    pub(crate) feeling: Option<f64>,
    pub(crate) weather: Option<f64>,
}

/// Table and sparklines; `variable` is the name and the unit of what stands beside the feeling.
pub(crate) fn shown(rows: &[Row], variable: (&str, &str), width: usize) -> String {
    if rows.is_empty() {
        return "Nothing is known of these hours.".to_owned();
    }
    let width = width.max(LEAST_WIDTH);
    let mut text = String::new();
    let bar_width = (width - FIXED).min(MOST_BAR);
    let head = format!(
        "{:<16}  {:<fill$} {:>11} {:>8}",
        "hour",
        "feeling",
        format!("{}, {}", short(variable.0), variable.1),
        "posts",
        fill = 5 + bar_width
    );
    let _ = writeln!(text, "{}", style(head).dim());
    for row in rows {
        let _ = writeln!(text, "{}", line(row, bar_width));
    }
    let spark_width = width - 15;
    let sides: [(&str, Vec<Option<f64>>); 2] = [
        ("feeling", rows.iter().map(|row| row.feeling).collect()),
        (variable.0, rows.iter().map(|row| row.weather).collect()),
    ];
    for (name, values) in sides {
        let spark = sparkline(&values, spark_width);
        let _ = writeln!(text, "\n{name:<13}  {}", style(spark).cyan());
    }
    text
}

/// At most as long as its column leaves room for.
fn short(name: &str) -> &str {
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
    let filled = bar(row.feeling.unwrap_or(0.0) / MOST_FEELING, bar_width);
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

/// A bar of which this share is filled, to the eighth of a cell.
fn bar(share: f64, width: usize) -> String {
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(PARTS[eighths % 8 - 1]);
    }
    let cells = bar.chars().count();
    bar.extend(std::iter::repeat_n(' ', width - cells));
    bar
}

/// Values from their least to their greatest; more than fit are averaged, what is not known is
/// blank.
fn sparkline(values: &[Option<f64>], width: usize) -> String {
    let per_cell = values.len().div_ceil(width.max(1)).max(1);
    let cells: Vec<Option<f64>> = values.chunks(per_cell).map(mean).collect();
    let known = || cells.iter().flatten().copied();
    let least = known().fold(f64::INFINITY, f64::min);
    let most = known().fold(f64::NEG_INFINITY, f64::max);
    let spark = |value: f64| {
        let share = if most > least {
            (value - least) / (most - least)
        } else {
            0.5
        };
        SPARKS[(share * 7.0).round() as usize]
    };
    cells.iter().map(|cell| cell.map_or(' ', spark)).collect()
}

fn mean(values: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_goes_from_the_least_to_the_greatest() {
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
    fn a_bar_is_filled_to_the_eighth() {
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
    fn no_line_is_wider_than_asked() {
        let row = |hour: u32, feeling| Row {
            hour: format!("2018-01-01T{hour:02}:00:00Z"),
            posts: 12_345,
            feeling,
            weather: Some(-12.34),
        };
        let rows: Vec<Row> = (0..24)
            .map(|hour| row(hour, Some(f64::from(hour) / 6.0)))
            .collect();
        for width in [LEAST_WIDTH, 60, 80, 200] {
            let text = shown(&rows, ("precipitation", "mm/h"), width);
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(width), "{widest:?} of {width}\n{text}");
        }
        let text = shown(&[row(2, None)], ("temperature", "°C"), 80);
        assert!(text.contains("2018-01-01 02:00     –"), "{text}");
        assert_eq!(
            shown(&[], ("wind", "m/s"), 80),
            "Nothing is known of these hours."
        );
    }
}
