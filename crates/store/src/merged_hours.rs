//! The stored form of merged hours: the hours of a period in a few kilobytes, quick to decode.
//!
//! A byte that is the version, the names of the sources, then each hour: its distance from the hour
//! before, and the sums of each source. Numbers are LEB128 ([`crate::varint`]); posts and variables
//! without values take no bytes. The calibration of the run is not part of it.
//!
//! Must not know: which hours are kept merged, and until when.

use std::sync::Arc;

use moodvane_model::{
    Calibration, CityId, HourRange, HourRow, HourSlot, MinuteSet, PostSums, SourceId, SourceSums,
    Sums, VariableSums,
};

use crate::StoreError;
use crate::post_values::{COUNTS, counts, set_counts};
use crate::varint::{Reader, push_bytes, push_number, push_signed};

const VERSION: u8 = 1;
/// The flag of posts; that of the variable with index `i` is `2 << i`.
const POSTS: u8 = 1;

/// Encodes hours, which must be in order.
pub(crate) fn encode(hours: &[HourRow]) -> Vec<u8> {
    let mut sources: Vec<SourceId> = hours
        .iter()
        .flat_map(|row| row.sources.keys().copied())
        .collect();
    sources.sort_unstable();
    sources.dedup();
    let mut bytes = vec![VERSION];
    push_number(&mut bytes, sources.len() as u64);
    for source in &sources {
        push_bytes(&mut bytes, source.as_str().as_bytes());
    }
    let mut last = 0;
    for row in hours {
        push_number(&mut bytes, u64::from(row.hour.index() - last));
        last = row.hour.index();
        push_number(&mut bytes, row.sources.len() as u64);
        for (source, sums) in row.sources.iter() {
            let index = sources.binary_search(source).unwrap_or_default();
            push_number(&mut bytes, index as u64);
            push_sums(&mut bytes, sums);
        }
    }
    bytes
}

fn push_sums(bytes: &mut Vec<u8>, sums: &Sums) {
    let has_posts = sums.posts != PostSums::default() || sums.weather_talk != PostSums::default();
    let mut flags = if has_posts { POSTS } else { 0 };
    for (index, variable) in sums.weather.0.iter().enumerate() {
        if variable.count > 0 {
            flags |= 2 << index;
        }
    }
    bytes.push(flags);
    bytes.extend(sums.minutes.bits().to_le_bytes());
    if has_posts {
        for count in sums.posts.classes {
            push_number(bytes, count);
        }
        push_signed(bytes, sums.posts.score_micros);
        push_number(bytes, sums.posts.unscored);
        let counts = counts(sums);
        let used = counts
            .iter()
            .rposition(|n| *n > 0)
            .map_or(0, |last| last + 1);
        push_number(bytes, used as u64);
        for count in &counts[..used] {
            push_number(bytes, *count);
        }
    }
    for variable in sums.weather.0.iter().filter(|v| v.count > 0) {
        push_number(bytes, variable.count);
        push_signed(bytes, variable.sum);
        push_signed(bytes, variable.min);
        push_signed(bytes, variable.max);
    }
}

/// Decodes the hours of a range. They carry `calibration`.
///
/// # Errors
/// [`StoreError::Corrupt`] if the bytes are not an encoding.
pub(crate) fn decode(
    bytes: &[u8],
    city: CityId,
    range: HourRange,
    calibration: Option<&Arc<Calibration>>,
) -> Result<Vec<HourRow>, StoreError> {
    let mut reader = Reader::new(bytes);
    let mut decoder = Decoder {
        city,
        range,
        calibration,
        sources: Vec::new(),
    };
    decoder
        .hours(&mut reader)
        .ok_or_else(|| StoreError::Corrupt("merged hours are not an encoding of version 1".into()))
}

struct Decoder<'c> {
    city: CityId,
    range: HourRange,
    calibration: Option<&'c Arc<Calibration>>,
    sources: Vec<SourceId>,
}

impl Decoder<'_> {
    fn hours(&mut self, reader: &mut Reader<'_>) -> Option<Vec<HourRow>> {
        if reader.byte()? != VERSION {
            return None;
        }
        for _ in 0..reader.number()? {
            self.sources.push(SourceId::parse(reader.text()?).ok()?);
        }
        let mut hours = Vec::new();
        let mut index = 0_u32;
        while !reader.is_empty() {
            index = index.checked_add(u32::try_from(reader.number()?).ok()?)?;
            let hour = HourSlot::from_index(index).ok()?;
            let mut row = HourRow::empty(self.city, hour);
            let sources = usize::try_from(reader.number()?).ok()?;
            row.sources = SourceSums::with_capacity(sources.min(self.sources.len()));
            for _ in 0..sources {
                let source = usize::try_from(reader.number()?).ok()?;
                let source = *self.sources.get(source)?;
                row.sources.add(source, &sums(reader)?);
            }
            if hour > self.range.end() {
                break;
            }
            if hour >= self.range.begin() {
                row.calibration = self.calibration.map(Arc::clone);
                hours.push(row);
            }
        }
        Some(hours)
    }
}

fn sums(reader: &mut Reader<'_>) -> Option<Sums> {
    let flags = reader.byte()?;
    let mut sums = Sums {
        minutes: MinuteSet::from_bits(u64::from_le_bytes(reader.array()?)),
        ..Sums::default()
    };
    if flags & POSTS != 0 {
        for count in &mut sums.posts.classes {
            *count = reader.number()?;
        }
        sums.posts.score_micros = reader.signed()?;
        sums.posts.unscored = reader.number()?;
        let mut counts = [0; COUNTS];
        let used = usize::try_from(reader.number()?).ok()?;
        for count in counts.get_mut(..used)? {
            *count = reader.number()?;
        }
        set_counts(&mut sums, &counts);
    }
    for (index, variable) in sums.weather.0.iter_mut().enumerate() {
        if flags & (2 << index) != 0 {
            *variable = VariableSums {
                count: reader.number()?,
                sum: reader.signed()?,
                min: reader.signed()?,
                max: reader.signed()?,
            };
        }
    }
    Some(sums)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use moodvane_model::{ValueHistogram, WeatherSums};
    use proptest::prelude::*;

    fn hour(index: u32) -> HourSlot {
        HourSlot::from_index(index).unwrap()
    }

    fn range(begin: u32, end: u32) -> HourRange {
        HourRange::new(hour(begin), hour(end)).unwrap()
    }

    fn city() -> CityId {
        CityId::parse("c").unwrap()
    }

    fn variable() -> impl Strategy<Value = VariableSums> {
        let values = (1u64.., any::<i64>(), any::<i64>(), any::<i64>());
        let sums = |(count, sum, min, max)| VariableSums {
            count,
            sum,
            min,
            max,
        };
        prop_oneof![Just(VariableSums::default()), values.prop_map(sums)]
    }

    fn posts() -> impl Strategy<Value = PostSums> {
        let sums = |(classes, score_micros, values)| PostSums {
            classes,
            score_micros,
            unscored: 0,
            values: ValueHistogram(values),
        };
        let values = (any::<[u64; 5]>(), any::<i64>(), any::<[u64; 20]>());
        prop_oneof![Just(PostSums::default()), values.prop_map(sums)]
    }

    fn sums() -> impl Strategy<Value = Sums> {
        let weather = proptest::array::uniform6(variable());
        let parts = (posts(), posts(), 0..9u64, weather, any::<u64>());
        parts.prop_map(|(posts, weather_talk, unscored, weather, minutes)| Sums {
            posts: PostSums { unscored, ..posts },
            weather_talk,
            weather: WeatherSums(weather),
            minutes: MinuteSet::from_bits(minutes),
        })
    }

    prop_compose! {
        fn hours()(
            rows in proptest::collection::btree_map(
                0u32..40,
                proptest::collection::btree_map("[a-c]", sums(), 0..3),
                0..6,
            ),
        ) -> Vec<HourRow> {
            let row = |(index, sources): (u32, std::collections::BTreeMap<String, Sums>)| HourRow {
                sources: sources.into_iter()
                    .map(|(name, sums)| (SourceId::parse(&name).unwrap(), sums)).collect(),
                ..HourRow::empty(city(), hour(index))
            };
            rows.into_iter().map(row).collect()
        }
    }

    proptest! {
        #[test]
        fn hours_of_range_round_trip(hours in hours(), begin in 0u32..40, length in 0u32..40) {
            let bytes = encode(&hours);
            let all = decode(&bytes, city(), range(0, 40), None).unwrap();
            prop_assert_eq!(&all, &hours);
            let range = range(begin, begin + length);
            let within = |row: &HourRow| (range.begin()..=range.end()).contains(&row.hour);
            let expected: Vec<HourRow> = hours.into_iter().filter(within).collect();
            prop_assert_eq!(decode(&bytes, city(), range, None).unwrap(), expected);
        }

        #[test]
        fn any_bytes_are_decoded_or_rejected(mut bytes: Vec<u8>) {
            bytes.insert(0, VERSION);
            let _ = decode(&bytes, city(), range(0, 40), None);
        }
    }

    /// A stored form never changes.
    #[test]
    fn stored_form_is_pinned() {
        let mut sums = Sums::default();
        sums.posts.classes[1] = 300;
        sums.posts.score_micros = -1;
        sums.posts.values.0[1] = 2;
        sums.minutes = MinuteSet::from_bits(3);
        sums.weather.0[1] = VariableSums {
            count: 1,
            sum: 5,
            min: 5,
            max: 5,
        };
        let mut row = HourRow::empty(city(), hour(7));
        row.add(SourceId::parse("ab").unwrap(), &sums);
        let calibration = Arc::new(Calibration::default());
        let bytes = encode(std::slice::from_ref(&row));
        let expected = [
            &[1, 1, 2, b'a', b'b', 7, 1, 0, 0b101, 3, 0, 0, 0, 0, 0, 0, 0][..],
            &[0, 172, 2, 0, 0, 0, 1, 0, 2, 0, 2, 1, 10, 10, 10],
        ];
        assert_eq!(bytes, expected.concat());
        row.calibration = Some(Arc::clone(&calibration));
        let decoded = decode(&bytes, city(), range(0, 9), Some(&calibration));
        assert_eq!(decoded.unwrap(), [row]);
    }

    #[test]
    fn rejects_other_bytes() {
        let cases: [&[u8]; 4] = [&[], &[2, 0], &[1, 1, 1, b'!'], &[1, 0, 3, 1, 0]];
        for bytes in cases {
            let rejected = decode(bytes, city(), range(0, 9), None);
            assert!(matches!(rejected, Err(StoreError::Corrupt(_))), "{bytes:?}");
        }
    }
}
