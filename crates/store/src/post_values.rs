//! The stored form of the histogram of values and of the sums of weather talk.
//!
//! One column holds these 46 counts, of which most are 0 in most rows: a byte that is the version,
//! then each count as an unsigned LEB128 number, without the zeros at the end. The order is that of the
//! histogram's cells, then the classes, the sum of scores and the cells of weather talk. No counts
//! at all are an empty value.

use moodvane_model::{ContextError, PostSums, Sums, VALUE_CELLS, ValueHistogram};

use crate::StoreError;
use crate::varint::{Reader, push_number};

const VERSION: u8 = 1;
const CLASSES: usize = 5;
/// The number of counts.
pub(crate) const COUNTS: usize = VALUE_CELLS + CLASSES + 1 + VALUE_CELLS;

/// Encodes the histogram of values and the sums of weather talk.
pub(crate) fn encode(sums: &Sums) -> Vec<u8> {
    let counts = counts(sums);
    let Some(last) = counts.iter().rposition(|count| *count > 0) else {
        return Vec::new();
    };
    let mut bytes = Vec::with_capacity(2 + 2 * last);
    bytes.push(VERSION);
    for count in &counts[..=last] {
        push_number(&mut bytes, *count);
    }
    bytes
}

/// Decodes into the histogram of values and the sums of weather talk.
///
/// # Errors
/// [`StoreError::Corrupt`] if the bytes are not an encoding.
pub(crate) fn decode(bytes: &[u8], sums: &mut Sums) -> Result<(), StoreError> {
    let corrupt =
        |what: &str| StoreError::Corrupt(ContextError::from(format!("post values {what}")));
    let mut reader = Reader::new(bytes);
    let Some(version) = reader.byte() else {
        return Ok(());
    };
    if version != VERSION {
        return Err(corrupt(&format!(
            "have version {version}, expected {VERSION}"
        )));
    }
    let mut counts = [0; COUNTS];
    let mut places = counts.iter_mut();
    while !reader.is_empty() {
        let number = reader.number().ok_or_else(|| corrupt("end in a number"))?;
        *places
            .next()
            .ok_or_else(|| corrupt("have too many counts"))? = number;
    }
    set_counts(sums, &counts);
    Ok(())
}

/// Sets the histogram of values and the sums of weather talk to the counts of [`counts`].
pub(crate) fn set_counts(sums: &mut Sums, counts: &[u64; COUNTS]) {
    let (values, talk) = counts.split_at(VALUE_CELLS);
    let (classes, talk) = talk.split_at(CLASSES);
    sums.posts.values.0.copy_from_slice(values);
    sums.weather_talk.classes.copy_from_slice(classes);
    sums.weather_talk.score_micros = talk[0].cast_signed();
    sums.weather_talk.values.0.copy_from_slice(&talk[1..]);
}

/// The histogram of values, then the classes, the sum of scores and the histogram of weather talk.
pub(crate) fn counts(sums: &Sums) -> [u64; COUNTS] {
    let PostSums {
        classes,
        score_micros,
        values: ValueHistogram(talk),
        ..
    } = sums.weather_talk;
    let all = sums.posts.values.0.into_iter().chain(classes);
    let all = all.chain([score_micros.cast_unsigned()]).chain(talk);
    let mut counts = [0; COUNTS];
    for (count, number) in counts.iter_mut().zip(all) {
        *count = number;
    }
    counts
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn count() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0), 0u64..200, any::<u64>()]
    }

    proptest! {
        #[test]
        fn counts_round_trip(
            values in proptest::array::uniform20(count()),
            classes in proptest::array::uniform5(count()),
            score_micros: i64,
            talk in proptest::array::uniform20(count()),
        ) {
            let mut before = Sums::default();
            before.posts.values = ValueHistogram(values);
            before.weather_talk = PostSums {
                classes, score_micros, values: ValueHistogram(talk), unscored: 0,
            };
            let mut after = Sums::default();
            decode(&encode(&before), &mut after).unwrap();
            prop_assert_eq!(after, before);
        }

        #[test]
        fn any_bytes_are_decoded_or_rejected(bytes: Vec<u8>) {
            let _ = decode(&bytes, &mut Sums::default());
        }
    }

    /// A stored form never changes.
    #[test]
    fn stored_form_is_pinned() {
        let mut sums = Sums::default();
        assert!(encode(&sums).is_empty());
        sums.posts.values.0[2] = 300;
        assert_eq!(encode(&sums), [1, 0, 0, 172, 2]);
        sums.weather_talk.classes[0] = 7;
        let mut expected = vec![1, 0, 0, 172, 2];
        expected.extend([0; 17]);
        expected.push(7);
        assert_eq!(encode(&sums), expected);
    }

    #[test]
    fn rejects_corrupt_bytes() {
        let too_many = [&[1_u8][..], &[1; COUNTS + 1]].concat();
        let cases: [(&[u8], &str); 4] = [
            (&[2], "version 2"),
            (&[1, 0x80], "end in a number"),
            (
                &[1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
                "end in a number",
            ),
            (&too_many, "too many"),
        ];
        for (bytes, expected) in cases {
            let error = decode(bytes, &mut Sums::default()).unwrap_err();
            let chain = moodvane_model::ErrorChain(&error).to_string();
            assert!(chain.contains(expected), "{chain}");
        }
    }
}
