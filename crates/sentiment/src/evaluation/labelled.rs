//! Files of labelled texts: tab-separated, with the header `id label text`.
//!
//! An id may include the topic of its label, as `id|topic`. The meaning of the labels follows from the
//! file name (`…3class`, `…5class`, `…real`) or is given by the caller.

use super::LabelScale;

/// The meaning of a file's labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelKind {
    /// Classes, 0 to 2 or 0 to 4.
    Classes(LabelScale),
    /// Mean ratings of VADER's raters, -4 to 4. The class bounds are -2, -0.5, 0.5 and 2.
    Raters,
}

impl LabelKind {
    /// Derives the meaning from a file name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let has = |part: &str| name.contains(part);
        if has("3class") || has("2class") {
            return Some(Self::Classes(LabelScale::Three));
        }
        if has("5class") || has("5point") {
            return Some(Self::Classes(LabelScale::Five));
        }
        (has("vader") && has("real")).then_some(Self::Raters)
    }

    /// The scale of the labels.
    #[must_use]
    pub fn scale(self) -> LabelScale {
        match self {
            Self::Classes(scale) => scale,
            Self::Raters => LabelScale::Five,
        }
    }

    fn label(self, number: f64) -> Option<usize> {
        match self {
            Self::Classes(scale) => {
                let whole = number >= 0.0 && number.fract() == 0.0;
                (whole && number < scale.labels() as f64).then_some(number as usize)
            }
            Self::Raters if !(-4.0..=4.0).contains(&number) => None,
            Self::Raters => Some(match number {
                n if n <= -2.0 => 0,
                n if n <= -0.5 => 1,
                n if n < 0.5 => 2,
                n if n < 2.0 => 3,
                _ => 4,
            }),
        }
    }
}

/// A labelled text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelledText<'a> {
    /// Its id, without a topic.
    pub id: &'a str,
    /// The topic of the label, if any.
    pub topic: Option<&'a str>,
    /// The number in the file.
    pub number: f64,
    /// The label on the file's scale.
    pub label: usize,
    /// The text.
    pub text: &'a str,
}

/// The reason why a labelled file is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// The header is missing.
    #[error("line 1: expected the tab-separated header id, label, text")]
    Header,
    /// A line is invalid.
    #[error("line {line}: expected tab-separated id, label and text, with a label of the scale")]
    Line {
        /// The line number, from 1.
        line: usize,
        /// The problem.
        #[source]
        source: LineError,
    },
}

/// The reason why a line has no labelled text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The line is not UTF-8.
    #[error("the line is not UTF-8 from byte {0}")]
    NotUtf8(usize),
    /// Fewer than three fields.
    #[error("expected three tab-separated fields: id, label and text")]
    Fields,
    /// The label is not a number, or not one of the scale.
    #[error("the label \"{0}\" is not on the scale")]
    Label(String),
}

/// A line of a file with its number, from 1.
pub type LabelledLine<'a> = (usize, &'a [u8], Result<LabelledText<'a>, LineError>);

/// Parses a file of labelled texts, each line for itself. Blank lines are skipped; a byte order mark
/// and carriage returns at line ends are not part of a field.
///
/// # Errors
/// [`LabelError::Header`].
pub fn labelled_lines(
    file: &[u8],
    labels: LabelKind,
) -> Result<impl Iterator<Item = LabelledLine<'_>>, LabelError> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut lines = file.split(|b| *b == b'\n');
    let header = lines.next().map(strip_return);
    if header != Some(b"id\tlabel\ttext") {
        return Err(LabelError::Header);
    }
    let numbered = lines.map(strip_return).zip(2..);
    let filled = numbered.filter(|(line, _)| !line.is_empty());
    Ok(filled.map(move |(line, number)| (number, line, parse_line(line, labels))))
}

fn strip_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Parses a file of labelled texts.
///
/// # Errors
/// [`LabelError`] for the first invalid line.
pub fn parse_labelled(file: &str, labels: LabelKind) -> Result<Vec<LabelledText<'_>>, LabelError> {
    let lines = labelled_lines(file.as_bytes(), labels)?;
    lines
        .map(|(line, _, text)| text.map_err(|source| LabelError::Line { line, source }))
        .collect()
}

fn parse_line(line: &[u8], labels: LabelKind) -> Result<LabelledText<'_>, LineError> {
    let line = std::str::from_utf8(line).map_err(|e| LineError::NotUtf8(e.valid_up_to()))?;
    let (id, rest) = line.split_once('\t').ok_or(LineError::Fields)?;
    let (given, text) = rest.split_once('\t').ok_or(LineError::Fields)?;
    let invalid = || LineError::Label(given.chars().take(64).collect());
    let number: f64 = given.parse().map_err(|_| invalid())?;
    let label = labels.label(number).ok_or_else(invalid)?;
    let (id, topic) = match id.split_once('|') {
        // Some ids have a number after the bar: a finer label instead of a topic.
        Some((id, topic)) if topic.parse::<f64>().is_err() => (id, Some(topic)),
        Some((id, _)) => (id, None),
        None => (id, None),
    };
    Ok(LabelledText {
        id,
        topic,
        number,
        label,
        text,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn parses_lines_with_topics() {
        let five = LabelKind::Classes(LabelScale::Five);
        let file = "id\tlabel\ttext\n1|a b\t4\tgood\n2|-3\t0\tbad\n3\t2\tso\tso";
        let read = parse_labelled(file, five).unwrap();
        assert_eq!(read[0].topic, Some("a b"));
        assert_eq!((read[1].topic, read[1].label), (None, 0));
        assert_eq!(read[2].text, "so\tso");
        let invalid = |line, source| LabelError::Line { line, source };
        let label = |text: &str| LineError::Label(text.to_owned());
        let cases = [
            ("", LabelError::Header),
            ("id\tlabel\ttext\n1\t5\tx", invalid(2, label("5"))),
            (
                "id\tlabel\ttext\n1\t1\tx\n\n2\t1",
                invalid(4, LineError::Fields),
            ),
            ("id\tlabel\ttext\n1\t1.5\tx", invalid(2, label("1.5"))),
            ("id\tlabel\ttext\n1\tNaN\tx", invalid(2, label("NaN"))),
        ];
        for (file, error) in cases {
            assert_eq!(parse_labelled(file, five), Err(error), "{file:?}");
        }
    }

    #[test]
    fn accepts_byte_order_mark_and_carriage_returns() {
        let five = LabelKind::Classes(LabelScale::Five);
        let file = "\u{feff}id\tlabel\ttext\r\n1\t4\tgood\r\n";
        let read = parse_labelled(file, five).unwrap();
        assert_eq!((read.len(), read[0].id, read[0].text), (1, "1", "good"));
    }

    #[test]
    fn parses_each_line_for_itself() {
        let five = LabelKind::Classes(LabelScale::Five);
        let file = b"\xef\xbb\xbfid\tlabel\ttext\r\n1\t4\tgood\r\n2\t9\tx\n3\t1\t\xff\n4\t0\tbad\n";
        let found: Vec<_> = labelled_lines(file, five)
            .unwrap()
            .map(|(line, _, text)| (line, text.map(|text| text.text)))
            .collect();
        let expected = [
            (2, Ok("good")),
            (3, Err(LineError::Label("9".to_owned()))),
            (4, Err(LineError::NotUtf8(4))),
            (5, Ok("bad")),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn derives_label_kind_from_file_name() {
        assert_eq!(
            LabelKind::by_name("dev/ALL_3class.tsv"),
            Some(LabelKind::Classes(LabelScale::Three))
        );
        assert_eq!(
            LabelKind::by_name("x_5point.tsv"),
            Some(LabelKind::Classes(LabelScale::Five))
        );
        assert_eq!(
            LabelKind::by_name("vader_x_real.tsv"),
            Some(LabelKind::Raters)
        );
        assert_eq!(LabelKind::by_name("posts.tsv"), None);
        let labels: Vec<_> = [-4.0, -2.0, -1.0, 0.0, 0.5, 2.0]
            .map(|n| LabelKind::Raters.label(n))
            .into();
        assert_eq!(labels, [0, 0, 1, 2, 3, 4].map(Some));
    }
}
