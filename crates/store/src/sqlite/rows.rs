//! Rows of the store in SQLite: conversion between types and columns.

use std::ops::Range;
use std::slice;
use std::sync::LazyLock;

use moodvane_model::{
    Anchor, Calibration, CityId, ContextError, HourRange, HourRow, HourSlot, Incarnation,
    MinuteSet, Offset, PartialHour, PartialKey, Partition, PostSums, Progress, ProgressKey, RunId,
    SourceId, Sums, Timestamp, Topic, Variable, VariableSums, WeatherSums,
};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use crate::{Gap, StoreError, post_values};

const COLUMNS: &str =
    "post_values, minutes, class0, class1, class2, class3, class4, score_micros, unscored,
    temperature_n, temperature_sum, temperature_min, temperature_max,
    humidity_n, humidity_sum, humidity_min, humidity_max,
    precipitation_n, precipitation_sum, precipitation_min, precipitation_max,
    wind_n, wind_sum, wind_min, wind_max,
    cloud_n, cloud_sum, cloud_min, cloud_max,
    pressure_n, pressure_sum, pressure_min, pressure_max";
const COLUMN_COUNT: usize = BEFORE_WEATHER + PER_VARIABLE * Variable::ALL.len();
const BEFORE_WEATHER: usize = 9;
const PER_VARIABLE: usize = 4;

static PUT_PARTIAL: LazyLock<String> = LazyLock::new(|| {
    let marks = vec!["?"; 8 + COLUMN_COUNT].join(", ");
    let sets: Vec<String> = COLUMNS
        .split(',')
        .map(|c| format!("{0} = excluded.{0}", c.trim()))
        .collect();
    format!(
        "INSERT INTO partial_hour (run, city, hour, topic, incarnation, partition, source, through_offset, {COLUMNS})
         VALUES ({marks})
         ON CONFLICT (run, city, hour, topic, incarnation, partition, source) DO UPDATE SET
            through_offset = excluded.through_offset, {}
         WHERE excluded.through_offset > through_offset",
        sets.join(", ")
    )
});

static PARTIAL: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT through_offset, {COLUMNS} FROM partial_hour
         WHERE run = ?1 AND city = ?2 AND hour = ?3 AND topic = ?4 AND incarnation = ?5
           AND partition = ?6 AND source = ?7"
    )
});

static HOURS: LazyLock<String> = LazyLock::new(|| hours_query(COLUMNS));

/// The same with one weather variable, in the order of [`Variable::ALL`].
static HOURS_WITH: LazyLock<[String; Variable::ALL.len()]> = LazyLock::new(|| {
    Variable::ALL.map(|variable| {
        let own = columns_of(variable);
        let columns = COLUMNS.split(',').enumerate();
        let columns = columns.filter(|(index, _)| *index < BEFORE_WEATHER || own.contains(index));
        hours_query(&columns.map(|(_, name)| name).collect::<Vec<_>>().join(","))
    })
});

fn hours_query(columns: &str) -> String {
    format!(
        "SELECT hour, source, {columns} FROM partial_hour
         WHERE run = ?1 AND city = ?2 AND hour BETWEEN ?3 AND ?4 ORDER BY hour"
    )
}

/// The indexes of a variable's columns among [`COLUMNS`].
fn columns_of(variable: Variable) -> Range<usize> {
    let first = BEFORE_WEATHER + PER_VARIABLE * variable.index();
    first..first + PER_VARIABLE
}

fn corrupt(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Corrupt(ContextError::caused_by("invalid value in the store", error))
}

/// The hour of a column.
pub(super) fn hour(index: u32) -> Result<HourSlot, StoreError> {
    HourSlot::from_index(index).map_err(corrupt)
}

fn timestamp(ms: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millis(ms).map_err(corrupt)
}

/// The number that identifies a registered run in the rows.
pub(super) fn run_number(connection: &Connection, run: &RunId) -> Result<Option<i64>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT number FROM run WHERE name = ?1")?
        .query_row([run.as_str()], |row| row.get(0))
        .optional()?)
}

/// The calibration of a run's scorer, if it has one.
pub(super) fn calibration(
    connection: &Connection,
    run: i64,
) -> Result<Option<Calibration>, StoreError> {
    let text: Option<String> = connection
        .prepare_cached("SELECT calibration FROM run WHERE number = ?1")?
        .query_row([run], |row| row.get(0))?;
    text.map(|text| text.parse().map_err(corrupt)).transpose()
}

/// Deletes a run and all its rows.
pub(super) fn delete_run(
    connection: &Connection,
    number: i64,
    run: &RunId,
) -> Result<(), StoreError> {
    connection.execute("DELETE FROM partial_hour WHERE run = ?1", [number])?;
    connection.execute("DELETE FROM progress WHERE run = ?1", [run.as_str()])?;
    connection.execute("DELETE FROM gap WHERE run = ?1", [run.as_str()])?;
    connection.execute("DELETE FROM run WHERE number = ?1", [number])?;
    Ok(())
}

/// The sums as columns. Empty sums are NULL, which takes one byte.
fn columns(sums: &Sums) -> [Value; COLUMN_COUNT] {
    let mut columns = [const { Value::Null }; COLUMN_COUNT];
    columns[1] = Value::Integer(sums.minutes.bits() as i64);
    if sums.posts != PostSums::default() {
        columns[0] = Value::Blob(post_values::encode(sums));
        for (column, count) in columns[2..7].iter_mut().zip(sums.posts.classes) {
            *column = Value::Integer(count as i64);
        }
        columns[7] = Value::Integer(sums.posts.score_micros);
        columns[8] = Value::Integer(sums.posts.unscored as i64);
    }
    for (variable, chunk) in sums
        .weather
        .0
        .iter()
        .zip(columns[BEFORE_WEATHER..].chunks_mut(PER_VARIABLE))
    {
        if variable.count > 0 {
            let values = [
                variable.count as i64,
                variable.sum,
                variable.min,
                variable.max,
            ];
            for (column, value) in chunk.iter_mut().zip(values) {
                *column = Value::Integer(value);
            }
        }
    }
    columns
}

/// The sums of a row whose columns start at index `first`, with these weather variables in this order.
fn sums(row: &Row<'_>, first: usize, variables: &[Variable]) -> Result<Sums, StoreError> {
    let mut sums = Sums {
        minutes: MinuteSet::from_bits(row.get::<_, i64>(first + 1)? as u64),
        ..Sums::default()
    };
    if let Some(class0) = row.get::<_, Option<i64>>(first + 2)? {
        sums.posts.classes[0] = class0 as u64;
        for class in 1..5 {
            sums.posts.classes[class] = row.get::<_, i64>(first + 2 + class)? as u64;
        }
        sums.posts.score_micros = row.get(first + 7)?;
        sums.posts.unscored = row.get::<_, i64>(first + 8)? as u64;
        // NULL in rows that version 1 wrote.
        let values = row.get_ref(first)?.as_blob_or_null().map_err(corrupt)?;
        post_values::decode(values.unwrap_or_default(), &mut sums)?;
    }
    sums.weather = weather(row, first + BEFORE_WEATHER, variables)?;
    Ok(sums)
}

fn weather(row: &Row<'_>, first: usize, variables: &[Variable]) -> rusqlite::Result<WeatherSums> {
    let mut weather = WeatherSums::default();
    for (i, variable) in variables.iter().enumerate() {
        let at = first + PER_VARIABLE * i;
        if let Some(count) = row.get::<_, Option<i64>>(at)? {
            weather.0[variable.index()] = VariableSums {
                count: count as u64,
                sum: row.get(at + 1)?,
                min: row.get(at + 2)?,
                max: row.get(at + 3)?,
            };
        }
    }
    Ok(weather)
}

/// Writes a partial hour unless the existing row has a higher or equal offset.
pub(super) fn put_partial(
    connection: &Connection,
    run: i64,
    row: &PartialHour,
) -> Result<(), StoreError> {
    let key = &row.key;
    let key_values = [
        Value::Integer(run),
        Value::Text(key.city.to_string()),
        Value::Integer(i64::from(key.hour.index())),
        Value::Text(key.topic.name().to_owned()),
        Value::Integer(i64::from(key.incarnation.0)),
        Value::Integer(i64::from(key.partition.0)),
        Value::Text(key.source.to_string()),
        Value::Integer(row.through_offset.0 as i64),
    ];
    let values = key_values.into_iter().chain(columns(&row.sums));
    connection
        .prepare_cached(&PUT_PARTIAL)?
        .execute(params_from_iter(values))?;
    Ok(())
}

/// The partial hour of a key, if there is one.
pub(super) fn partial(
    connection: &Connection,
    run: i64,
    key: PartialKey,
) -> Result<Option<PartialHour>, StoreError> {
    let found = connection
        .prepare_cached(&PARTIAL)?
        .query_row(
            params![
                run,
                key.city.as_str(),
                key.hour.index(),
                key.topic.name(),
                key.incarnation.0,
                key.partition.0,
                key.source.as_str()
            ],
            |row| Ok((row.get::<_, i64>(0)?, sums(row, 1, &Variable::ALL))),
        )
        .optional()?;
    let Some((through, sums)) = found else {
        return Ok(None);
    };
    Ok(Some(PartialHour {
        key,
        sums: sums?,
        through_offset: Offset(through as u64),
    }))
}

/// Appends the hours of one run to `merged`, in order of the hours, with the weather variable `only`
/// or all.
pub(super) fn merged_hours(
    connection: &Connection,
    run: i64,
    city: CityId,
    range: HourRange,
    only: Option<Variable>,
    merged: &mut Vec<HourRow>,
) -> Result<(), StoreError> {
    let (text, variables) = match &only {
        Some(variable) => (&HOURS_WITH[variable.index()], slice::from_ref(variable)),
        None => (&*HOURS, &Variable::ALL[..]),
    };
    let mut select = connection.prepare_cached(text)?;
    let mut rows = select.query(params![
        run,
        city.as_str(),
        range.begin().index(),
        range.end().index()
    ])?;
    while let Some(row) = rows.next()? {
        let slot = hour(row.get(0)?)?;
        if merged.last().is_none_or(|last| last.hour != slot) {
            merged.push(HourRow::empty(city, slot));
        }
        let source = row.get_ref(1)?.as_str().map_err(corrupt)?;
        let source = SourceId::parse(source).map_err(corrupt)?;
        if let Some(last) = merged.last_mut() {
            last.add(source, &sums(row, 2, variables)?);
        }
    }
    Ok(())
}

/// Writes progress unless the existing row has a higher or equal offset.
pub(super) fn put_progress(connection: &Connection, row: &Progress) -> Result<(), StoreError> {
    let anchor = row.anchor;
    connection
        .prepare_cached(
            "INSERT INTO progress (run, topic, incarnation, partition, next_offset,
                anchor_offset, anchor_written_at_ms, anchor_key_hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (run, topic, incarnation, partition) DO UPDATE SET
                next_offset = excluded.next_offset, anchor_offset = excluded.anchor_offset,
                anchor_written_at_ms = excluded.anchor_written_at_ms,
                anchor_key_hash = excluded.anchor_key_hash
             WHERE excluded.next_offset > next_offset",
        )?
        .execute(params![
            row.key.run.as_str(),
            row.key.topic.name(),
            row.key.incarnation.0,
            row.key.partition.0,
            row.next.0 as i64,
            anchor.map(|a| a.offset.0 as i64),
            anchor.map(|a| a.written_at.millis()),
            anchor.map(|a| a.key_hash as i64),
        ])?;
    Ok(())
}

/// The progress of a partition, if there is any.
pub(super) fn progress(
    connection: &Connection,
    key: ProgressKey,
) -> Result<Option<Progress>, StoreError> {
    let found = connection
        .prepare_cached(
            "SELECT next_offset, anchor_offset, anchor_written_at_ms, anchor_key_hash FROM progress
             WHERE run = ?1 AND topic = ?2 AND incarnation = ?3 AND partition = ?4",
        )?
        .query_row(
            params![
                key.run.as_str(),
                key.topic.name(),
                key.incarnation.0,
                key.partition.0
            ],
            |row| {
                let anchor = (row.get::<_, Option<i64>>(1)?, row.get(2)?, row.get(3)?);
                Ok((row.get::<_, i64>(0)?, anchor))
            },
        )
        .optional()?;
    let Some((next, anchor)) = found else {
        return Ok(None);
    };
    let anchor = match anchor {
        (Some(offset), Some(written_at), Some(key_hash)) => Some(Anchor {
            offset: Offset(offset as u64),
            written_at: timestamp(written_at)?,
            key_hash: i64::cast_unsigned(key_hash),
        }),
        _ => None,
    };
    Ok(Some(Progress {
        key,
        next: Offset(next as u64),
        anchor,
    }))
}

/// Stores a gap; storing it again has no effect.
pub(super) fn put_gap(connection: &Connection, gap: &Gap) -> Result<(), StoreError> {
    connection.execute(
        "INSERT OR IGNORE INTO gap (run, topic, incarnation, partition, from_offset, to_offset,
            after_ms, found_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            gap.key.run.as_str(),
            gap.key.topic.name(),
            gap.key.incarnation.0,
            gap.key.partition.0,
            gap.from.0 as i64,
            gap.to.0 as i64,
            gap.after.map(Timestamp::millis),
            gap.found_at.millis(),
        ],
    )?;
    Ok(())
}

/// All gaps of a run.
pub(super) fn gaps(connection: &Connection, run: &RunId) -> Result<Vec<Gap>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT topic, incarnation, partition, from_offset, to_offset, after_ms, found_at_ms
         FROM gap WHERE run = ?1 ORDER BY topic, incarnation, partition, from_offset",
    )?;
    let mut rows = select.query([run.as_str()])?;
    let mut gaps = Vec::new();
    while let Some(row) = rows.next()? {
        let topic = row.get_ref(0)?.as_str().map_err(corrupt)?.parse::<Topic>();
        let key = ProgressKey {
            run: run.clone(),
            topic: topic.map_err(corrupt)?,
            incarnation: Incarnation(row.get(1)?),
            partition: Partition(row.get(2)?),
        };
        gaps.push(Gap {
            key,
            from: Offset(row.get::<_, i64>(3)? as u64),
            to: Offset(row.get::<_, i64>(4)? as u64),
            after: row.get::<_, Option<i64>>(5)?.map(timestamp).transpose()?,
            found_at: timestamp(row.get(6)?)?,
        });
    }
    Ok(gaps)
}
