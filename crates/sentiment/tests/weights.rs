//! Encoding, decoding and rejection of weights files.

#![allow(clippy::unwrap_used)]

use moodvane_model::{Calibration, Score, Sentiment};
use moodvane_sentiment::trained::{
    RuleParameters, TemplateSet, Weights, WeightsHeader, encode_weights, feature_fingerprint,
};
use moodvane_sentiment::{DecisionRule, Scorer, TrainedScorer, WeightsError};
use proptest::prelude::*;

fn calibration() -> Calibration {
    let mut calibration = Calibration::default();
    calibration.add(Sentiment::Positive, Score::new(Sentiment::Positive, 2.5));
    calibration
}

fn header() -> WeightsHeader {
    WeightsHeader {
        templates: TemplateSet::ALL,
        bits: 8,
        word_cells: 4,
        scale: [1, 2, 3, 4],
        bias: [4, -3, 2, -1],
        rules: RuleParameters([[1, 2, 3, 4, 5]; 4]),
        training: 7,
        calibration: Some(calibration()),
        dev: vec![(
            "file".to_owned(),
            "rule:measure".to_owned(),
            "0.5".to_owned(),
        )],
    }
}

fn small() -> Vec<u8> {
    encode_weights(&header(), &[[1, -2, 3, -4]; 256], &[5; 4])
}

#[test]
fn round_trips_header() {
    let weights = Weights::read(small()).unwrap();
    assert_eq!(weights.header(), &header());
}

/// Decodes the file with one part of its header replaced.
fn changed(from: &str, to: &str) -> Result<Weights, WeightsError> {
    let bytes = small();
    let at = bytes
        .windows(from.len())
        .position(|w| w == from.as_bytes())
        .unwrap();
    let mut new = bytes[..at].to_vec();
    new.extend(to.as_bytes());
    new.extend(&bytes[at + from.len()..]);
    Weights::read(new)
}

#[test]
fn reports_each_error() {
    let error = |result: Result<Weights, WeightsError>| result.unwrap_err().to_string();
    let cases = [
        (error(Weights::read(&b""[..])), "not a weights file"),
        (error(Weights::read(&b"PNG"[..])), "not a weights file"),
        (error(Weights::read(small()[..60].to_vec())), "\"checksum\""),
        (
            error(Weights::read([small(), vec![0]].concat())),
            "bytes follow the header",
        ),
        (
            error(changed("sentiment 1\n", "sentiment 2\n")),
            "version 2",
        ),
        (error(changed("bits 8", "bits 80")), "\"bits\""),
        (error(changed("words 4", "words 3")), "\"words\""),
        (error(changed("bias 4 ", "bias 5 ")), "checksum "),
        (error(changed("bias 4 ", "")), "\"bias\""),
        (error(changed("mean 1", "mean -1")), "\"mean\""),
        (
            error(changed("calibration 0 ", "calibration 0")),
            "\"calibration\"",
        ),
    ];
    for (error, expected) in cases {
        assert!(error.contains(expected), "{error}: {expected}");
    }
}

/// The file as written by a version of the code with other features.
fn encode_for_other_features() -> Vec<u8> {
    let bytes = small();
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap();
    let (text, body) = (
        std::str::from_utf8(&bytes[..end]).unwrap(),
        &bytes[end + 2..],
    );
    let mut lines: Vec<&str> = text.lines().collect();
    lines.pop();
    lines[1] = "features 0000000000000001";
    let head = lines.join("\n") + "\n";
    let sum = xxhash_rust::xxh3::xxh3_64(&[head.as_bytes(), body].concat());
    [
        head.as_bytes(),
        format!("checksum {sum:016x}\n\n").as_bytes(),
        body,
    ]
    .concat()
}

#[test]
fn rejects_weights_for_other_features() {
    let expected = feature_fingerprint(TemplateSet::ALL);
    let refused = Weights::read(encode_for_other_features()).unwrap_err();
    assert_eq!(
        refused,
        WeightsError::Features {
            expected,
            actual: 1
        }
    );
    assert_ne!(expected, feature_fingerprint(TemplateSet(1)));
}

#[test]
fn built_in_weights_are_valid_and_small() {
    let scorer = TrainedScorer::english(DecisionRule::Mean).unwrap();
    assert!(!scorer.weights().header().dev.is_empty());
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/weights/english.weights");
    assert!(std::fs::metadata(file).unwrap().len() < 5_000_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn detects_any_changed_bit(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut bytes = small();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(Weights::read(bytes).is_err());
    }

    #[test]
    fn rejects_any_bytes_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let named = [b"moodvane-sentiment 1\n".as_slice(), &bytes, b"\n\n"].concat();
        prop_assert!(Weights::read(named).is_err());
        prop_assert!(Weights::read(bytes).is_err());
    }

    /// Any valid weights yield a class for any text.
    #[test]
    fn scores_with_any_weights(rows in prop::collection::vec(any::<[i8; 4]>(), 256), bias in any::<[i16; 4]>(), text in ".{0,200}") {
        let header = WeightsHeader { bias: bias.map(i64::from), scale: [1 << 18; 4], ..header() };
        let weights = Weights::read(encode_weights(&header, &rows, &[0; 4])).unwrap();
        let score = TrainedScorer::new(weights, DecisionRule::Mae).score(&text);
        prop_assert!((0.0..=4.0).contains(&score.value()));
    }
}
