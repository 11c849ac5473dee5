//! Finds the patterns of the list among the words of a text, and decides.
//!
//! Guarantees: from each word at most [`MAX_WORDS`] are read, and the state between words is of constant size, so
//! time is linear in the number of words.

use hashbrown::HashMap;

use crate::list::{List, MAX_WORDS, Role};
use crate::prefilter::Prefilter;
use crate::words::{UNKNOWN, Vocabulary, Word, WordId};

/// How many words may be between a weak pattern and its support.
pub(crate) const WINDOW: usize = 4;

/// The number of a node of the trie; 0 is the root, to which nothing leads.
type Node = u32;

/// The number of a pattern in the list.
pub(crate) type PatternId = u32;

/// The patterns as a trie over words.
#[derive(Debug)]
pub(crate) struct Matcher {
    pub(crate) prefilter: Prefilter,
    pub(crate) vocabulary: Vocabulary,
    patterns: Vec<(String, Role)>,
    /// By word: the node of the patterns that start with it.
    starts: Vec<Node>,
    edges: HashMap<(Node, WordId), Node>,
    /// By node: the pattern that ends there.
    ends: Vec<Option<(Role, PatternId)>>,
}

/// A pattern in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) pattern: PatternId,
    /// The numbers of its first word and of the first one after it.
    pub(crate) first: usize,
    pub(crate) after: usize,
}

impl Matcher {
    pub(crate) fn new(list: List) -> Self {
        let mut matcher = Self {
            prefilter: Prefilter::new(&list),
            vocabulary: Vocabulary::default(),
            patterns: list.patterns,
            starts: Vec::new(),
            edges: HashMap::new(),
            ends: vec![None],
        };
        let patterns = std::mem::take(&mut matcher.patterns);
        for (id, (pattern, role)) in (0..).zip(&patterns) {
            matcher.insert(id, pattern, *role);
        }
        matcher.patterns = patterns;
        matcher
    }

    fn insert(&mut self, id: PatternId, pattern: &str, role: Role) {
        if role == Role::NoFragment {
            self.vocabulary.no_fragments.push(pattern.to_owned());
            return;
        }
        let mut node = 0;
        for word in pattern.split(' ') {
            let word = self.vocabulary.insert(word);
            let next = u32::try_from(self.ends.len()).unwrap_or(0);
            node = if node == 0 {
                let slot = usize::from(word);
                if self.starts.len() <= slot {
                    self.starts.resize(slot + 1, 0);
                }
                match self.starts.get_mut(slot) {
                    Some(start) if *start == 0 => {
                        *start = next;
                        next
                    }
                    start => start.map_or(0, |start| *start),
                }
            } else {
                *self.edges.entry((node, word)).or_insert(next)
            };
            if node == next {
                self.ends.push(None);
            }
            if role == Role::Fragment {
                self.vocabulary.fragments.push((pattern.to_owned(), word));
            }
        }
        if let Some(end @ None) = self.ends.get_mut(node as usize) {
            let role = if role == Role::Fragment {
                Role::Strong
            } else {
                role
            };
            *end = Some((role, id));
        }
    }

    /// The text of a pattern.
    pub(crate) fn pattern(&self, id: PatternId) -> &str {
        self.patterns.get(id as usize).map_or("", |(text, _)| text)
    }

    /// The first match that decides that the words speak of the weather.
    pub(crate) fn decide(&self, words: &mut [Word]) -> Option<Match> {
        self.mark_exceptions(words);
        let mut state = State::default();
        let mut at = 0;
        while at < words.len() {
            let Some((role, found)) = self.longest(words, at, false) else {
                at += 1;
                continue;
            };
            if matches!(role, Role::Strong | Role::StrongLower) {
                return Some(found);
            }
            state.add(role, found);
            at = found.after;
        }
        state.decide()
    }

    /// Marks the words of exceptions.
    fn mark_exceptions(&self, words: &mut [Word]) {
        for at in 0..words.len() {
            if let Some((_, found)) = self.longest(words, at, true) {
                for word in words.get_mut(found.first..found.after).unwrap_or_default() {
                    word.is_excepted = true;
                }
            }
        }
    }

    fn start(&self, word: WordId) -> Node {
        self.starts.get(usize::from(word)).copied().unwrap_or(0)
    }

    /// The longest exception, or the longest other pattern without excepted words, that starts at a word.
    fn longest(&self, words: &[Word], first: usize, exception: bool) -> Option<(Role, Match)> {
        let mut best = None;
        let mut node = 0;
        for (after, word) in (first + 1..).zip(words.get(first..)?.iter().take(MAX_WORDS)) {
            let starts_phrase = after == first + 1;
            if word.id == UNKNOWN
                || (word.starts_clause && !starts_phrase)
                || (word.is_excepted && !exception)
            {
                break;
            }
            node = if starts_phrase {
                self.start(word.id)
            } else {
                self.edges.get(&(node, word.id)).copied().unwrap_or(0)
            };
            if node == 0 {
                break;
            }
            let Some(Some((role, pattern))) = self.ends.get(node as usize) else {
                continue;
            };
            let role_fits = (*role == Role::Exception) == exception
                && !(*role == Role::StrongLower && word.is_title);
            if role_fits {
                let pattern = *pattern;
                best = Some((
                    *role,
                    Match {
                        pattern,
                        first,
                        after,
                    },
                ));
            }
        }
        best
    }
}

/// What has been found up to a word.
#[derive(Debug, Default)]
struct State {
    /// The last weak match, and the last one of another pattern.
    weak: [Option<Match>; 2],
    context: Option<usize>,
    supported: Option<Match>,
    is_countered: bool,
}

impl State {
    fn add(&mut self, role: Role, found: Match) {
        let near = |before: usize| found.first <= before + WINDOW;
        match role {
            Role::Counter => self.is_countered = true,
            Role::Context => {
                self.context = Some(found.after);
                if let [Some(weak), _] = self.weak
                    && near(weak.after)
                {
                    self.supported.get_or_insert(weak);
                }
            }
            Role::Weak => {
                let other = self
                    .weak
                    .iter()
                    .flatten()
                    .find(|weak| weak.pattern != found.pattern);
                let has_support =
                    other.is_some_and(|weak| near(weak.after)) || self.context.is_some_and(near);
                if has_support {
                    self.supported.get_or_insert(found);
                }
                let other = other.copied();
                self.weak = [Some(found), other];
            }
            _ => {}
        }
    }

    fn decide(&self) -> Option<Match> {
        self.supported.filter(|_| !self.is_countered)
    }
}
