//! Edge cases of an engine: a foreign log, a truncated log, an unavailable store, a broken copy
//! before a good one, many hours at once, the other topic.

#![allow(clippy::unwrap_used)]

mod support;

use moodvane_eventlog::{Batch, RecordRef, TopicPartition, Watermarks};
use moodvane_model::{HourSlot, Offset, Partition, Topic, Variable};
use moodvane_processor::ProcessorError;
use support::*;

fn log_of(ids: std::ops::Range<u32>) -> Log {
    (0..).zip(ids.map(post)).collect()
}

/// Folds and flushes all records of a log from the engine's start offset.
fn fold_all(bench: &Bench, log: &Log) -> Result<(), ProcessorError> {
    let mut engine = bench.engine();
    let from = engine.assign(watermarks(0, log), at(7))?;
    engine.fold(&batch(0, log, from.0, 1_000))?;
    engine.flush()?;
    Ok(())
}

#[test]
fn detects_recreated_topic() {
    let bench = Bench::default();
    fold_all(&bench, &log_of(0..20)).unwrap();
    let shorter = fold_all(&bench, &log_of(0..19)).unwrap_err();
    assert!(
        matches!(shorter, ProcessorError::LogTooShort { .. }),
        "{shorter}"
    );
    let other = fold_all(&bench, &log_of(100..140)).unwrap_err();
    assert!(
        matches!(other, ProcessorError::ForeignLog { .. }),
        "{other}"
    );
    assert_eq!(
        bench.store.merged(),
        truth(&[log_of(0..20)], WINDOW),
        "no row changes"
    );
}

#[test]
fn reports_gap_and_folds_remaining_records() {
    let bench = Bench::default();
    fold_all(&bench, &log_of(0..20)).unwrap();
    let mut truncated = log_of(0..40);
    truncated.retain(|offset, _| *offset >= 25);
    fold_all(&bench, &truncated).unwrap();
    let gaps = bench.store.gaps.lock().unwrap();
    assert_eq!(gaps.len(), 1);
    assert_eq!((gaps[0].from, gaps[0].to), (Offset(20), Offset(25)));
    assert_eq!((gaps[0].after, gaps[0].found_at), (Some(at(19)), at(7)));
    let mut folded = log_of(0..40);
    folded.retain(|offset, _| !(20..25).contains(offset));
    assert_eq!(bench.store.merged(), truth(&[folded], WINDOW));
}

#[test]
fn repeats_flush_after_store_outage() {
    let bench = Bench::default();
    let log = log_of(0..20);
    let mut engine = bench.engine();
    let from = engine.assign(watermarks(0, &log), at(0)).unwrap();
    engine.fold(&batch(0, &log, from.0, 100)).unwrap();
    *bench.store.unavailable.lock().unwrap() = true;
    assert!(engine.flush().is_err());
    assert_eq!(
        engine.unflushed_records(),
        20,
        "unwritten records stay unflushed"
    );
    *bench.store.unavailable.lock().unwrap() = false;
    engine.flush().unwrap();
    assert_eq!(engine.unflushed_records(), 0);
    assert_eq!(bench.store.merged(), truth(&[log], WINDOW));
}

#[test]
fn broken_copy_does_not_hide_good_one() {
    let bench = Bench::default();
    let (key, value) = post(1);
    let broken = (key.clone(), value[..value.len() - 1].to_vec());
    let log: Log = (0..).zip([broken, (key, value)]).collect();
    fold_all(&bench, &log).unwrap();
    assert_eq!(bench.store.merged()[0].posts().scored(), 1);
    assert_eq!(bench.log.0.lock().unwrap()[0].offset, Offset(0));
}

/// Folds and flushes records of topic `temperature` from the engine's start offset.
fn fold_observations(bench: &Bench, registry: &prometheus::Registry, log: &[(Vec<u8>, Vec<u8>)]) {
    let at_partition = TopicPartition {
        topic: Topic::Temperature,
        partition: Partition(0),
    };
    let marks = Watermarks {
        topic_partition: at_partition,
        low: Offset(0),
        high: Offset(log.len() as u64),
    };
    let mut engine = bench.engine_with(registry);
    let from = engine.assign(marks, at(0)).unwrap();
    let mut batch = Batch::with_capacity(log.len());
    batch.reset(at_partition);
    for (offset, (key, value)) in (0..).zip(log).skip(from.0 as usize) {
        batch.push(RecordRef {
            offset: Offset(offset),
            written_at: at(offset as i64),
            key,
            value,
        });
    }
    engine.fold(&batch).unwrap();
    engine.flush().unwrap();
}

const HOUR_MS: i64 = 3_600_000;

#[test]
fn observation_counts_in_its_own_hour_or_not_at_all() {
    let (bench, registry) = (Bench::default(), prometheus::Registry::new());
    let now = 1_000 * HOUR_MS;
    let log = [
        received_observation(now - 72 * HOUR_MS, now, 33.0),
        received_observation(now - 24 * HOUR_MS - 1, now, 32.0),
        received_observation(now - 20 * HOUR_MS, now, 3.0),
        received_observation(now, now, 1.0),
        received_observation(now + 600_001, now, 31.0),
        // Read again from a history, so received when it was observed.
        received_observation(now - 72 * HOUR_MS, now - 72 * HOUR_MS, 5.0),
    ];
    fold_observations(&bench, &registry, &log);
    let rows = bench.store.merged();
    let found: Vec<_> = rows
        .iter()
        .map(|row| {
            let sums = row.sources.values().next().unwrap();
            let mean = sums.weather.get(Variable::Temperature).mean().unwrap();
            (row.hour.start().millis() / HOUR_MS, mean)
        })
        .collect();
    assert_eq!(found, [(928, 5.0), (980, 3.0), (1_000, 1.0)]);
    let left_out = |reason: &str| {
        let name = "moodvane_processor_left_out_total";
        counter(
            &registry,
            &format!("{name}{{reason=\"{reason}\",topic=\"temperature\"}}"),
        )
    };
    assert_eq!((left_out("too_old"), left_out("future")), (2, 1));
    assert!(bench.log.0.lock().unwrap().is_empty(), "no dead letters");

    let again = prometheus::Registry::new();
    fold_observations(&bench, &again, &log);
    assert_eq!(bench.store.merged(), rows);
    let name = "moodvane_processor_left_out_total{reason=\"too_old\",topic=\"temperature\"}";
    assert_eq!(
        counter(&again, name),
        0,
        "a record that is read again is counted once"
    );
}

#[test]
fn bad_side_value_of_record_costs_only_itself() {
    let (bench, registry) = (Bench::default(), prometheus::Registry::new());
    let (key, value) = observation(0, 7.0);
    let value = String::from_utf8(value).unwrap();
    let value = value.replacen('}', ",\"humidity_pct\":103,\"wind_m_s\":3}", 1);
    fold_observations(&bench, &registry, &[(key, value.into_bytes())]);
    let rows = bench.store.merged();
    let weather = &rows[0].sources.values().next().unwrap().weather;
    let mean = |variable| weather.get(variable).mean();
    assert_eq!(mean(Variable::Temperature), Some(7.0));
    assert_eq!(mean(Variable::Wind), Some(3.0));
    assert_eq!(mean(Variable::Humidity), None);
    let name = "moodvane_processor_values_omitted_total{variable=\"humidity\"}";
    assert_eq!(counter(&registry, name), 1);
    assert!(bench.log.0.lock().unwrap().is_empty(), "no dead letters");
}

#[test]
fn bounds_open_rows() {
    let bench = Bench::default();
    let at_partition = TopicPartition {
        topic: Topic::Temperature,
        partition: Partition(0),
    };
    let mut engine = bench.engine();
    let marks = Watermarks {
        topic_partition: at_partition,
        low: Offset(0),
        high: Offset(48),
    };
    engine.assign(marks, at(0)).unwrap();
    for hour in 0..48u64 {
        let (key, value) = observation(hour as i64 * 3_600_000, hour as f64);
        let mut batch = Batch::with_capacity(1);
        batch.reset(at_partition);
        let record = RecordRef {
            offset: Offset(hour),
            written_at: at(0),
            key: &key,
            value: &value,
        };
        batch.push(record);
        engine.fold(&batch).unwrap();
        engine.flush().unwrap();
        assert!(engine.open_row_count() <= config().open_rows);
    }
    let rows = bench.store.merged();
    assert_eq!(rows.len(), 48);
    for (i, row) in rows.iter().enumerate() {
        assert_eq!(row.hour, HourSlot::from_index(i as u32).unwrap());
        let sums = row.sources.values().next().unwrap();
        assert_eq!(
            sums.weather.get(Variable::Temperature).mean(),
            Some(i as f64)
        );
    }
}
