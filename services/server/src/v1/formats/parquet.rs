//! Hours as an Apache Parquet file: the columns of CSV, typed.
//!
//! `hour` is a UTC time in milliseconds, counts are 64-bit integers, texts UTF-8, all else 64-bit floats; what may be
//! unknown is nullable. The file is one row group without compression, which the response may have. Its
//! key-value metadata name what the hours depend on ([`FileMetadata`]).

use std::sync::Arc;

use anyhow::Context;
use chrono::DateTime;
use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use super::{CsvLine, HEADER};
use crate::v1::hour::Hour;

/// What the hours depend on, as key-value metadata of the file.
#[derive(Debug)]
pub(in crate::v1) struct FileMetadata {
    /// `moodvane.city`: the city's id.
    pub(in crate::v1) city: String,
    /// `moodvane.tz`: the zone of the request; the hours are UTC.
    pub(in crate::v1) tz: String,
    /// `moodvane.talk`: which posts are included.
    pub(in crate::v1) talk: &'static str,
    /// `moodvane.runs`: the runs that serve the hours.
    pub(in crate::v1) runs: String,
}

impl FileMetadata {
    fn key_values(self) -> Vec<KeyValue> {
        let Self {
            city,
            tz,
            talk,
            runs,
        } = self;
        let version = env!("CARGO_PKG_VERSION");
        let pairs = [
            ("moodvane.city", city),
            ("moodvane.tz", tz),
            ("moodvane.talk", talk.to_owned()),
            ("moodvane.runs", runs),
            ("moodvane.version", version.to_owned()),
        ];
        let key_value = |(key, value): (&str, String)| KeyValue::new(key.to_owned(), value);
        pairs.into_iter().map(key_value).collect()
    }
}

/// The values of a column; `None` is NULL.
enum Values {
    Hour(Vec<i64>),
    Count(Vec<u64>),
    OptionalCount(Vec<Option<u64>>),
    Number(Vec<Option<f64>>),
    Text(Vec<String>),
}

impl Values {
    fn physical_type(&self) -> Physical {
        match self {
            Self::Hour(_) | Self::Count(_) | Self::OptionalCount(_) => Physical::INT64,
            Self::Number(_) => Physical::DOUBLE,
            Self::Text(_) => Physical::BYTE_ARRAY,
        }
    }

    fn logical_type(&self) -> Option<LogicalType> {
        match self {
            Self::Hour(_) => Some(LogicalType::timestamp(true, TimeUnit::MILLIS)),
            Self::Text(_) => Some(LogicalType::String),
            _ => None,
        }
    }

    fn repetition(&self) -> Repetition {
        match self {
            Self::OptionalCount(_) | Self::Number(_) => Repetition::OPTIONAL,
            _ => Repetition::REQUIRED,
        }
    }
}

/// The file of these hours.
///
/// # Errors
/// Fails if a count exceeds 63 bits or an hour is not RFC 3339; a server makes neither.
pub(in crate::v1) fn encode(hours: &[Hour], metadata: FileMetadata) -> anyhow::Result<Vec<u8>> {
    let columns = columns(hours)?;
    let fields = HEADER.iter().zip(&columns).map(|(name, values)| {
        let field = Type::primitive_type_builder(name, values.physical_type())
            .with_repetition(values.repetition())
            .with_logical_type(values.logical_type());
        Ok(Arc::new(field.build()?))
    });
    let fields = fields.collect::<anyhow::Result<Vec<_>>>()?;
    let schema = Type::group_type_builder("hours").with_fields(fields);
    let properties = WriterProperties::builder()
        .set_key_value_metadata(Some(metadata.key_values()))
        .set_created_by(format!("moodvane {}", env!("CARGO_PKG_VERSION")));
    let schema = Arc::new(schema.build()?);
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties.build()))?;
    let mut group = file.next_row_group()?;
    for values in columns {
        write_values(&mut group, values)?;
    }
    group.close()?;
    Ok(file.into_inner()?)
}

/// The columns of [`HEADER`].
fn columns(hours: &[Hour]) -> anyhow::Result<Vec<Values>> {
    let lines: Vec<CsvLine<'_>> = hours.iter().map(CsvLine::new).collect();
    let number = |value: &dyn Fn(&CsvLine<'_>) -> Option<f64>| {
        Values::Number(lines.iter().map(value).collect())
    };
    let count = |value: fn(&CsvLine<'_>) -> u64| Values::Count(lines.iter().map(value).collect());
    let text = |value: fn(&CsvLine<'_>) -> String| Values::Text(lines.iter().map(value).collect());
    let start =
        |line: &CsvLine<'_>| Ok(DateTime::parse_from_rfc3339(line.hour)?.timestamp_millis());
    let starts: anyhow::Result<Vec<i64>> = lines.iter().map(start).collect();
    let talk = lines.iter().map(|line| line.weather_talk_posts);
    let mut columns = vec![
        Values::Hour(starts?),
        count(|line| line.posts),
        count(|line| line.unscored),
        number(&|line| line.feeling),
        number(&|line| line.standard_error),
    ];
    columns.extend((0..5).map(|class| number(&|line| line.shares[class])));
    columns.extend((0..6).map(|variable| number(&|line| line.weather[variable])));
    columns.extend([
        text(|line| line.minutes.clone()),
        text(|line| line.excluded.clone()),
        number(&|line| line.direct_feeling),
        number(&|line| line.direct_standard_error),
        Values::OptionalCount(talk.collect()),
    ]);
    Ok(columns)
}

fn write_values<W: std::io::Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: Values,
) -> anyhow::Result<()> {
    let signed = |count: u64| i64::try_from(count).context("count exceeds 63 bits");
    match values {
        Values::Hour(starts) => write::<Int64Type, _>(group, starts.into_iter().map(Some)),
        Values::Count(counts) => {
            let counts = counts.into_iter().map(signed);
            let counts = counts.collect::<anyhow::Result<Vec<_>>>()?;
            write::<Int64Type, _>(group, counts.into_iter().map(Some))
        }
        Values::OptionalCount(counts) => {
            let counts = counts
                .into_iter()
                .map(|count| count.map(signed).transpose());
            write::<Int64Type, _>(group, counts.collect::<anyhow::Result<Vec<_>>>()?)
        }
        Values::Number(numbers) => write::<DoubleType, _>(group, numbers),
        Values::Text(texts) => {
            let bytes = |text: String| Some(ByteArray::from(text.into_bytes()));
            write::<ByteArrayType, _>(group, texts.into_iter().map(bytes))
        }
    }
}

/// Writes the next column. A required column ignores the definition levels, which are all 1 then.
fn write<T: DataType, W: std::io::Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: impl IntoIterator<Item = Option<T::T>>,
) -> anyhow::Result<()> {
    let (mut levels, mut present) = (Vec::new(), Vec::new());
    for value in values {
        levels.push(i16::from(value.is_some()));
        present.extend(value);
    }
    let mut column = group.next_column()?.context("more columns than names")?;
    column
        .typed::<T>()
        .write_batch(&present, Some(&levels), None)?;
    Ok(column.close()?)
}

#[cfg(test)]
#[path = "parquet_tests.rs"]
mod tests;
