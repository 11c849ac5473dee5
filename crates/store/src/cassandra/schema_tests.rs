//! Tests of the schema.

use super::super::migrations::table_id;
use super::*;
use crate::cassandra::cql::tests::words;

#[test]
fn table_id_follows_from_name() {
    let id = |keyspace: &str, table| table_id(&keyspace.parse().unwrap(), table);
    // Pinned: another id would be another table.
    assert_eq!(
        id("moodvane", "progress"),
        "03ebc218-cb03-8b17-a5c7-fa5a535fbf7c"
    );
    assert_ne!(id("moodvane", "progress"), id("moodvane", "gap"));
    assert_ne!(id("moodvane", "gap"), id("other", "gap"));
}

#[test]
fn quotes_datacenter() {
    let mut config = CassandraConfig::new(vec![], "m".parse().unwrap());
    config.datacenter = Some("it's".to_owned());
    assert!(create_keyspace(&config).contains("'it''s': 1"));
}

#[test]
fn pins_keyspace_statement() {
    let mut config = CassandraConfig::new(vec![], "m".parse().unwrap());
    config.replication_factor = 3.try_into().unwrap();
    assert_eq!(
        words(&create_keyspace(&config)),
        "CREATE KEYSPACE IF NOT EXISTS m WITH replication = \
         {'class': 'NetworkTopologyStrategy', 'replication_factor': 3}"
    );
    config.datacenter = Some("dc1".to_owned());
    assert_eq!(
        words(&create_keyspace(&config)),
        "CREATE KEYSPACE IF NOT EXISTS m WITH replication = \
         {'class': 'NetworkTopologyStrategy', 'dc1': 3}"
    );
}

#[test]
fn pins_table_statements() {
    let keyspace: Keyspace = "moodvane".parse().unwrap();
    let changes = MIGRATIONS.iter().flat_map(|changes| changes.iter());
    let created = changes.map(|change| match change {
        Change::Create(table) => words(&table.create(&keyspace)),
        Change::Add(column) => words(&column.add(&keyspace)),
    });
    assert_eq!(created.collect::<Vec<_>>(), TABLES.map(words));
}

/// The statements that change the schema, in order. A released statement never changes.
const TABLES: [&str; 10] = [
    "CREATE TABLE IF NOT EXISTS moodvane.store_schema
         (scope text, version int, PRIMARY KEY (scope, version))
     WITH id = '6f5b19cc-a995-8af1-8007-6e6829134beb'
         AND comment = 'the versions of these tables that are complete'",
    "CREATE TABLE IF NOT EXISTS moodvane.run_event
         (journal text, number bigint, event text, run text, serves_from text,
             PRIMARY KEY (journal, number))
     WITH id = '98f3e631-70ce-8419-8705-b80af1304bce'
         AND comment = 'what happened to runs, in order; only ever appended to'",
    "CREATE TABLE IF NOT EXISTS moodvane.partial_hour
         (run text, city text, month text, hour text, topic text, incarnation bigint,
             partition bigint, source text, through_offset bigint, minutes bigint,
             very_negative bigint, negative bigint, neutral bigint, positive bigint,
             very_positive bigint, score_micros bigint, unscored bigint,
             temperature_n bigint, temperature_sum bigint,
             temperature_min bigint, temperature_max bigint,
             humidity_n bigint, humidity_sum bigint, humidity_min bigint, humidity_max bigint,
             precipitation_n bigint, precipitation_sum bigint,
             precipitation_min bigint, precipitation_max bigint,
             wind_n bigint, wind_sum bigint, wind_min bigint, wind_max bigint,
             cloud_n bigint, cloud_sum bigint, cloud_min bigint, cloud_max bigint,
             pressure_n bigint, pressure_sum bigint, pressure_min bigint, pressure_max bigint,
             PRIMARY KEY ((run, city, month), hour, topic, incarnation, partition, source))
     WITH id = '8d93053d-8993-8185-9d4d-d50d99f94c74'
         AND compaction = {'class': 'LeveledCompactionStrategy'}
         AND comment = 'what one partition and source contributed to an hour;
             weather in millionths of its unit; write timestamp = through_offset + 1'",
    "CREATE TABLE IF NOT EXISTS moodvane.progress
         (run text, topic text, incarnation bigint, partition bigint,
             next_offset bigint, anchor_offset bigint, anchor_written_at timestamp,
             anchor_key_hash bigint, PRIMARY KEY (run, topic, incarnation, partition))
     WITH id = '03ebc218-cb03-8b17-a5c7-fa5a535fbf7c'
         AND compaction = {'class': 'LeveledCompactionStrategy'}
         AND comment = 'every record below next_offset is in partial_hour;
             write timestamp = next_offset + 1'",
    "CREATE TABLE IF NOT EXISTS moodvane.gap
         (run text, topic text, incarnation bigint, partition bigint,
             from_offset bigint, to_offset bigint, after timestamp, found_at timestamp,
             PRIMARY KEY (run, topic, incarnation, partition, from_offset))
     WITH id = 'fd98abd3-4c3d-8a31-8b93-902007306ee2'
         AND comment = 'records that retention removed before they were folded;
             write timestamp = to_offset + 1'",
    "CREATE TABLE IF NOT EXISTS moodvane.run_calibration
         (run text, calibration text, PRIMARY KEY (run))
     WITH id = '123e5d34-0279-89b1-b0ed-35ccecbb781d'
         AND comment = 'the calibration of the scorer of each run; never changed'",
    "ALTER TABLE moodvane.partial_hour ADD post_values blob",
    "CREATE TABLE IF NOT EXISTS moodvane.fold_offset
         (run text, city text, block text, period text, topic text, incarnation bigint,
             partition bigint, through_offset bigint,
             PRIMARY KEY ((run, city, block), period, topic, incarnation, partition))
     WITH id = '2d1e1418-1c09-8b84-9565-a8a532129352'
         AND compaction = {'class': 'LeveledCompactionStrategy'}
         AND comment = 'no row of the period and partition is folded further;
             written before the rows; write timestamp = through_offset + 1'",
    "CREATE TABLE IF NOT EXISTS moodvane.merged_hours
         (run text, city text, block text, period text, hours blob,
             PRIMARY KEY ((run, city, block), period))
     WITH id = 'cc50c961-8959-8eab-b78c-87d015c11682'
         AND compaction = {'class': 'LeveledCompactionStrategy'}
         AND comment = 'merged rows of a period, valid while its fold offsets are those in it;
             can be truncated at any time'",
    "CREATE TABLE IF NOT EXISTS moodvane.run_rebuild
         (run text, number bigint, PRIMARY KEY (run))
     WITH id = '776639dc-ee0a-8b80-9180-4ea73c3ef7b7'
         AND comment = 'odd while lost rows are restored, then even; write timestamp = number'",
];
