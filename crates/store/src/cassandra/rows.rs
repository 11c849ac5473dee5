//! Rows of the store in Cassandra: conversion between types and columns.
//!
//! No cell of a partial row is NULL: a NULL is a tombstone, and a read fails at 100,000 of them. An
//! empty sum is 0.

use std::ops::Range;

use moodvane_model::{
    Anchor, ContextError, HourSlot, MinuteSet, Offset, PostSums, SourceId, Sums, Timestamp,
    Variable, VariableSums, WeatherSums,
};
use scylla::deserialize::row::{ColumnIterator, DeserializeRow, RawColumn};
use scylla::deserialize::value::DeserializeValue;
use scylla::deserialize::{DeserializationError, TypeCheckError};
use scylla::frame::response::result::{ColumnSpec, ColumnType};
use scylla::serialize::SerializationError;
use scylla::serialize::value::SerializeValue;
use scylla::serialize::writers::{CellWriter, WrittenCellProof};
use scylla::value::CqlTimestamp;

use crate::{StoreError, post_values};

/// The columns of sums, in the order in which [`numbers`] has them.
pub(super) const SUMS: &str = "minutes, very_negative, negative, neutral, positive, very_positive,
    score_micros, unscored,
    temperature_n, temperature_sum, temperature_min, temperature_max,
    humidity_n, humidity_sum, humidity_min, humidity_max,
    precipitation_n, precipitation_sum, precipitation_min, precipitation_max,
    wind_n, wind_sum, wind_min, wind_max,
    cloud_n, cloud_sum, cloud_min, cloud_max,
    pressure_n, pressure_sum, pressure_min, pressure_max";
/// The number of columns in [`SUMS`].
pub(super) const SUMS_COUNT: usize = BEFORE_WEATHER + PER_VARIABLE * Variable::ALL.len();
/// The number of columns in [`sums_with_variable`].
pub(super) const SUMS_WITH_COUNT: usize = BEFORE_WEATHER + PER_VARIABLE;
const BEFORE_WEATHER: usize = 8;
const PER_VARIABLE: usize = 4;

/// The columns of sums with one weather variable.
pub(super) fn sums_with_variable(variable: Variable) -> String {
    let (before, own) = (BEFORE_WEATHER, columns_of(variable));
    let columns = SUMS.split(',').map(str::trim).enumerate();
    let columns = columns.filter(|(index, _)| *index < before || own.contains(index));
    columns.map(|(_, name)| name).collect::<Vec<_>>().join(", ")
}

/// The indexes of a variable's columns among [`SUMS`].
fn columns_of(variable: Variable) -> Range<usize> {
    let first = BEFORE_WEATHER + PER_VARIABLE * variable.index();
    first..first + PER_VARIABLE
}

/// A value to bind.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cell<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
    Number(i64),
    Timestamp(Timestamp),
    Null,
}

impl SerializeValue for Cell<'_> {
    fn serialize<'b>(
        &self,
        column: &ColumnType,
        writer: CellWriter<'b>,
    ) -> Result<WrittenCellProof<'b>, SerializationError> {
        match self {
            Self::Text(text) => text.serialize(column, writer),
            Self::Bytes(bytes) => bytes.serialize(column, writer),
            Self::Number(number) => number.serialize(column, writer),
            Self::Timestamp(at) => CqlTimestamp(at.millis()).serialize(column, writer),
            Self::Null => Ok(writer.set_null()),
        }
    }
}

/// An offset as a column.
pub(super) fn offset(offset: Offset) -> Result<i64, StoreError> {
    i64::try_from(offset.0)
        .ok()
        .filter(|offset| *offset < i64::MAX)
        .ok_or_else(|| {
            StoreError::Corrupt(
                format!(
                    "offset {offset} is out of range, it must be below {}",
                    i64::MAX
                )
                .into(),
            )
        })
}

/// The write timestamp of a row with this offset: one more, so that offset 0 has a valid one.
///
/// Of two writes the one with the higher timestamp wins cell by cell, in any order of arrival (I2).
/// With equal timestamps Cassandra keeps the greater value of each cell; that is harmless because
/// equal offsets carry equal values (I1).
pub(super) fn write_timestamp(row_offset: Offset) -> Result<i64, StoreError> {
    Ok(offset(row_offset)? + 1)
}

/// Sums as columns.
pub(super) fn numbers(sums: &Sums) -> [i64; SUMS_COUNT] {
    let mut numbers = [0; SUMS_COUNT];
    numbers[0] = sums.minutes.bits().cast_signed();
    for (number, count) in numbers[1..6].iter_mut().zip(sums.posts.classes) {
        *number = count.cast_signed();
    }
    numbers[6] = sums.posts.score_micros;
    numbers[7] = sums.posts.unscored.cast_signed();
    let chunks = numbers[BEFORE_WEATHER..].chunks_exact_mut(PER_VARIABLE);
    for (chunk, variable) in chunks.zip(&sums.weather.0) {
        if variable.count > 0 {
            let VariableSums { sum, min, max, .. } = *variable;
            chunk.copy_from_slice(&[variable.count.cast_signed(), sum, min, max]);
        }
    }
    numbers
}

/// The sums of columns.
fn sums(numbers: &[i64; SUMS_COUNT]) -> Sums {
    let mut posts = PostSums {
        score_micros: numbers[6],
        unscored: numbers[7].cast_unsigned(),
        ..PostSums::default()
    };
    for (count, number) in posts.classes.iter_mut().zip(&numbers[1..6]) {
        *count = number.cast_unsigned();
    }
    let mut weather = WeatherSums::default();
    for (variable, chunk) in weather
        .0
        .iter_mut()
        .zip(numbers[BEFORE_WEATHER..].chunks_exact(PER_VARIABLE))
    {
        if chunk[0] != 0 {
            *variable = VariableSums {
                count: chunk[0].cast_unsigned(),
                sum: chunk[1],
                min: chunk[2],
                max: chunk[3],
            };
        }
    }
    Sums {
        posts,
        weather,
        minutes: MinuteSet::from_bits(numbers[0].cast_unsigned()),
        ..Sums::default()
    }
}

/// The contribution of one partial row to an hour: columns `hour, source, post_values` and `N` of
/// [`SUMS`].
pub(super) struct HourPart<const N: usize> {
    pub(super) hour: HourSlot,
    pub(super) source: SourceId,
    /// The histogram and the weather talk.
    post_values: Sums,
    numbers: [i64; N],
}

/// The sums of the number columns, with the histogram and the weather talk of the post values.
fn with_post_values(mut sums: Sums, post_values: &Sums) -> Sums {
    sums.posts.values = post_values.posts.values;
    sums.weather_talk = post_values.weather_talk;
    sums
}

/// Decodes column `post_values`, which is NULL in rows of schema version 1.
fn decode_post_values(bytes: Option<&[u8]>) -> Result<Sums, DeserializationError> {
    let mut sums = Sums::default();
    post_values::decode(bytes.unwrap_or_default(), &mut sums).map_err(DeserializationError::new)?;
    Ok(sums)
}

impl HourPart<SUMS_COUNT> {
    pub(super) fn sums(&self) -> Sums {
        with_post_values(sums(&self.numbers), &self.post_values)
    }
}

impl HourPart<SUMS_WITH_COUNT> {
    /// The sums of a row with the columns of [`sums_with_variable`].
    pub(super) fn sums_with_variable(&self, variable: Variable) -> Sums {
        let mut all = [0; SUMS_COUNT];
        let (before, own) = self.numbers.split_at(BEFORE_WEATHER);
        all[..BEFORE_WEATHER].copy_from_slice(before);
        all[columns_of(variable)].copy_from_slice(own);
        with_post_values(sums(&all), &self.post_values)
    }
}

/// The columns of a partial row without its key: `through_offset, post_values` and [`SUMS`].
pub(super) struct PartialValues {
    pub(super) through_offset: Offset,
    pub(super) sums: Sums,
}

pub(super) fn check<'f, 'm, T: DeserializeValue<'f, 'm>>(
    specs: &[ColumnSpec],
) -> Result<(), TypeCheckError> {
    specs.iter().try_for_each(|spec| T::type_check(spec.typ()))
}

/// The specifications of the `n` columns before the sums; checks the types of the sums.
pub(super) fn before_sums<'s, 'm>(
    specs: &'s [ColumnSpec<'m>],
    n: usize,
    sums: usize,
) -> Result<&'s [ColumnSpec<'m>], TypeCheckError> {
    let Some((before, sums)) = specs.split_at_checked(n).filter(|s| s.1.len() == sums) else {
        let message = format!("row has {} columns, expected {}", specs.len(), n + sums);
        return Err(TypeCheckError::new(std::io::Error::other(message)));
    };
    check::<i64>(sums)?;
    Ok(before)
}

pub(super) fn next<'f, 'm, T: DeserializeValue<'f, 'm>>(
    row: &mut ColumnIterator<'f, 'm>,
) -> Result<T, DeserializationError> {
    let missing = || DeserializationError::new(std::io::Error::other("column missing"));
    let RawColumn { spec, slice, .. } = row.next().ok_or_else(missing)??;
    T::deserialize(spec.typ(), slice)
}

fn next_numbers<const N: usize>(
    row: &mut ColumnIterator<'_, '_>,
) -> Result<[i64; N], DeserializationError> {
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = next(row)?;
    }
    Ok(numbers)
}

impl<'f, 'm, const N: usize> DeserializeRow<'f, 'm> for HourPart<N> {
    fn type_check(specs: &[ColumnSpec]) -> Result<(), TypeCheckError> {
        let before = before_sums(specs, 3, N)?;
        check::<&str>(&before[..2])?;
        check::<Option<&[u8]>>(&before[2..])
    }

    fn deserialize(mut row: ColumnIterator<'f, 'm>) -> Result<Self, DeserializationError> {
        let hour: &str = next(&mut row)?;
        let source: &str = next(&mut row)?;
        Ok(Self {
            hour: hour.parse().map_err(DeserializationError::new)?,
            source: SourceId::parse(source).map_err(DeserializationError::new)?,
            post_values: decode_post_values(next(&mut row)?)?,
            numbers: next_numbers(&mut row)?,
        })
    }
}

impl<'f, 'm> DeserializeRow<'f, 'm> for PartialValues {
    fn type_check(specs: &[ColumnSpec]) -> Result<(), TypeCheckError> {
        let before = before_sums(specs, 2, SUMS_COUNT)?;
        check::<i64>(&before[..1])?;
        check::<Option<&[u8]>>(&before[1..])
    }

    fn deserialize(mut row: ColumnIterator<'f, 'm>) -> Result<Self, DeserializationError> {
        let through_offset: i64 = next(&mut row)?;
        let post_values = decode_post_values(next(&mut row)?)?;
        Ok(Self {
            through_offset: Offset(through_offset.cast_unsigned()),
            sums: with_post_values(sums(&next_numbers(&mut row)?), &post_values),
        })
    }
}

/// The time of a column.
pub(super) fn timestamp(at: CqlTimestamp) -> Result<Timestamp, StoreError> {
    Timestamp::from_millis(at.0).map_err(|e| {
        StoreError::Corrupt(ContextError::caused_by("invalid timestamp in cassandra", e))
    })
}

/// The anchor of its columns, which are all set or all NULL.
pub(super) fn anchor(
    columns: (Option<i64>, Option<CqlTimestamp>, Option<i64>),
) -> Result<Option<Anchor>, StoreError> {
    match columns {
        (Some(offset), Some(written_at), Some(key_hash)) => Ok(Some(Anchor {
            offset: Offset(offset.cast_unsigned()),
            written_at: timestamp(written_at)?,
            key_hash: key_hash.cast_unsigned(),
        })),
        (None, None, None) => Ok(None),
        _ => Err(StoreError::Corrupt(
            "progress row has an incomplete anchor".into(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn variable() -> impl Strategy<Value = VariableSums> {
        let values = (1u64..1 << 40, any::<i64>(), any::<i64>(), any::<i64>());
        proptest::option::of(values).prop_map(|values| match values {
            Some((count, sum, min, max)) => VariableSums {
                count,
                sum,
                min,
                max,
            },
            None => VariableSums::default(),
        })
    }

    proptest! {
        #[test]
        fn sums_round_trip(
            classes: [u64; 5], score_micros: i64, unscored: u64, minutes: u64,
            weather in proptest::array::uniform6(variable()),
        ) {
            let before = Sums {
                posts: PostSums { classes, score_micros, unscored, ..PostSums::default() },
                weather_talk: PostSums::default(),
                weather: WeatherSums(weather),
                minutes: MinuteSet::from_bits(minutes),
            };
            prop_assert_eq!(sums(&numbers(&before)), before);
        }

        #[test]
        fn single_variable_round_trips_without_the_others(
            classes: [u64; 5], minutes: u64,
            weather in proptest::array::uniform6(variable()), index in 0..Variable::ALL.len(),
        ) {
            let variable = Variable::ALL[index];
            let before = Sums {
                posts: PostSums { classes, ..PostSums::default() },
                weather_talk: PostSums::default(),
                weather: WeatherSums(weather),
                minutes: MinuteSet::from_bits(minutes),
            };
            let columns: Vec<&str> = SUMS.split(',').map(str::trim).collect();
            let all = numbers(&before);
            let read: Vec<i64> = sums_with_variable(variable).split(", ")
                .map(|name| all[columns.iter().position(|column| *column == name).unwrap()])
                .collect();
            let part = HourPart::<SUMS_WITH_COUNT> {
                hour: HourSlot::from_index(0).unwrap(),
                source: SourceId::parse("bluesky").unwrap(),
                post_values: Sums::default(),
                numbers: read.try_into().unwrap(),
            };
            let mut expected = Sums { weather: WeatherSums::default(), ..before };
            expected.weather.0[index] = before.weather.0[index];
            prop_assert_eq!(part.sums_with_variable(variable), expected);
        }

        #[test]
        fn write_timestamp_grows_with_offset(a in 0..i64::MAX as u64 - 1) {
            let lower = write_timestamp(Offset(a)).unwrap();
            prop_assert!(lower > 0);
            prop_assert!(write_timestamp(Offset(a + 1)).unwrap() > lower);
        }
    }

    #[test]
    fn rejects_offset_out_of_range() {
        assert!(write_timestamp(Offset(u64::MAX)).is_err());
        assert!(write_timestamp(Offset(i64::MAX as u64)).is_err());
    }

    #[test]
    fn column_count_matches_sums() {
        assert_eq!(SUMS.split(',').count(), SUMS_COUNT);
    }
}
