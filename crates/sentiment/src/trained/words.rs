//! What is known of a word before any training: its valence in two lexicons, and what it does.
//!
//! Guarantee: the table depends on the data files alone.

use std::sync::LazyLock;

use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::lexicon::table::{self as afinn, POINT};

/// VADER's lexicon: `text<TAB>tenths of a point`.
pub(crate) const VADER: &str = include_str!("../../data/vader.tsv");

/// VADER's emoji: `emoji<TAB>tenths of a point`, the sum over the words of the emoji's description.
pub(crate) const VADER_EMOJI: &str = include_str!("../../data/vader-emoji.tsv");

/// What a word does to its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Role {
    /// Nothing.
    #[default]
    Plain,
    /// It turns what follows.
    Negator,
    /// It makes the next valence larger or smaller, in percent.
    Scale(i16),
    /// What follows it counts for more than what went before.
    Turn,
}

/// What is known of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Known {
    /// By VADER, in tenths of a point, -40 to 40.
    pub(crate) vader: i8,
    /// By AFINN, in tenths of a point, -50 to 50.
    pub(crate) afinn: i8,
    pub(crate) role: Role,
}

/// The table of all known words.
pub(crate) struct Words {
    known: HashMap<u64, Known, hashbrown::DefaultHashBuilder>,
    pub(crate) emoji: Vec<(char, i8)>,
}

static WORDS: LazyLock<Words> = LazyLock::new(Words::build);

/// The table; it is built at the first call.
pub(crate) fn words() -> &'static Words {
    &WORDS
}

/// The hash that stands for a form everywhere.
pub(crate) fn form_hash(form: &[u8]) -> u64 {
    xxh3_64(form)
}

impl Words {
    fn build() -> Self {
        let mut this = Self {
            known: HashMap::with_capacity(16_384),
            emoji: Vec::new(),
        };
        for (text, valence) in lines(VADER) {
            this.entry(text).vader = valence;
        }
        for (text, valence) in afinn::lines(afinn::AFINN).chain(own_points("word")) {
            this.entry(text).afinn = (valence / (POINT / 10)) as i8;
        }
        for (text, _) in afinn::own("negator") {
            this.entry(text).role = Role::Negator;
        }
        for (text, percent) in afinn::own("scale") {
            this.entry(text).role = Role::Scale(percent);
        }
        for (text, _) in afinn::own("turn") {
            this.entry(text).role = Role::Turn;
        }
        let ours = own_points("emoji").map(|(text, valence)| (text, (valence / 10) as i8));
        let both = ours.chain(lines(VADER_EMOJI));
        this.emoji = both
            .filter_map(|(text, valence)| Some((text.chars().next()?, valence)))
            .collect();
        // Where both lists have one, ours stands first.
        this.emoji.sort_by_key(|entry| entry.0);
        this.emoji.dedup_by_key(|entry| entry.0);
        this
    }

    fn entry(&mut self, text: &str) -> &mut Known {
        let form: Vec<u8> = text.bytes().filter(|&b| b != b'\'').collect();
        self.known.entry(form_hash(&form)).or_default()
    }

    /// What is known of the form with this hash.
    pub(crate) fn known(&self, hash: u64) -> Option<Known> {
        self.known.get(&hash).copied()
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
