//! From tokens to a score: scopes, the sum, and the decision.
//!
//! Terms: a *scope* is the number of words that a negator or a scale still reaches; a break or
//! a symbol ends it. A *sum* is in hundredths of an AFINN point.
//!
//! Guarantee: integers only, so that the same tokens give the same score on every machine. Each
//! token is looked at once as a start, and at most [`MAX_PHRASE`] tokens beyond it.

use moodvane_model::{Score, Sentiment};

use super::table::{Meaning, Role, Tables};
use super::token::{Token, Tokens};

/// How many words a negator reaches.
const REACH: usize = 3;
/// How many words a scale reaches.
const SCALE_REACH: usize = 2;
/// How many words the longest phrase has; longer ones are not sought.
const MAX_PHRASE: usize = 6;

/// All numbers of the decision; percentages where not said otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weights {
    /// What is left of a positive valence, flipped.
    pub(crate) negated_positive: i64,
    /// What is left of a negative valence, flipped.
    pub(crate) negated_negative: i64,
    /// A word in capitals among others.
    pub(crate) capitals: i64,
    /// An elongated word.
    pub(crate) elongated: i64,
    /// What counts before a turn.
    pub(crate) before_turn: i64,
    /// What counts after a turn.
    pub(crate) after_turn: i64,
    /// Emoticons and emoji.
    pub(crate) symbol: i64,
    /// Negative valences, against positive ones.
    pub(crate) negative: i64,
    /// The sum with one exclamation mark more, up to four, in addition.
    pub(crate) exclamation: i64,
    /// The positive sum of a text with a question mark.
    pub(crate) question: i64,
    /// The sum at which the value is halfway between neutral and an end.
    pub(crate) half: i64,
    /// From these values on, in millionths, a text is of class 1, 2, 3 and 4.
    pub(crate) thresholds: [u32; 4],
}

impl Weights {
    /// Every number, in a fixed order: what the fingerprint covers.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = i64> {
        // Taken apart by name, so that a new number cannot be forgotten.
        let Self {
            negated_positive,
            negated_negative,
            capitals,
            elongated,
            before_turn,
            after_turn,
            symbol,
            negative,
            exclamation,
            question,
            half,
            thresholds,
        } = *self;
        let [a, b, c, d] = thresholds.map(i64::from);
        let reach = [REACH, SCALE_REACH, MAX_PHRASE].map(|n| n as i64);
        [
            negated_positive,
            negated_negative,
            capitals,
            elongated,
            before_turn,
            after_turn,
            symbol,
            negative,
            exclamation,
            question,
            half,
        ]
        .into_iter()
        .chain([a, b, c, d, SCALE_LIMITS.0, SCALE_LIMITS.1])
        .chain(reach)
    }
}

/// Chosen on labelled tweets; `examples/evaluate.rs` shows what they give.
pub(crate) const WEIGHTS: Weights = Weights {
    negated_positive: 80,
    negated_negative: 20,
    capitals: 115,
    elongated: 110,
    before_turn: 50,
    after_turn: 110,
    symbol: 150,
    negative: 110,
    exclamation: 16,
    question: 50,
    half: 800,
    thresholds: [1_100_000, 1_800_000, 2_200_000, 2_800_000],
};

const NEUTRAL: i64 = 2_000_000;
/// Far beyond any post; keeps the arithmetic within its integers for texts of any length.
const MAX_SUM: i64 = 1_000_000_000;
const SCALE_LIMITS: (i64, i64) = (20, 220);

/// The score of a text.
pub(crate) fn score(tokens: &Tokens, tables: &Tables, weights: &Weights) -> Score {
    decide(sum(tokens, tables, weights), weights)
}

fn decide(sum: i64, weights: &Weights) -> Score {
    let sum = sum.clamp(-MAX_SUM, MAX_SUM);
    let bent = NEUTRAL * sum / (sum.abs() + weights.half);
    let value = u32::try_from(NEUTRAL + bent).unwrap_or_default();
    let class = weights.thresholds.iter().filter(|&&t| value >= t).count();
    let sentiment = Sentiment::ALL
        .get(class)
        .copied()
        .unwrap_or(Sentiment::Neutral);
    Score::new(sentiment, f64::from(value) / 1e6)
}

fn sum(tokens: &Tokens, tables: &Tables, weights: &Weights) -> i64 {
    let mut sum = Sum {
        weights,
        small_letters: tokens.small_letters,
        total: 0,
        turned: 100,
        negated: 0,
        scale: 100,
        scaled: 0,
        symbols: 0,
        last_symbol: 0,
    };
    let mut rest = tokens.list.as_slice();
    while let Some(&token) = rest.first() {
        let (meaning, words) = meaning_at(rest, tables);
        rest = rest.get(words..).unwrap_or_default();
        sum.add(token, meaning, rest);
    }
    emphasise(sum.total, tokens, weights)
}

/// What begins here: the longest phrase, else the word; and how many tokens it takes.
fn meaning_at(rest: &[Token], tables: &Tables) -> (Meaning, usize) {
    let Some(first) = rest.first() else {
        return (Meaning::default(), 1);
    };
    let mut best = (first.entry.meaning, 1);
    let mut state = 0;
    for (at, token) in rest.iter().take(MAX_PHRASE).enumerate() {
        if token.entry.number == 0 || (at > 0 && token.breaks) {
            break;
        }
        let Some(next) = tables.step(state, token.entry.number) else {
            break;
        };
        state = next;
        if let Some(meaning) = tables.phrase(state) {
            best = (meaning, at + 1);
        }
    }
    best
}

fn emphasise(total: i64, tokens: &Tokens, weights: &Weights) -> i64 {
    let marks = i64::from(tokens.exclamations.min(4));
    let total = total * (100 + marks * weights.exclamation) / 100;
    if tokens.questions > 0 && total > 0 {
        return total * weights.question / 100;
    }
    total
}

struct Sum<'a> {
    weights: &'a Weights,
    small_letters: bool,
    total: i64,
    /// The percentage of what follows: changed by a turn.
    turned: i64,
    negated: usize,
    scale: i64,
    scaled: usize,
    symbols: usize,
    last_symbol: i16,
}

impl Sum<'_> {
    fn add(&mut self, token: Token, meaning: Meaning, rest: &[Token]) {
        if meaning.role == Role::Symbol {
            self.end_scopes();
            self.add_symbol(meaning.valence);
            return;
        }
        self.symbols = 0;
        if token.breaks {
            self.end_scopes();
        }
        match meaning.role {
            Role::Negator => {
                if meaning.valence != 0 && !valence_follows(rest, REACH) {
                    self.add_valence(token, meaning.valence);
                }
                self.negated = REACH;
            }
            Role::Scale(percent) if meaning.valence == 0 || valence_follows(rest, SCALE_REACH) => {
                self.add_scale(token, percent);
                self.pass();
            }
            Role::Turn => {
                self.total = self.total * self.weights.before_turn / 100;
                self.turned = self.weights.after_turn;
                self.end_scopes();
            }
            _ => {
                if meaning.valence != 0 {
                    self.add_valence(token, meaning.valence);
                }
                self.pass();
            }
        }
    }

    fn add_symbol(&mut self, valence: i16) {
        let same = self.symbols > 0 && valence == self.last_symbol;
        self.symbols = if same { self.symbols + 1 } else { 1 };
        self.last_symbol = valence;
        // A row of one symbol says no more than three of it.
        if self.symbols <= 3 {
            self.total += i64::from(valence) * self.weights.symbol / 100;
        }
    }

    fn add_scale(&mut self, token: Token, percent: i16) {
        let percent = i64::from(percent);
        let percent = if token.elongated || self.loud(token) {
            percent * 3 / 2
        } else {
            percent
        };
        self.scale = (self.scale + percent).clamp(SCALE_LIMITS.0, SCALE_LIMITS.1);
        self.scaled = SCALE_REACH + 1;
    }

    fn add_valence(&mut self, token: Token, valence: i16) {
        let mut valence = i64::from(valence) * self.scale / 100;
        if self.loud(token) {
            valence = valence * self.weights.capitals / 100;
        }
        if token.elongated {
            valence = valence * self.weights.elongated / 100;
        }
        if self.negated > 0 {
            let left = if valence > 0 {
                self.weights.negated_positive
            } else {
                self.weights.negated_negative
            };
            valence = -valence * left / 100;
        }
        if valence < 0 {
            valence = valence * self.weights.negative / 100;
        }
        self.total += valence * self.turned / 100;
        self.scaled = 0;
        self.scale = 100;
    }

    fn loud(&self, token: Token) -> bool {
        token.capitals && self.small_letters
    }

    /// A word has gone by.
    fn pass(&mut self) {
        self.negated = self.negated.saturating_sub(1);
        self.scaled = self.scaled.saturating_sub(1);
        if self.scaled == 0 {
            self.scale = 100;
        }
    }

    fn end_scopes(&mut self) {
        self.negated = 0;
        self.scaled = 0;
        self.scale = 100;
    }
}

/// Whether one of the next words of this clause has a valence.
fn valence_follows(rest: &[Token], reach: usize) -> bool {
    rest.iter()
        .take(reach)
        .take_while(|token| !token.breaks && token.entry.meaning.role != Role::Symbol)
        .any(|token| token.entry.meaning.valence != 0)
}
