//! Features of amounts: sums of valences and counts of stylistic markers.

use super::{Emitter, FeatureContent, FeatureSink, Template, mix};
use crate::trained::piece::{Kind, Piece};
use crate::trained::words::Role;

impl<S: FeatureSink> Emitter<'_, S> {
    /// Emits one feature for each bound that the amount reaches, outwards from zero.
    fn amount(&mut self, template: Template, name: &Name, amount: i32, bounds: &Bounds) {
        let Bounds { minus, plus } = bounds;
        let reached = if amount > 0 {
            let count = plus
                .iter()
                .take_while(|bound| amount >= i32::from(**bound))
                .count();
            &plus[..count]
        } else {
            let beyond = minus
                .iter()
                .take_while(|bound| amount > i32::from(**bound))
                .count();
            &minus[beyond..]
        };
        for &bound in reached {
            let hash = mix(name.hash, bound as u64);
            self.add(template, hash, FeatureContent::Amount(name.text, bound));
        }
    }

    pub(super) fn lexicon(&mut self) {
        let pieces = &self.pieces.list;
        let vader = Valences::sum(pieces, |piece| piece.entry.vader);
        let afinn = Valences::sum(pieces, |piece| piece.entry.afinn);
        for (names, sums) in [(&VADER_NAMES, vader), (&AFINN_NAMES, afinn)] {
            let amounts = [
                (sums.plus + sums.minus, &SUMS),
                (sums.plus, &SUMS),
                (sums.minus, &SUMS),
                (sums.max, &ENDS),
                (sums.min, &ENDS),
                (sums.last, &ENDS),
                (sums.good, &COUNTS),
                (sums.bad, &COUNTS),
            ];
            for (name, (amount, bounds)) in names.iter().zip(amounts) {
                self.amount(Template::Lexicon, name, amount, bounds);
            }
        }
    }

    pub(super) fn style(&mut self) {
        let s = self.pieces.style;
        let amounts = [
            s.exclamations,
            s.questions,
            s.ellipses,
            s.quotes,
            s.mentions,
            s.links,
            s.hashtags,
            s.numbers,
            s.symbols,
            s.words,
            s.capitals,
            s.elongated,
            s.negators,
            u32::from(s.reply),
        ];
        for ((name, bounds), amount) in STYLE.iter().zip(amounts) {
            self.amount(Template::Style, name, amount.min(1000) as i32, bounds);
        }
    }
}

/// The name of an amount and its hash.
struct Name {
    text: &'static str,
    hash: u64,
}

const fn name(text: &'static str) -> Name {
    let bytes = text.as_bytes();
    let mut hash = 0_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = hash.wrapping_mul(131).wrapping_add(bytes[at] as u64);
        at += 1;
    }
    Name { text, hash }
}

/// The bounds of an amount below and above zero, ascending.
struct Bounds {
    minus: &'static [i16],
    plus: &'static [i16],
}

const fn up(plus: &'static [i16]) -> Bounds {
    Bounds { minus: &[], plus }
}

static SUMS: Bounds = Bounds {
    minus: &[-120, -90, -70, -50, -40, -30, -20, -13, -7, -1],
    plus: &[1, 7, 13, 20, 30, 40, 50, 70, 90, 120],
};
static ENDS: Bounds = Bounds {
    minus: &[-30, -20, -12, -1],
    plus: &[1, 12, 20, 30],
};
static COUNTS: Bounds = up(&[1, 2, 3, 5]);
const FEW: &[i16] = &[1, 2, 3];

static VADER_NAMES: [Name; 8] = [
    name("vader"),
    name("vader+"),
    name("vader-"),
    name("vader max"),
    name("vader min"),
    name("vader last"),
    name("vader n+"),
    name("vader n-"),
];
static AFINN_NAMES: [Name; 8] = [
    name("afinn"),
    name("afinn+"),
    name("afinn-"),
    name("afinn max"),
    name("afinn min"),
    name("afinn last"),
    name("afinn n+"),
    name("afinn n-"),
];
static STYLE: [(Name, Bounds); 14] = [
    (name("exclamations"), up(&[1, 2, 3, 5])),
    (name("questions"), up(&[1, 2, 3])),
    (name("ellipses"), up(&[1, 2])),
    (name("quotes"), up(&[1, 2, 4])),
    (name("mentions"), up(FEW)),
    (name("links"), up(&[1, 2])),
    (name("hashtags"), up(&[1, 2, 3, 5])),
    (name("numbers"), up(FEW)),
    (name("symbols"), up(FEW)),
    (name("words"), up(&[3, 6, 9, 12, 16, 20, 25, 30])),
    (name("capitals"), up(&[1, 2, 4, 8])),
    (name("elongated"), up(&[1, 2])),
    (name("negators"), up(FEW)),
    (name("reply"), up(&[1])),
];

/// Aggregates of the valences of a text, in tenths of a lexicon point.
#[derive(Default)]
struct Valences {
    plus: i32,
    minus: i32,
    max: i32,
    min: i32,
    last: i32,
    good: i32,
    bad: i32,
}

impl Valences {
    fn sum(pieces: &[Piece], valence: impl Fn(&Piece) -> i8) -> Self {
        let mut sums = Self::default();
        let mut scale = 100;
        for piece in pieces {
            if let Role::Scale(percent) = piece.entry.role {
                scale = (scale + i32::from(percent)).clamp(20, 250);
                if valence(piece) == 0 {
                    continue;
                }
            }
            let mut v = i32::from(valence(piece));
            if v == 0 {
                continue;
            }
            v = v * scale / 100;
            scale = 100;
            if piece.negated && piece.kind == Kind::Word {
                v = -v * 3 / 4;
            }
            if piece.capitals || piece.elongated {
                v = v * 5 / 4;
            }
            sums.last = v;
            if v > 0 {
                sums.plus += v;
                sums.max = sums.max.max(v);
                sums.good += 1;
            } else {
                sums.minus += v;
                sums.min = sums.min.min(v);
                sums.bad += 1;
            }
        }
        sums
    }
}
