//! Labelled texts: tab-separated, with the header `id label text`.
//!
//! An id may name the topic that its label is toward, as `id|topic`. What the labels mean is said by
//! the file's name (`…3class`, `…5class`, `…real`) or by the caller.

use super::Scale;

/// What the numbers of a file mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels {
    /// Classes, 0 to 2 or 0 to 4.
    Classes(Scale),
    /// Means of VADER's raters, -4 to 4: up to -2, up to -0.5, below 0.5, below 2, and above.
    Raters,
}

impl Labels {
    /// By the name of a file.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let has = |part: &str| name.contains(part);
        if has("3class") || has("2class") {
            return Some(Self::Classes(Scale::Three));
        }
        if has("5class") || has("5point") {
            return Some(Self::Classes(Scale::Five));
        }
        (has("vader") && has("real")).then_some(Self::Raters)
    }

    /// The scale of the labels.
    #[must_use]
    pub fn scale(self) -> Scale {
        match self {
            Self::Classes(scale) => scale,
            Self::Raters => Scale::Five,
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

/// One labelled text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Labelled<'a> {
    /// Its id, without a topic.
    pub id: &'a str,
    /// The topic that the label is toward.
    pub topic: Option<&'a str>,
    /// The number that the file has.
    pub number: f64,
    /// The label on the file's scale.
    pub label: usize,
    /// The text.
    pub text: &'a str,
}

/// What a labelled file can be wrong in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// It has no header.
    #[error("line 1: expected the header id, label, text, with tabs between")]
    Header,
    /// A line is not of the form.
    #[error("line {line}: expected id, label and text with tabs between, and a label of the scale")]
    Line {
        /// Its number, from 1.
        line: usize,
    },
}

/// Reads a file of labelled texts.
///
/// # Errors
/// At the first line that is not of the form.
pub fn read_labelled(file: &str, labels: Labels) -> Result<Vec<Labelled<'_>>, LabelError> {
    let mut lines = file.lines();
    if lines.next() != Some("id\tlabel\ttext") {
        return Err(LabelError::Header);
    }
    let numbered = lines.zip(2..);
    numbered
        .map(|(text, line)| read_line(text, labels).ok_or(LabelError::Line { line }))
        .collect()
}

fn read_line(line: &str, labels: Labels) -> Option<Labelled<'_>> {
    let (id, rest) = line.split_once('\t')?;
    let (number, text) = rest.split_once('\t')?;
    let number: f64 = number.parse().ok()?;
    let (id, topic) = match id.split_once('|') {
        // After the bar of some ids stands a number: no topic, but a finer label.
        Some((id, topic)) if topic.parse::<f64>().is_err() => (id, Some(topic)),
        Some((id, _)) => (id, None),
        None => (id, None),
    };
    let label = labels.label(number)?;
    Some(Labelled {
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
    fn lines_are_read_with_their_topics() {
        let five = Labels::Classes(Scale::Five);
        let file = "id\tlabel\ttext\n1|a b\t4\tgood\n2|-3\t0\tbad\n3\t2\tso\tso";
        let read = read_labelled(file, five).unwrap();
        assert_eq!(read[0].topic, Some("a b"));
        assert_eq!((read[1].topic, read[1].label), (None, 0));
        assert_eq!(read[2].text, "so\tso");
        let cases = [
            ("", LabelError::Header),
            ("id\tlabel\ttext\n1\t5\tx", LabelError::Line { line: 2 }),
            (
                "id\tlabel\ttext\n1\t1\tx\n2\t1",
                LabelError::Line { line: 3 },
            ),
            ("id\tlabel\ttext\n1\t1.5\tx", LabelError::Line { line: 2 }),
            ("id\tlabel\ttext\n1\tNaN\tx", LabelError::Line { line: 2 }),
        ];
        for (file, error) in cases {
            assert_eq!(read_labelled(file, five), Err(error), "{file:?}");
        }
    }

    #[test]
    fn a_name_says_what_labels_mean() {
        assert_eq!(
            Labels::by_name("dev/ALL_3class.tsv"),
            Some(Labels::Classes(Scale::Three))
        );
        assert_eq!(
            Labels::by_name("x_5point.tsv"),
            Some(Labels::Classes(Scale::Five))
        );
        assert_eq!(Labels::by_name("vader_x_real.tsv"), Some(Labels::Raters));
        assert_eq!(Labels::by_name("posts.tsv"), None);
        let labels: Vec<_> = [-4.0, -2.0, -1.0, 0.0, 0.5, 2.0]
            .map(|n| Labels::Raters.label(n))
            .into();
        assert_eq!(labels, [0, 0, 1, 2, 3, 4].map(Some));
    }
}
