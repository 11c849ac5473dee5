//! The word, phrase, emoticon and emoji tables, read once from AFINN's files and our own lists.
//!
//! Terms: an *entry* is what a word means by itself: a role, a valence and, where it occurs in a
//! phrase, its number there. A *phrase* is two or more words in a row; a hyphen counts as a space.
//!
//! Guarantee: the tables depend on the data alone, not on the machine or the process.

use std::sync::LazyLock;

use hashbrown::{HashMap, HashTable};
use xxhash_rust::xxh3::xxh3_64;

use super::emoticon::Emoticons;

/// AFINN-en-165, as upstream has it.
pub(crate) const AFINN: &str = include_str!("../../data/afinn-165.tsv");
/// AFINN-emoticon-8, as upstream has it.
pub(crate) const AFINN_EMOTICONS: &str = include_str!("../../data/afinn-emoticon-8.tsv");

/// Our own list: `kind<TAB>text<TAB>number` lines. A *negator* and a *turn* have the number 0, a
/// *scale* a percentage, a *word* (or phrase), an *emoticon* and an *emoji* a valence. Words are
/// written as the tokeniser leaves them: in lower case, without apostrophes.
pub(crate) const OWN: &str = include_str!("../../data/own.tsv");

/// Hundredths of an AFINN point: the unit of all sums.
pub(crate) const POINT: i16 = 100;

/// What a word does in a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Role {
    /// It has its valence, or none.
    #[default]
    Plain,
    /// It flips the valences that follow.
    Negator,
    /// It makes the next valence larger or smaller, in percent.
    Scale(i16),
    /// What follows it counts for more than what went before.
    Turn,
    /// It is an emoticon or emoji: outside the sentence.
    Symbol,
}

/// What a word or a phrase means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Meaning {
    /// What it does.
    pub(crate) role: Role,
    /// Its own valence, in hundredths of an AFINN point.
    pub(crate) valence: i16,
}

/// One word of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Entry {
    /// What it means by itself.
    pub(crate) meaning: Meaning,
    /// Its number among the words of phrases; 0 where it occurs in none.
    pub(crate) number: u16,
}

/// All that the scorer looks things up in.
pub(crate) struct Tables {
    words: HashTable<(Box<[u8]>, Entry)>,
    longest: usize,
    steps: HashMap<(u16, u16), u16>,
    nodes: Vec<Option<Meaning>>,
    numbers: u16,
    emoji: Vec<(char, i16)>,
    /// Emoticons of both sources.
    pub(crate) emoticons: Emoticons,
}

static TABLES: LazyLock<Tables> = LazyLock::new(Tables::build);

/// The tables; they are built at the first call.
pub(crate) fn tables() -> &'static Tables {
    &TABLES
}

/// The entries of a file of `text<TAB>valence` lines.
pub(crate) fn lines(file: &'static str) -> impl Iterator<Item = (&'static str, i16)> {
    file.lines().filter_map(|line| {
        let (text, valence) = line.split_once('\t')?;
        Some((text, valence.parse::<i16>().ok()? * POINT))
    })
}

/// The entries of one kind of our own list.
pub(crate) fn own(kind: &'static str) -> impl Iterator<Item = (&'static str, i16)> {
    OWN.lines().filter_map(move |line| {
        let (text, number) = line
            .strip_prefix(kind)?
            .strip_prefix('\t')?
            .split_once('\t')?;
        Some((text, number.parse().ok()?))
    })
}

impl Tables {
    fn build() -> Self {
        let mut tables = Self {
            words: HashTable::with_capacity(4096),
            longest: 0,
            steps: HashMap::new(),
            nodes: vec![None],
            numbers: 0,
            emoji: Vec::new(),
            emoticons: Emoticons::build(),
        };
        for (text, valence) in own("word") {
            tables.set_valence(text, valence * POINT);
        }
        for (text, valence) in lines(AFINN) {
            tables.set_valence(text, valence);
        }
        for (text, _) in own("negator") {
            tables.set_role(text, Role::Negator);
        }
        for (text, percent) in own("scale") {
            tables.set_role(text, Role::Scale(percent));
        }
        for (text, _) in own("turn") {
            tables.set_role(text, Role::Turn);
        }
        for (text, valence) in own("emoji") {
            tables
                .emoji
                .extend(text.chars().map(|c| (c, valence * POINT)));
        }
        tables.emoji.sort_unstable();
        tables
    }

    /// What a folded word means, if anything is known of it.
    pub(crate) fn word(&self, folded: &[u8]) -> Option<Entry> {
        if folded.len() > self.longest {
            return None;
        }
        self.words
            .find(xxh3_64(folded), |(word, _)| **word == *folded)
            .map(|(_, entry)| *entry)
    }

    /// The state after the word of this number in this state of a phrase; 0 is a phrase's start.
    pub(crate) fn step(&self, state: u16, number: u16) -> Option<u16> {
        self.steps.get(&(state, number)).copied()
    }

    /// What the phrase that ends in this state means; `None` where none ends.
    pub(crate) fn phrase(&self, state: u16) -> Option<Meaning> {
        self.nodes.get(usize::from(state)).copied().flatten()
    }

    /// The valence of an emoji, in hundredths of an AFINN point.
    pub(crate) fn emoji(&self, c: char) -> Option<i16> {
        let at = self.emoji.binary_search_by_key(&c, |entry| entry.0).ok()?;
        self.emoji.get(at).map(|entry| entry.1)
    }

    fn set_valence(&mut self, text: &str, valence: i16) {
        self.meaning_mut(text).valence = valence;
    }

    fn set_role(&mut self, text: &str, role: Role) {
        self.meaning_mut(text).role = role;
    }

    /// The meaning of a word or phrase, made where it is new.
    fn meaning_mut(&mut self, text: &str) -> &mut Meaning {
        let mut words = text.split([' ', '-']).filter(|word| !word.is_empty());
        let first = words.next().unwrap_or_default();
        let rest: Vec<&str> = words.collect();
        if rest.is_empty() {
            return &mut self.entry_mut(first).meaning;
        }
        let mut state = self.step_mut(0, first);
        for word in rest {
            state = self.step_mut(state, word);
        }
        self.nodes[usize::from(state)].get_or_insert_default()
    }

    fn step_mut(&mut self, state: u16, word: &str) -> u16 {
        let next_number = self.numbers + 1;
        let entry = self.entry_mut(word);
        if entry.number == 0 {
            entry.number = next_number;
        }
        let number = entry.number;
        self.numbers = self.numbers.max(number);
        let next_state = self.nodes.len() as u16;
        let state = *self.steps.entry((state, number)).or_insert(next_state);
        if state == next_state {
            self.nodes.push(None);
        }
        state
    }

    fn entry_mut(&mut self, word: &str) -> &mut Entry {
        let folded = fold(word);
        self.longest = self.longest.max(folded.len());
        let hash = xxh3_64(&folded);
        let place = self.words.entry(
            hash,
            |(known, _)| *known == folded,
            |(known, _)| xxh3_64(known),
        );
        let occupied = place.or_insert_with(|| (folded.clone(), Entry::default()));
        &mut occupied.into_mut().1
    }
}

/// A word of a list as the tokeniser would leave it: no apostrophe, no run longer than three.
fn fold(word: &str) -> Box<[u8]> {
    let mut folded: Vec<u8> = Vec::with_capacity(word.len());
    for byte in word.bytes().filter(|&byte| byte != b'\'') {
        if !folded.ends_with(&[byte; 3]) {
            folded.push(byte);
        }
    }
    folded.into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_afinn_is_read() {
        assert_eq!(lines(AFINN).count(), 3382);
        assert_eq!(lines(AFINN).count(), AFINN.lines().count());
        assert_eq!(lines(AFINN_EMOTICONS).count(), 96);
        assert_eq!(
            lines(AFINN_EMOTICONS).count(),
            AFINN_EMOTICONS.lines().count()
        );
        assert!(lines(AFINN).all(|(_, valence)| (-500..=500).contains(&valence)));
    }

    #[test]
    fn every_word_of_afinn_has_afinns_valence() {
        for (text, valence) in lines(AFINN).filter(|(text, _)| !text.contains([' ', '-'])) {
            let entry = tables().word(&fold(text));
            let found = entry.map(|entry| entry.meaning.valence);
            // Spellings of one word with longer runs of a letter share an entry.
            let same = |other: &str, v| fold(other) == fold(text) && Some(v) == found;
            assert!(
                found == Some(valence) || lines(AFINN).any(|(other, v)| same(other, v)),
                "{text}: {found:?}, expected {valence}"
            );
        }
    }

    #[test]
    fn every_line_of_our_list_is_read_once_and_in_its_form() {
        let kinds = ["negator", "scale", "turn", "word", "emoticon", "emoji"];
        let read: usize = kinds.iter().map(|kind| own(kind).count()).sum();
        assert_eq!(read, OWN.lines().count());
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b' ';
        for kind in ["negator", "scale", "turn", "word"] {
            for (text, _) in own(kind) {
                assert!(text.bytes().all(plain), "{text}");
            }
        }
        let mut words: Vec<&str> = kinds
            .iter()
            .flat_map(|kind| own(kind))
            .map(|e| e.0)
            .collect();
        words.sort_unstable();
        assert!(
            words.is_sorted_by(|a, b| a < b),
            "something is listed twice"
        );
    }

    #[test]
    fn our_words_emoticons_and_emoji_are_not_afinns() {
        for (text, _) in own("word") {
            assert!(lines(AFINN).all(|(known, _)| known != text), "{text}");
        }
        for (text, _) in own("emoticon") {
            assert!(
                lines(AFINN_EMOTICONS).all(|(known, _)| known != text),
                "{text}"
            );
        }
        assert!(own("emoji").all(|(text, _)| text.chars().count() == 1));
    }

    #[test]
    fn emoji_are_found() {
        assert_eq!(tables().emoji('\u{1f60d}'), Some(400));
        assert_eq!(tables().emoji('a'), None);
    }
}
