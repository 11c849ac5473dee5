//! The lexicon entries of words: valences in two lexicons, and roles.
//!
//! Guarantee: the table depends only on the data files.

use std::sync::LazyLock;

use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::lexicon::data::{self as afinn, POINT};

/// VADER's lexicon: `text<TAB>valence in tenths of a point`.
pub(crate) const VADER: &str = include_str!("../../data/vader.tsv");

/// VADER's emoji: `emoji<TAB>valence in tenths of a point`, the sum over the words of its description.
pub(crate) const VADER_EMOJI: &str = include_str!("../../data/vader-emoji.tsv");

/// The effect of a word on its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Role {
    /// None.
    #[default]
    Plain,
    /// Negates the following words.
    Negator,
    /// Scales the next valence, in percent.
    Scale(i16),
    /// Contrast: starts a new clause with more weight.
    Turn,
}

/// The lexicon entry of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Entry {
    /// VADER's valence in tenths of a point, -40 to 40.
    pub(crate) vader: i8,
    /// AFINN's valence in tenths of a point, -50 to 50.
    pub(crate) afinn: i8,
    pub(crate) role: Role,
}

/// The table of words and emoji.
pub(crate) struct Words {
    entries: HashMap<u64, Entry, hashbrown::DefaultHashBuilder>,
    pub(crate) emoji: Vec<(char, i8)>,
}

static WORDS: LazyLock<Words> = LazyLock::new(Words::build);

/// The table, built at the first call.
pub(crate) fn words() -> &'static Words {
    &WORDS
}

/// The hash that identifies a form.
pub(crate) fn form_hash(form: &[u8]) -> u64 {
    xxh3_64(form)
}

impl Words {
    fn build() -> Self {
        let mut words = Self {
            entries: HashMap::with_capacity(16_384),
            emoji: Vec::new(),
        };
        for (text, valence) in lines(VADER) {
            words.entry_mut(text).vader = valence;
        }
        for (text, valence) in afinn::lines(afinn::AFINN).chain(own_points("word")) {
            words.entry_mut(text).afinn = (valence / (POINT / 10)) as i8;
        }
        for (text, _) in afinn::own("negator") {
            words.entry_mut(text).role = Role::Negator;
        }
        for (text, percent) in afinn::own("scale") {
            words.entry_mut(text).role = Role::Scale(percent);
        }
        for (text, _) in afinn::own("turn") {
            words.entry_mut(text).role = Role::Turn;
        }
        let ours = own_points("emoji").map(|(text, valence)| (text, (valence / 10) as i8));
        let both = ours.chain(lines(VADER_EMOJI));
        words.emoji = both
            .filter_map(|(text, valence)| Some((text.chars().next()?, valence)))
            .collect();
        // The sort is stable, so our list takes precedence.
        words.emoji.sort_by_key(|entry| entry.0);
        words.emoji.dedup_by_key(|entry| entry.0);
        words
    }

    fn entry_mut(&mut self, text: &str) -> &mut Entry {
        let form: Vec<u8> = text.bytes().filter(|&b| b != b'\'').collect();
        self.entries.entry(form_hash(&form)).or_default()
    }

    /// The entry of the form with this hash.
    pub(crate) fn entry(&self, hash: u64) -> Option<Entry> {
        self.entries.get(&hash).copied()
    }

    /// The valence of an emoji, in tenths of an AFINN point.
    pub(crate) fn emoji(&self, c: char) -> Option<i8> {
        let at = self.emoji.binary_search_by_key(&c, |entry| entry.0).ok()?;
        self.emoji.get(at).map(|entry| entry.1)
    }
}

fn lines(file: &'static str) -> impl Iterator<Item = (&'static str, i8)> {
    file.lines().filter_map(|line| {
        let (text, valence) = line.split_once('\t')?;
        Some((text, valence.parse().ok()?))
    })
}

fn own_points(kind: &'static str) -> impl Iterator<Item = (&'static str, i16)> {
    afinn::own(kind).map(|(text, valence)| (text, valence * POINT))
}
