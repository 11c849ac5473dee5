//! The tables of words, phrases, emoticons and emoji, built once from the data files.
//!
//! Terms: an *entry* is the meaning of a single word: a role, a valence and, if it occurs in phrases, its
//! number in the phrase automaton. A *phrase* is two or more consecutive words; a hyphen counts as a
//! space.
//!
//! Guarantee: the tables depend only on the data files.

use std::sync::LazyLock;

use hashbrown::{HashMap, HashTable};
use xxhash_rust::xxh3::xxh3_64;

use super::data::{AFINN, POINT, lines, own};
use super::emoticon::Emoticons;

/// The effect of a word on a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Role {
    /// Only its valence, if any.
    #[default]
    Plain,
    /// Negates the valences that follow.
    Negator,
    /// Scales the next valence, in percent.
    Scale(i16),
    /// Contrast: gives the following part more weight than the preceding part.
    Turn,
    /// An emoticon or emoji, which is not part of the sentence.
    Symbol,
}

/// The meaning of a word or phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Meaning {
    /// Its effect on the sentence.
    pub(crate) role: Role,
    /// Its own valence, in hundredths of an AFINN point.
    pub(crate) valence: i16,
}

/// One word of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Entry {
    /// Its meaning outside phrases.
    pub(crate) meaning: Meaning,
    /// Its number in the phrase automaton; 0 if it occurs in no phrase.
    pub(crate) number: u16,
}

/// All lookup tables of the scorer.
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

/// The tables, built at the first call.
pub(crate) fn tables() -> &'static Tables {
    &TABLES
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

    /// The entry of a folded word, if it has one.
    pub(crate) fn word(&self, folded: &[u8]) -> Option<Entry> {
        if folded.len() > self.longest {
            return None;
        }
        self.words
            .find(xxh3_64(folded), |(word, _)| **word == *folded)
            .map(|(_, entry)| *entry)
    }

    /// The state of the phrase automaton after a word with this number; 0 is the start state.
    pub(crate) fn step(&self, state: u16, number: u16) -> Option<u16> {
        self.steps.get(&(state, number)).copied()
    }

    /// The meaning of the phrase that ends in this state, if one does.
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

    /// The meaning of a word or phrase, inserted if it is new.
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

/// Folds a word of a list like the tokeniser: no apostrophe, no run of a letter longer than three.
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
    use super::super::data::{AFINN_EMOTICONS, OWN};
    use super::*;

    #[test]
    fn reads_all_lines_of_afinn() {
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
    fn keeps_valences_of_afinn() {
        for (text, valence) in lines(AFINN).filter(|(text, _)| !text.contains([' ', '-'])) {
            let entry = tables().word(&fold(text));
            let found = entry.map(|entry| entry.meaning.valence);
            // Spellings with longer runs of a letter share an entry.
            let same = |other: &str, v| fold(other) == fold(text) && Some(v) == found;
            assert!(
                found == Some(valence) || lines(AFINN).any(|(other, v)| same(other, v)),
                "{text}: {found:?}, expected {valence}"
            );
        }
    }

    #[test]
    fn reads_all_lines_of_own_list_without_duplicates() {
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
        assert!(words.is_sorted_by(|a, b| a < b), "duplicate entry");
    }

    #[test]
    fn own_list_does_not_overlap_afinn() {
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
    fn finds_emoji() {
        assert_eq!(tables().emoji('\u{1f60d}'), Some(400));
        assert_eq!(tables().emoji('a'), None);
    }
}
