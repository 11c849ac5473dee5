//! The weights file: encoding, decoding and validation.
//!
//! The file starts with a text header of `key value…` lines, terminated by an empty line, and continues
//! with two tables of numbers. The last line of the header is a checksum of the rest of the file.
//!
//! Guarantee: decoded weights are complete and were trained for the features of this code; otherwise
//! decoding fails with a [`WeightsError`].

use std::borrow::Cow;
use std::fmt::Write as _;

use moodvane_model::Calibration;
use xxhash_rust::xxh3::Xxh3;

use super::decision::RuleParameters;
use super::features::{FEATURES_VERSION, TemplateSet};
use super::words::{VADER, VADER_EMOJI};
use crate::lexicon::data::{AFINN, AFINN_EMOTICONS, OWN};

/// The first word of a weights file.
const MAGIC: &str = "moodvane-sentiment";
/// The version of the file format.
const VERSION: u32 = 1;
/// The table of weights has 2^8 to 2^22 rows.
const BITS: std::ops::RangeInclusive<u32> = 8..=22;
/// The size of a row in bytes: one per step.
pub(crate) const ROW: usize = 4;
/// The maximum size of the header in bytes.
const MAX_HEADER: usize = 16_384;
/// The maximum number of cells of the word table.
const MAX_WORD_CELLS: usize = 1 << 20;
/// The maximum size of a weights file in bytes: header, rows and word table at their limits.
pub const MAX_WEIGHTS_BYTES: u64 = (MAX_HEADER + (ROW << *BITS.end()) + 4 * MAX_WORD_CELLS) as u64;

/// The reason why a weights file is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    /// Not a weights file.
    #[error("not a weights file: expected a file that starts with \"{MAGIC}\"")]
    NotWeights,
    /// Unsupported version of the file format.
    #[error("unsupported weights version {0}: expected version {VERSION}")]
    Version(String),
    /// A line of the header is missing or invalid.
    #[error("damaged weights: header line \"{0}\" is missing or invalid")]
    Header(&'static str),
    /// The size of the tables does not match the header.
    #[error("damaged weights: {actual} bytes follow the header, expected {expected}")]
    Length {
        /// According to the header.
        expected: usize,
        /// In the file.
        actual: usize,
    },
    /// The checksum does not match.
    #[error("damaged weights: checksum {actual:016x}, expected {expected:016x}")]
    Checksum {
        /// According to the header.
        expected: u64,
        /// Of the file.
        actual: u64,
    },
    /// The weights were trained for other features than those of this code.
    #[error(
        "weights are for features {actual:016x}, expected {expected:016x}: retrain the weights"
    )]
    Features {
        /// Fingerprint of the features of this code.
        expected: u64,
        /// Fingerprint according to the header.
        actual: u64,
    },
}

/// The header of a weights file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WeightsHeader {
    /// The feature templates.
    pub templates: TemplateSet,
    /// The table of weights has 2^bits rows.
    pub bits: u32,
    /// The number of cells of the word table, a power of two.
    pub word_cells: usize,
    /// The value of one unit of each column, in 2^-20 logits.
    pub scale: [i64; 4],
    /// The logits of a text without features, in units of 1/4096.
    pub bias: [i64; 4],
    /// The parameters of the decision rules.
    pub rules: RuleParameters,
    /// Hash of the training files.
    pub training: u64,
    /// The calibration of the values on held-out training texts, if it was measured.
    pub calibration: Option<Calibration>,
    /// Measures on the development files: file, measure, value.
    pub dev: Vec<(String, String, String)>,
}

/// Validated weights.
#[derive(Debug, Clone)]
pub struct Weights {
    header: WeightsHeader,
    checksum: u64,
    bytes: Cow<'static, [u8]>,
    table: usize,
}

/// Hash of everything that the features depend on besides the text: the data files, the templates and the
/// version of the feature rules.
#[must_use]
pub fn feature_fingerprint(templates: TemplateSet) -> u64 {
    let mut hash = Xxh3::new();
    for file in [AFINN, AFINN_EMOTICONS, OWN, VADER, VADER_EMOJI] {
        hash.update(file.as_bytes());
        hash.update(&[0]);
    }
    hash.update(&FEATURES_VERSION.to_le_bytes());
    hash.update(&templates.0.to_le_bytes());
    hash.digest()
}

impl Weights {
    /// Decodes and validates a weights file.
    ///
    /// # Errors
    /// [`WeightsError`] if the file is invalid.
    pub fn read(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self, WeightsError> {
        let bytes = bytes.into();
        let text = header_text(&bytes)?;
        let lines = HeaderLines(text);
        let version = lines.value(MAGIC).ok_or(WeightsError::NotWeights)?;
        if version != VERSION.to_string() {
            return Err(WeightsError::Version(version.to_owned()));
        }
        let header = lines.header()?;
        let table = text.len() + 1;
        let expected = (ROW << header.bits) + 4 * header.word_cells;
        let actual = bytes.len() - table;
        if expected != actual {
            return Err(WeightsError::Length { expected, actual });
        }
        let sum = lines.hash("checksum")?;
        let actual = checksum(text, &bytes[table..]);
        if sum != actual {
            return Err(WeightsError::Checksum {
                expected: sum,
                actual,
            });
        }
        let expected = feature_fingerprint(header.templates);
        let actual = lines.hash("features")?;
        if actual != expected {
            return Err(WeightsError::Features { expected, actual });
        }
        Ok(Self {
            header,
            checksum: sum,
            bytes,
            table,
        })
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &WeightsHeader {
        &self.header
    }

    /// The checksum; files with the same checksum yield the same scores.
    #[must_use]
    pub fn checksum(&self) -> u64 {
        self.checksum
    }

    /// The rows of weights: one signed number per step.
    pub(crate) fn rows(&self) -> &[[u8; ROW]] {
        self.bytes[self.table..self.table + (ROW << self.header.bits)]
            .as_chunks()
            .0
    }

    /// The word table for splitting hashtags.
    pub(crate) fn word_table(&self) -> &[u8] {
        &self.bytes[self.table + (ROW << self.header.bits)..]
    }
}

/// Encodes a weights file.
#[must_use]
pub fn encode_weights(header: &WeightsHeader, rows: &[[i8; 4]], words: &[u32]) -> Vec<u8> {
    let mut text = format!("{MAGIC} {VERSION}\n");
    let join = |numbers: &[i64]| {
        let words: Vec<String> = numbers.iter().map(i64::to_string).collect();
        words.join(" ")
    };
    let _ = writeln!(
        text,
        "features {:016x}",
        feature_fingerprint(header.templates)
    );
    let _ = writeln!(text, "templates {:x}", header.templates.0);
    let _ = writeln!(text, "training {:016x}", header.training);
    let _ = writeln!(text, "bits {}\nwords {}", header.bits, header.word_cells);
    let _ = writeln!(
        text,
        "scale {}\nbias {}",
        join(&header.scale),
        join(&header.bias)
    );
    for (rule, numbers) in super::decision::DecisionRule::ALL
        .iter()
        .zip(&header.rules.0)
    {
        let _ = writeln!(text, "{rule} {}", join(&numbers.map(i64::from)));
    }
    if let Some(calibration) = &header.calibration {
        let _ = writeln!(text, "calibration {calibration}");
    }
    for (file, measure, value) in &header.dev {
        let _ = writeln!(text, "dev {file} {measure} {value}");
    }
    let mut body: Vec<u8> = rows
        .iter()
        .flatten()
        .map(|weight| weight.cast_unsigned())
        .collect();
    body.extend(words.iter().flat_map(|cell| cell.to_le_bytes()));
    let sum = checksum(&text, &body);
    let _ = writeln!(text, "checksum {sum:016x}\n");
    let mut bytes = text.into_bytes();
    bytes.extend(body);
    bytes
}

/// The header without the empty line at the end.
fn header_text(bytes: &[u8]) -> Result<&str, WeightsError> {
    let head = &bytes[..bytes.len().min(MAX_HEADER)];
    if !head.starts_with(MAGIC.as_bytes()) {
        return Err(WeightsError::NotWeights);
    }
    let end = head.windows(2).position(|pair| pair == b"\n\n");
    let end = end.ok_or(WeightsError::Header("checksum"))?;
    std::str::from_utf8(&head[..=end]).map_err(|_| WeightsError::Header(MAGIC))
}

/// The checksum of the tables and of the header up to its line `checksum`.
fn checksum(text: &str, body: &[u8]) -> u64 {
    let head = text.split_once("checksum ").map_or(text, |(head, _)| head);
    let mut hash = Xxh3::new();
    hash.update(head.as_bytes());
    hash.update(body);
    hash.digest()
}

/// The lines of a header.
struct HeaderLines<'a>(&'a str);

impl<'a> HeaderLines<'a> {
    fn value(&self, key: &str) -> Option<&'a str> {
        let mut lines = self.0.lines();
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))
    }

    fn header(&self) -> Result<WeightsHeader, WeightsError> {
        let invalid = WeightsError::Header;
        let templates = self
            .value("templates")
            .and_then(|t| u32::from_str_radix(t, 16).ok());
        let [bits] = self.numbers("bits")?;
        let [words] = self.numbers("words")?;
        let bits = u32::try_from(bits).ok().filter(|bits| BITS.contains(bits));
        let words = usize::try_from(words).ok();
        let words =
            words.filter(|&words| words == 0 || words.is_power_of_two() && words <= MAX_WORD_CELLS);
        let mut rules = RuleParameters::default();
        for (rule, numbers) in super::decision::DecisionRule::ALL.iter().zip(&mut rules.0) {
            let read: [i64; 5] = self.numbers(rule.name())?;
            for (number, read) in numbers.iter_mut().zip(read) {
                *number = u32::try_from(read).map_err(|_| invalid(rule.name()))?;
            }
        }
        let bounded = |limit: i64, key: &'static str, numbers: [i64; 4]| {
            let fits = numbers.iter().all(|n| n.abs() <= limit);
            fits.then_some(numbers).ok_or(invalid(key))
        };
        Ok(WeightsHeader {
            templates: TemplateSet(templates.ok_or(invalid("templates"))?),
            bits: bits.ok_or(invalid("bits"))?,
            word_cells: words.ok_or(invalid("words"))?,
            // These bounds rule out overflow in the arithmetic of a score.
            scale: bounded(1 << 18, "scale", self.numbers("scale")?)?,
            bias: bounded(1 << 18, "bias", self.numbers("bias")?)?,
            rules,
            training: self.hash("training")?,
            calibration: self.calibration()?,
            dev: self.dev(),
        })
    }

    fn numbers<const N: usize>(&self, key: &'static str) -> Result<[i64; N], WeightsError> {
        let line = self.value(key).ok_or(WeightsError::Header(key))?;
        let mut numbers = [0; N];
        let mut words = line.split(' ');
        for number in &mut numbers {
            let word = words.next().and_then(|word| word.parse().ok());
            *number = word.ok_or(WeightsError::Header(key))?;
        }
        match words.next() {
            None => Ok(numbers),
            Some(_) => Err(WeightsError::Header(key)),
        }
    }

    fn hash(&self, key: &'static str) -> Result<u64, WeightsError> {
        let word = self.value(key).ok_or(WeightsError::Header(key))?;
        let number = u64::from_str_radix(word, 16).ok();
        // Only the canonical spelling is valid, so that no other byte sequence passes.
        let number = number.filter(|number| format!("{number:016x}") == word);
        number.ok_or(WeightsError::Header(key))
    }

    /// `None` for weights of version 0.1.0, which had no calibration.
    fn calibration(&self) -> Result<Option<Calibration>, WeightsError> {
        let line = self.value("calibration").map(str::parse);
        line.transpose()
            .map_err(|_| WeightsError::Header("calibration"))
    }

    fn dev(&self) -> Vec<(String, String, String)> {
        let lines = self.0.lines().filter_map(|line| line.strip_prefix("dev "));
        let parts = lines.filter_map(|line| {
            let (file, rest) = line.split_once(' ')?;
            let (measure, value) = rest.split_once(' ')?;
            Some((file.to_owned(), measure.to_owned(), value.to_owned()))
        });
        parts.collect()
    }
}
