//! Pins the statements. Apart from these tests, only those with a running Cassandra execute them.

use moodvane_model::Variable;

use super::super::rows::sums_with_variable;
use super::*;

/// The words of a statement, separated by single spaces.
pub(in crate::cassandra) fn words(cql: &str) -> String {
    cql.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn pins_read_statements() {
    let keyspace = "ks".parse().unwrap();
    let cql = Cql(&keyspace);
    let statements = [
        cql.hours("x, y"),
        cql.hours(&sums_with_variable(Variable::Humidity)),
        cql.events(),
        cql.partial(),
        cql.progress(),
        cql.gaps(),
        cql.partitions(),
        cql.ping(),
        cql.latest_version(),
        cql.calibration(),
        cql.rows_to_merge(),
        cql.fold_offsets(),
        cql.merged_hours(),
        cql.rebuild(),
        cql.all_progress(),
        FIND_TABLE.to_owned(),
        FIND_COLUMN.to_owned(),
        FIND_REPLICATION.to_owned(),
    ];
    assert_eq!(statements.map(|s| words(&s)), READS.map(words));
}

#[test]
fn pins_write_statements() {
    let keyspace = "ks".parse().unwrap();
    let cql = Cql(&keyspace);
    let statements = [
        cql.put_partial(),
        cql.put_progress(),
        cql.put_gap(),
        cql.delete_partials(),
        cql.delete_progress(),
        cql.delete_gaps(),
        cql.put_calibration(),
        cql.delete_calibration(),
        cql.append_event(),
        cql.put_version(),
        cql.put_fold_offset(),
        cql.put_merged_hours(),
        cql.put_rebuild(),
        cql.delete_fold_offsets(),
        cql.delete_merged_hours(),
        cql.delete_rebuild(),
    ];
    assert_eq!(statements.map(|s| words(&s)), WRITES.map(words));
}

const READS: [&str; 18] = [
    "SELECT hour, source, post_values, x, y FROM ks.partial_hour
     WHERE run = ? AND city = ? AND month = ? AND hour >= ? AND hour <= ?",
    "SELECT hour, source, post_values, minutes, very_negative, negative, neutral, positive,
         very_positive, score_micros, unscored, humidity_n, humidity_sum, humidity_min, humidity_max
     FROM ks.partial_hour
     WHERE run = ? AND city = ? AND month = ? AND hour >= ? AND hour <= ?",
    "SELECT number, event, run, serves_from FROM ks.run_event WHERE journal = ?",
    "SELECT through_offset, post_values, minutes, very_negative, negative, neutral, positive,
         very_positive, score_micros, unscored,
         temperature_n, temperature_sum, temperature_min, temperature_max,
         humidity_n, humidity_sum, humidity_min, humidity_max,
         precipitation_n, precipitation_sum, precipitation_min, precipitation_max,
         wind_n, wind_sum, wind_min, wind_max,
         cloud_n, cloud_sum, cloud_min, cloud_max,
         pressure_n, pressure_sum, pressure_min, pressure_max
     FROM ks.partial_hour
     WHERE run = ? AND city = ? AND month = ? AND hour = ? AND topic = ? AND incarnation = ?
         AND partition = ? AND source = ?",
    "SELECT next_offset, anchor_offset, anchor_written_at, anchor_key_hash FROM ks.progress
     WHERE run = ? AND topic = ? AND incarnation = ? AND partition = ?",
    "SELECT topic, incarnation, partition, from_offset, to_offset, after, found_at FROM ks.gap
     WHERE run = ?",
    "SELECT DISTINCT run, city, month FROM ks.partial_hour",
    "SELECT version FROM ks.store_schema WHERE scope = 'store' LIMIT 1",
    "SELECT max(version) FROM ks.store_schema WHERE scope = 'store'",
    "SELECT calibration FROM ks.run_calibration WHERE run = ?",
    "SELECT topic, incarnation, partition, through_offset, hour, source, post_values, minutes,
         very_negative, negative, neutral, positive, very_positive, score_micros, unscored,
         temperature_n, temperature_sum, temperature_min, temperature_max,
         humidity_n, humidity_sum, humidity_min, humidity_max,
         precipitation_n, precipitation_sum, precipitation_min, precipitation_max,
         wind_n, wind_sum, wind_min, wind_max,
         cloud_n, cloud_sum, cloud_min, cloud_max,
         pressure_n, pressure_sum, pressure_min, pressure_max
     FROM ks.partial_hour
     WHERE run = ? AND city = ? AND month = ? AND hour >= ? AND hour <= ?",
    "SELECT period, topic, incarnation, partition, through_offset FROM ks.fold_offset
     WHERE run = ? AND city = ? AND block = ? AND period >= ? AND period <= ?",
    "SELECT period, hours FROM ks.merged_hours
     WHERE run = ? AND city = ? AND block = ? AND period >= ? AND period <= ?",
    "SELECT number FROM ks.run_rebuild WHERE run = ?",
    "SELECT topic, incarnation, partition, next_offset, anchor_written_at FROM ks.progress
     WHERE run = ?",
    "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?",
    "SELECT column_name FROM system_schema.columns
     WHERE keyspace_name = ? AND table_name = ? AND column_name = ?",
    "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?",
];

const WRITES: [&str; 16] = [
    "INSERT INTO ks.partial_hour (run, city, month, hour, topic, incarnation, partition, source,
         through_offset, post_values, minutes, very_negative, negative, neutral, positive,
         very_positive, score_micros, unscored,
         temperature_n, temperature_sum, temperature_min, temperature_max,
         humidity_n, humidity_sum, humidity_min, humidity_max,
         precipitation_n, precipitation_sum, precipitation_min, precipitation_max,
         wind_n, wind_sum, wind_min, wind_max,
         cloud_n, cloud_sum, cloud_min, cloud_max,
         pressure_n, pressure_sum, pressure_min, pressure_max)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
         ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?",
    "INSERT INTO ks.progress (run, topic, incarnation, partition, next_offset, anchor_offset,
         anchor_written_at, anchor_key_hash)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?",
    "INSERT INTO ks.gap (run, topic, incarnation, partition, from_offset, to_offset, after,
         found_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?",
    "DELETE FROM ks.partial_hour USING TIMESTAMP ? WHERE run = ? AND city = ? AND month = ?",
    "DELETE FROM ks.progress USING TIMESTAMP ? WHERE run = ?",
    "DELETE FROM ks.gap USING TIMESTAMP ? WHERE run = ?",
    "INSERT INTO ks.run_calibration (run, calibration) VALUES (?, ?)",
    "DELETE FROM ks.run_calibration USING TIMESTAMP ? WHERE run = ?",
    "INSERT INTO ks.run_event (journal, number, event, run, serves_from)
     VALUES (?, ?, ?, ?, ?) IF NOT EXISTS",
    "INSERT INTO ks.store_schema (scope, version) VALUES ('store', ?)",
    "INSERT INTO ks.fold_offset (run, city, block, period, topic, incarnation, partition,
         through_offset)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?",
    "INSERT INTO ks.merged_hours (run, city, block, period, hours) VALUES (?, ?, ?, ?, ?)",
    "INSERT INTO ks.run_rebuild (run, number) VALUES (?, ?) USING TIMESTAMP ?",
    "DELETE FROM ks.fold_offset USING TIMESTAMP ? WHERE run = ? AND city = ? AND block = ?",
    "DELETE FROM ks.merged_hours USING TIMESTAMP ? WHERE run = ? AND city = ? AND block = ?",
    "DELETE FROM ks.run_rebuild USING TIMESTAMP ? WHERE run = ?",
];
