//! Colours, sizes and labels of figures.

use plotters::style::RGBColor;

use crate::report::{Bin, Lag};

/// Text and axes.
pub(super) const INK: RGBColor = RGBColor(0x1c, 0x25, 0x30);
/// Secondary text.
pub(super) const MUTED: RGBColor = RGBColor(0x5a, 0x64, 0x70);
/// Grid lines.
pub(super) const LINE: RGBColor = RGBColor(0xe5, 0xe0, 0xd6);
/// Estimates.
pub(super) const FEELING: RGBColor = RGBColor(0xb0, 0x4a, 0x28);
/// Hours of weather, and placebos.
pub(super) const WEATHER: RGBColor = RGBColor(0x2a, 0x67, 0x86);

/// The width of a figure in pixels.
pub(super) const WIDTH: u32 = 720;
/// The font size of labels. The backend divides it by 1.24 to get pixels.
pub(super) const TEXT_SIZE: u32 = 16;

/// Adds role, title and description, and a view box so that a page can scale the figure.
pub(super) fn accessible(svg: &str, title: &str, description: &str) -> String {
    let Some((_, rest)) = svg.split_once('>') else {
        return svg.to_owned();
    };
    let size = |name: &str| {
        let start = svg.split_once(&format!("{name}=\""))?.1;
        start.split_once('"').map(|(size, _)| size)
    };
    let (width, height) = (size("width").unwrap_or("1"), size("height").unwrap_or("1"));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>{}</title>\n<desc>{}</desc>{rest}",
        escaped(title),
        escaped(description),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A range of values, such as `15 to 20`, `below 0` or `from 30`.
pub(super) fn bin_label(low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("{low} to {high}"),
        (Some(low), None) => format!("from {low}"),
        (None, Some(high)) => format!("below {high}"),
        (None, None) => "any".to_owned(),
    }
}

/// The hours of the reference, such as `hours of 15 to 20 °C`.
pub(super) fn reference_label(bin: &Bin, unit: &str) -> String {
    match (bin.low, bin.high) {
        (Some(_), Some(_)) => format!("hours of {} {unit}", bin_label(bin.low, bin.high)),
        (Some(low), None) => format!("hours of at least {low} {unit}"),
        _ => format!("hours {} {unit}", bin_label(bin.low, bin.high)),
    }
}

/// The lower limits of the classes of precipitation with the World Meteorological Organization's names,
/// in mm/h.
const RAIN: [(f64, &str); 5] = [
    (0.0, "dry"),
    (0.1, "trace"),
    (0.2, "light"),
    (2.5, "moderate"),
    (10.0, "heavy"),
];

/// The classes of precipitation in a bin, such as `light, 0.2 to 2.5 mm/h`.
pub(super) fn rain_label(bin: &Bin) -> String {
    let (low, high) = (bin.low.unwrap_or(0.0), bin.high.unwrap_or(f64::MAX));
    let classes = RAIN.iter().filter(|(limit, _)| (low..high).contains(limit));
    let classes: Vec<&str> = classes.map(|(_, name)| *name).collect();
    let names = match classes.as_slice() {
        [first, .., last] => format!("{first} to {last}"),
        [one] => (*one).to_owned(),
        [] => "rain".to_owned(),
    };
    format!("{names}, {} mm/h", bin_label(bin.low, bin.high))
}

/// When the rain falls, such as `1 to 3 h before`.
pub(super) fn lag_label(lag: &Lag, is_future: bool) -> String {
    let side = if is_future { "later" } else { "before" };
    match (lag.first_hour, lag.last_hour) {
        (0, 0) => "the hour itself".to_owned(),
        (first, last) if first == last => format!("{first} h {side}"),
        (first, last) => format!("{first} to {last} h {side}"),
    }
}

/// The text with an upper-case first letter.
pub(super) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bin(low: Option<f64>, high: Option<f64>) -> Bin {
        Bin {
            low,
            high,
            is_reference: false,
            hours: 0,
            posts: 0,
            mean: 0.0,
            difference: None,
            band_low: None,
            band_high: None,
        }
    }

    #[test]
    fn labels_name_classes_and_ranges() {
        let rain = [
            (None, Some(0.1), "dry, below 0.1 mm/h"),
            (Some(0.1), Some(2.5), "trace to light, 0.1 to 2.5 mm/h"),
            (Some(2.5), Some(10.0), "moderate, 2.5 to 10 mm/h"),
            (Some(2.5), None, "moderate to heavy, from 2.5 mm/h"),
        ];
        for (low, high, expected) in rain {
            assert_eq!(rain_label(&bin(low, high)), expected);
        }
        let references = [
            (Some(15.0), Some(20.0), "hours of 15 to 20 °C"),
            (Some(20.0), None, "hours of at least 20 °C"),
            (None, Some(5.0), "hours below 5 °C"),
        ];
        for (low, high, expected) in references {
            assert_eq!(reference_label(&bin(low, high), "°C"), expected);
        }
    }

    #[test]
    fn text_of_a_figure_is_escaped() {
        let svg = "<svg width=\"10\" height=\"5\" xmlns=\"x\">\n<g/></svg>";
        let found = accessible(svg, "a < b", "c & d");
        assert!(found.contains("<title>a &lt; b</title>"), "{found}");
        assert!(found.contains("viewBox=\"0 0 10 5\""), "{found}");
        assert!(
            found.ends_with("<desc>c &amp; d</desc>\n<g/></svg>"),
            "{found}"
        );
    }
}
