//! Numbers in reports and texts.

/// The number of decimals of a report.
const PLACES: f64 = 1e9;

/// Rounds to nine decimals; a negative zero becomes zero, and what is not finite 0.
pub(crate) fn rounded(value: f64) -> f64 {
    if !value.is_finite() {
        return 0.0;
    }
    let rounded = (value * PLACES).round() / PLACES;
    // Beyond 2^53 / PLACES the product has no fraction, and may overflow.
    let rounded = if rounded.is_finite() { rounded } else { value };
    rounded + 0.0
}

/// A difference for a text, with its sign and this number of decimals; what rounds to zero has none.
pub(crate) fn signed(value: f64, decimals: usize) -> String {
    let text = format!("{value:+.decimals$}");
    let is_zero = text.chars().all(|c| !matches!(c, '1'..='9'));
    if is_zero { text[1..].to_owned() } else { text }
}

/// A p-value for a text, such as `p = 0.031` or `p < 0.001`.
pub(crate) fn p_text(p_value: f64) -> String {
    if p_value < 0.001 {
        return "p < 0.001".to_owned();
    }
    format!("p = {p_value:.3}")
}

/// A list in a sentence: `a`, `a and b`, `a, b and c`.
pub(crate) fn joined(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_to_finite_numbers_without_negative_zero() {
        let cases = [
            (0.123_456_789_4, 0.123_456_789),
            (-1e-12, 0.0),
            (f64::NAN, 0.0),
            (f64::INFINITY, 0.0),
            (1e300, 1e300),
        ];
        for (value, expected) in cases {
            let found = rounded(value);
            assert_eq!(found.to_bits(), f64::to_bits(expected), "{value}");
        }
    }

    #[test]
    fn signs_differences_but_not_zero() {
        let cases = [
            (0.123, "+0.12"),
            (-0.125, "-0.12"),
            (-0.001, "0.00"),
            (0.0, "0.00"),
        ];
        for (value, expected) in cases {
            assert_eq!(signed(value, 2), expected, "{value}");
        }
    }

    #[test]
    fn joins_names_with_and() {
        let cases: [(&[&str], &str); 4] = [
            (&[], ""),
            (&["a"], "a"),
            (&["a", "b"], "a and b"),
            (&["a", "b", "c"], "a, b and c"),
        ];
        for (names, expected) in cases {
            assert_eq!(joined(names), expected);
        }
    }
}
