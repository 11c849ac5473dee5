//! Pinned scores of fixed sentences, so that no score changes without a new fingerprint.
//!
//! If this fails, scores have changed. A changed table or constant changes the fingerprint automatically;
//! after a change of code raise `RULES` in `src/lexicon/fingerprint.rs`. Then update both values: the
//! failure prints the current table.

use std::fmt::Write as _;

use moodvane_sentiment::{LexiconScorer, Scorer};

const FINGERPRINT: &str = "lexicon-2-bdb96dac";

/// Sentence, class, value in millionths.
const SCORES: &[(&str, u8, u32)] = &[
    ("The bus stops at the corner of 5th and Main", 1, 1758242),
    ("What a beautiful sunny morning in the park!", 3, 2734177),
    ("I love this city so much <3", 4, 2967741),
    ("I don't love this city anymore", 1, 1503760),
    (
        "Rain again. Umbrella broken, shoes soaked, late for work :(",
        1,
        1212122,
    ),
    ("Not a bad day after all", 2, 2139534),
    ("This is the WORST commute of the year!!!", 1, 1176471),
    ("this is the worst commute of the year", 1, 1415930),
    ("Very happy with the new bike lanes", 3, 2655462),
    ("Slightly happy with the new bike lanes", 3, 2315789),
    ("Can't wait for the weekend!!", 3, 2662207),
    ("can't stand the humidity", 1, 1415930),
    (
        "The food was great but the service was horrible",
        1,
        1579467,
    ),
    (
        "The service was horrible, but the food was great",
        3,
        2341968,
    ),
    ("sooooo happyyyy right now 😍😍", 4, 3367088),
    ("ugh. Mondays. 😡", 0, 987655),
    (
        "@mayor thank you for fixing the lights on our street",
        3,
        2400000,
    ),
    ("Is the museum open on Monday?", 2, 2000000),
    ("Is anyone else sad about the old cinema?", 1, 1568628),
    ("No problem, see you at eight", 3, 2222222),
    ("no", 1, 1758242),
    ("never been so disappointed in my life", 1, 1473297),
    ("#BestDayEver with the whole family", 3, 2545454),
    ("#fail", 1, 1568628),
    (
        "It looks like snow tonight https://example.org/forecast",
        2,
        2000000,
    ),
    ("Meh, kind of boring", 1, 1444044),
    ("THIS IS AMAZING", 3, 2666666),
    ("Fed up with delays, no heating and no apology", 1, 1441442),
    (
        "Good luck to everyone running the marathon tomorrow :)",
        3,
        2769230,
    ),
    ("he'll be here at nine, she'll follow", 2, 2000000),
    ("Gloomy outside, cozy inside", 2, 1951220),
    ("I’m not very impressed, and it isn’t cheap", 1, 1399826),
    (
        "Freezing wind, but the light over the river is gorgeous ☀\u{fe0f}",
        3,
        2212290,
    ),
    ("My phone died and I lost my keys... fml", 0, 893855),
    ("50% off coffee today only!", 2, 2000000),
    ("LOL that was funny :D", 4, 3197994),
    ("Fog on the bridge, traffic moving slowly", 2, 2000000),
];

#[test]
fn fingerprint_and_scores_match_pinned_values() {
    let mut scorer = LexiconScorer::new();
    let mut now = String::new();
    let mut changed = 0;
    for &(text, class, micros) in SCORES {
        let score = scorer.score(text);
        let (new_class, new_micros) = (score.sentiment.class(), score.micros());
        changed += usize::from((new_class, new_micros) != (class, micros));
        let _ = writeln!(now, "    ({text:?}, {new_class}, {new_micros}),");
    }
    let fingerprint = scorer.fingerprint();
    assert!(
        changed == 0 && fingerprint == FINGERPRINT,
        "{changed} scores changed, fingerprint {fingerprint}\n{now}"
    );
}

#[test]
fn fingerprint_is_valid() {
    let scorer = LexiconScorer::new();
    let fingerprint = scorer.fingerprint();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    assert!(fingerprint.len() <= 48 && fingerprint.bytes().all(plain));
    assert!(fingerprint.starts_with("lexicon-"));
}
