//! The file of weights: its header, its checks, and where its parts lie.
//!
//! The file begins with lines of text, `key value…`, that end with an empty line, so that anybody
//! can read what it is; two tables of numbers follow. The last line of the header is a checksum of
//! all else in the file.
//!
//! Guarantee: weights that were read are whole, and were trained for the features of this very code:
//! else there is an error that says what is wrong.

use std::borrow::Cow;
use std::fmt::Write as _;

use xxhash_rust::xxh3::Xxh3;

use super::decide::Rules;
use super::features::{FEATURES_VERSION, Templates};
use super::words::{VADER, VADER_EMOJI};
use crate::lexicon::table::{AFINN, AFINN_EMOTICONS, OWN};

/// The first word of every file of weights.
const MAGIC: &str = "moodvane-sentiment";
/// The version of the file's form.
const VERSION: u32 = 1;
/// A file has at least 2^8 and at most 2^22 rows of weights.
const BITS: std::ops::RangeInclusive<u32> = 8..=22;
/// The bytes of a row: one for each step.
pub(crate) const ROW: usize = 4;
/// The header is no longer than this.
const MAX_HEADER: usize = 16_384;
/// The table of words has no more cells than this.
const MAX_WORDS: usize = 1 << 20;
/// No file of weights is larger, in bytes: the longest header, the most rows and the most words.
pub const MAX_WEIGHTS_BYTES: u64 = (MAX_HEADER + (ROW << *BITS.end()) + 4 * MAX_WORDS) as u64;

/// What a file of weights can be wrong in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    /// It is something else.
    #[error("these are no weights: expected a file that begins with \"{MAGIC}\"")]
    NotWeights,
    /// It is of a form that this code does not know.
    #[error("weights of version {0}: this program reads version {VERSION}")]
    Version(String),
    /// A line of the header is missing or wrong.
    #[error("damaged weights: header line \"{0}\" is missing or wrong")]
    Header(&'static str),
    /// The tables are longer or shorter than the header says.
    #[error("damaged weights: {actual} bytes follow the header, expected {expected}")]
    Length {
        /// By the header.
        expected: usize,
        /// In the file.
        actual: usize,
    },
    /// The checksum is another one.
    #[error("damaged weights: the checksum is {actual:016x}, expected {expected:016x}")]
    Checksum {
        /// By the header.
        expected: u64,
        /// Of the file.
        actual: u64,
    },
    /// They belong to other features than this code makes.
    #[error(
        "weights for features {found:016x}: this program makes features {made:016x}; train anew"
    )]
    Features {
        /// By the header.
        found: u64,
        /// Of this code.
        made: u64,
    },
}

/// What a file of weights says of itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Header {
    /// Which features it weighs.
    pub templates: Templates,
    /// There are 2^bits rows of weights.
    pub bits: u32,
    /// How many cells the table of words has, a power of two.
    pub words: usize,
    /// What one unit of each column is worth, in 2^-20 logits.
    pub scale: [i64; 4],
    /// The logits of a text without features, in 4096ths.
    pub bias: [i64; 4],
    /// The numbers of the rules.
    pub rules: Rules,
    /// A hash of the training files.
    pub training: u64,
    /// What the trainer measured on the development files: file, measure, value.
    pub dev: Vec<(String, String, String)>,
}

/// Weights, whole and checked.
#[derive(Debug, Clone)]
pub struct Weights {
    header: Header,
    checksum: u64,
    bytes: Cow<'static, [u8]>,
    table: usize,
}

/// A hash over all that the features of a text depend on, beside the text: the data files, the
/// templates and the version of the rules.
#[must_use]
pub fn feature_fingerprint(templates: Templates) -> u64 {
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
    /// Reads and checks a file of weights.
    ///
    /// # Errors
    /// A [`WeightsError`], where the file is not what it should be.
    pub fn read(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self, WeightsError> {
        let bytes = bytes.into();
        let text = header_text(&bytes)?;
        let lines = Lines(text);
        let version = lines.one(MAGIC).ok_or(WeightsError::NotWeights)?;
        if version != VERSION.to_string() {
            return Err(WeightsError::Version(version.to_owned()));
        }
        let header = lines.header()?;
        let table = text.len() + 1;
        let expected = (ROW << header.bits) + 4 * header.words;
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
        let (found, made) = (
            lines.hash("features")?,
            feature_fingerprint(header.templates),
        );
        if found != made {
            return Err(WeightsError::Features { found, made });
        }
        Ok(Self {
            header,
            checksum: sum,
            bytes,
            table,
        })
    }

    /// What the weights say of themselves.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The checksum: two files with the same one answer alike.
    #[must_use]
    pub fn checksum(&self) -> u64 {
        self.checksum
    }

    /// The rows of weights: one signed number for each step between classes.
    pub(crate) fn rows(&self) -> &[[u8; ROW]] {
        self.bytes[self.table..self.table + (ROW << self.header.bits)]
            .as_chunks()
            .0
    }

    /// The table of words for splitting hashtags.
    pub(crate) fn words(&self) -> &[u8] {
        &self.bytes[self.table + (ROW << self.header.bits)..]
    }
}

/// The bytes of a file of weights.
#[must_use]
pub fn write_weights(header: &Header, rows: &[[i8; 4]], words: &[u32]) -> Vec<u8> {
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
    let _ = writeln!(text, "bits {}\nwords {}", header.bits, header.words);
    let _ = writeln!(
        text,
        "scale {}\nbias {}",
        join(&header.scale),
        join(&header.bias)
    );
    for (rule, numbers) in super::decide::Rule::ALL.iter().zip(&header.rules.0) {
        let _ = writeln!(text, "{rule} {}", join(&numbers.map(i64::from)));
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

/// The header without the empty line at its end.
fn header_text(bytes: &[u8]) -> Result<&str, WeightsError> {
    let head = &bytes[..bytes.len().min(MAX_HEADER)];
    if !head.starts_with(MAGIC.as_bytes()) {
        return Err(WeightsError::NotWeights);
    }
    let end = head.windows(2).position(|pair| pair == b"\n\n");
    let end = end.ok_or(WeightsError::Header("checksum"))?;
    std::str::from_utf8(&head[..=end]).map_err(|_| WeightsError::Header(MAGIC))
}

/// Of the header up to its line `checksum`, and of the tables.
fn checksum(text: &str, body: &[u8]) -> u64 {
    let head = text.split_once("checksum ").map_or(text, |(head, _)| head);
    let mut hash = Xxh3::new();
    hash.update(head.as_bytes());
    hash.update(body);
    hash.digest()
}

/// The lines of a header.
struct Lines<'a>(&'a str);

impl<'a> Lines<'a> {
    fn one(&self, key: &str) -> Option<&'a str> {
        let mut lines = self.0.lines();
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))
    }

    fn header(&self) -> Result<Header, WeightsError> {
        let wrong = WeightsError::Header;
        let templates = self
            .one("templates")
            .and_then(|t| u32::from_str_radix(t, 16).ok());
        let [bits] = self.numbers("bits")?;
        let [words] = self.numbers("words")?;
        let bits = u32::try_from(bits).ok().filter(|bits| BITS.contains(bits));
        let words = usize::try_from(words).ok();
        let words =
            words.filter(|&words| words == 0 || words.is_power_of_two() && words <= MAX_WORDS);
        let mut rules = Rules::default();
        for (rule, numbers) in super::decide::Rule::ALL.iter().zip(&mut rules.0) {
            let read: [i64; 5] = self.numbers(rule.name())?;
            for (number, read) in numbers.iter_mut().zip(read) {
                *number = u32::try_from(read).map_err(|_| wrong(rule.name()))?;
            }
        }
        let small = |limit: i64, key: &'static str, numbers: [i64; 4]| {
            let fits = numbers.iter().all(|n| n.abs() <= limit);
            fits.then_some(numbers).ok_or(wrong(key))
        };
        Ok(Header {
            templates: Templates(templates.ok_or(wrong("templates"))?),
            bits: bits.ok_or(wrong("bits"))?,
            words: words.ok_or(wrong("words"))?,
            // Within these the arithmetic of a score cannot overflow.
            scale: small(1 << 18, "scale", self.numbers("scale")?)?,
            bias: small(1 << 18, "bias", self.numbers("bias")?)?,
            rules,
            training: self.hash("training")?,
            dev: self.dev(),
        })
    }

    fn numbers<const N: usize>(&self, key: &'static str) -> Result<[i64; N], WeightsError> {
        let line = self.one(key).ok_or(WeightsError::Header(key))?;
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
        let word = self.one(key).ok_or(WeightsError::Header(key))?;
        let number = u64::from_str_radix(word, 16).ok();
        // In one way only, so that no other byte passes for it.
        let number = number.filter(|number| format!("{number:016x}") == word);
        number.ok_or(WeightsError::Header(key))
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
