//! From tokens to a score: scopes, the sum of valences, and the decision.
//!
//! Terms: the *scope* of a negator or scale is the number of following words that it affects; a break or
//! a symbol ends it. A *sum* is in hundredths of an AFINN point.
//!
//! Guarantees: arithmetic is in integers, so that the same tokens yield the same score on every machine.
//! The lookahead from a token is at most [`MAX_PHRASE`] tokens.

use moodvane_model::{Score, Sentiment};

use super::table::{Meaning, Role, Tables};
use super::token::{Token, Tokens};

/// The scope of a negator in words.
const NEGATION_SCOPE: usize = 3;
/// The scope of a scale in words.
const SCALE_SCOPE: usize = 2;
/// The maximum length of a phrase in words.
const MAX_PHRASE: usize = 6;

/// The constants of the decision, percentages unless stated otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Constants {
    /// Factor of a negated positive valence, with the sign flipped.
    pub(crate) negated_positive: i64,
    /// Factor of a negated negative valence, with the sign flipped.
    pub(crate) negated_negative: i64,
    /// Factor of a word in capitals among other words.
    pub(crate) capitals: i64,
    /// Factor of an elongated word.
    pub(crate) elongated: i64,
    /// Factor of the part before a contrast.
    pub(crate) before_turn: i64,
    /// Factor of the part after a contrast.
    pub(crate) after_turn: i64,
    /// Factor of emoticons and emoji.
    pub(crate) symbol: i64,
    /// Factor of negative valences.
    pub(crate) negative: i64,
    /// Added to the factor of the sum for each exclamation mark, up to four.
    pub(crate) exclamation: i64,
    /// Factor of a positive sum in a text with a question mark.
    pub(crate) question: i64,
    /// The sum at which the value is halfway between neutral and an end of the scale.
    pub(crate) half: i64,
    /// Lower bounds of classes 1, 2, 3 and 4, in millionths.
    pub(crate) thresholds: [u32; 4],
}

impl Constants {
    /// All numbers in a fixed order, as covered by the fingerprint.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = i64> {
        // Destructured, so that the compiler reports a number that is not covered.
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
        let reach = [NEGATION_SCOPE, SCALE_SCOPE, MAX_PHRASE].map(|n| n as i64);
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

/// Chosen on labelled tweets; `moodvane eval --scorer lexicon` measures them.
pub(crate) const CONSTANTS: Constants = Constants {
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
/// Above the sum of any post; prevents overflow for texts of any length.
const MAX_SUM: i64 = 1_000_000_000;
const SCALE_LIMITS: (i64, i64) = (20, 220);

/// The score of a text.
pub(crate) fn score(tokens: &Tokens, tables: &Tables, constants: &Constants) -> Score {
    decide(sum(tokens, tables, constants), constants)
}

fn decide(sum: i64, constants: &Constants) -> Score {
    let sum = sum.clamp(-MAX_SUM, MAX_SUM);
    let bent = NEUTRAL * sum / (sum.abs() + constants.half);
    let value = u32::try_from(NEUTRAL + bent).unwrap_or_default();
    let class = constants.thresholds.iter().filter(|&&t| value >= t).count();
    let sentiment = Sentiment::ALL
        .get(class)
        .copied()
        .unwrap_or(Sentiment::Neutral);
    Score::new(sentiment, f64::from(value) / 1e6)
}

fn sum(tokens: &Tokens, tables: &Tables, constants: &Constants) -> i64 {
    let mut sum = Sum {
        constants,
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
    emphasise(sum.total, tokens, constants)
}

/// The longest phrase that starts here, else the word, and its number of tokens.
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

fn emphasise(total: i64, tokens: &Tokens, constants: &Constants) -> i64 {
    let marks = i64::from(tokens.exclamations.min(4));
    let total = total * (100 + marks * constants.exclamation) / 100;
    if tokens.questions > 0 && total > 0 {
        return total * constants.question / 100;
    }
    total
}

struct Sum<'a> {
    constants: &'a Constants,
    small_letters: bool,
    total: i64,
    /// The factor of the following part in percent, changed by a contrast.
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
                if meaning.valence != 0 && !valence_follows(rest, NEGATION_SCOPE) {
                    self.add_valence(token, meaning.valence);
                }
                self.negated = NEGATION_SCOPE;
            }
            Role::Scale(percent) if meaning.valence == 0 || valence_follows(rest, SCALE_SCOPE) => {
                self.add_scale(token, percent);
                self.advance();
            }
            Role::Turn => {
                self.total = self.total * self.constants.before_turn / 100;
                self.turned = self.constants.after_turn;
                self.end_scopes();
            }
            _ => {
                if meaning.valence != 0 {
                    self.add_valence(token, meaning.valence);
                }
                self.advance();
            }
        }
    }

    fn add_symbol(&mut self, valence: i16) {
        let same = self.symbols > 0 && valence == self.last_symbol;
        self.symbols = if same { self.symbols + 1 } else { 1 };
        self.last_symbol = valence;
        // Only the first three of a run of one symbol count.
        if self.symbols <= 3 {
            self.total += i64::from(valence) * self.constants.symbol / 100;
        }
    }

    fn add_scale(&mut self, token: Token, percent: i16) {
        let percent = i64::from(percent);
        let percent = if token.elongated || self.is_emphasised(token) {
            percent * 3 / 2
        } else {
            percent
        };
        self.scale = (self.scale + percent).clamp(SCALE_LIMITS.0, SCALE_LIMITS.1);
        self.scaled = SCALE_SCOPE + 1;
    }

    fn add_valence(&mut self, token: Token, valence: i16) {
        let mut valence = i64::from(valence) * self.scale / 100;
        if self.is_emphasised(token) {
            valence = valence * self.constants.capitals / 100;
        }
        if token.elongated {
            valence = valence * self.constants.elongated / 100;
        }
        if self.negated > 0 {
            let left = if valence > 0 {
                self.constants.negated_positive
            } else {
                self.constants.negated_negative
            };
            valence = -valence * left / 100;
        }
        if valence < 0 {
            valence = valence * self.constants.negative / 100;
        }
        self.total += valence * self.turned / 100;
        self.scaled = 0;
        self.scale = 100;
    }

    fn is_emphasised(&self, token: Token) -> bool {
        token.capitals && self.small_letters
    }

    /// Shortens the scopes by one word.
    fn advance(&mut self) {
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

/// Whether one of the next `reach` words of this clause has a valence.
fn valence_follows(rest: &[Token], reach: usize) -> bool {
    rest.iter()
        .take(reach)
        .take_while(|token| !token.breaks && token.entry.meaning.role != Role::Symbol)
        .any(|token| token.entry.meaning.valence != 0)
}
