//! The tables, and the steps that lead to them from each earlier version.
//!
//! A migration only adds. No column is dropped and added again, and no table has a TTL or time-window
//! compaction: the write timestamps are offsets, not times.

use xxhash_rust::xxh3::xxh3_128;

use super::config::Keyspace;

/// A table: name, columns with key, and options. A released table never changes.
pub(super) struct Table {
    pub(super) name: &'static str,
    columns: &'static str,
    options: &'static str,
}

/// A column that is added to a table of an earlier version.
pub(super) struct Column {
    pub(super) table: &'static str,
    pub(super) name: &'static str,
    kind: &'static str,
}

/// A change of the schema.
pub(super) enum Change {
    Create(Table),
    Add(Column),
}

/// The steps from one version to the next: step 0 leads to version 1.
pub(super) const MIGRATIONS: &[&[Change]] = &[
    &[
        Change::Create(STORE_SCHEMA),
        Change::Create(RUN_EVENT),
        Change::Create(PARTIAL_HOUR),
        Change::Create(PROGRESS),
        Change::Create(GAP),
    ],
    &[Change::Create(RUN_CALIBRATION), Change::Add(POST_VALUES)],
    &[
        Change::Create(FOLD_OFFSET),
        Change::Create(MERGED_HOURS),
        Change::Create(RUN_REBUILD),
    ],
];

const FOLD_OFFSET: Table = Table {
    name: "fold_offset",
    columns: "run text, city text, block text, period text, topic text, incarnation bigint,
        partition bigint, through_offset bigint,
        PRIMARY KEY ((run, city, block), period, topic, incarnation, partition)",
    options: "compaction = {'class': 'LeveledCompactionStrategy'}
        AND comment = 'no row of the period and partition is folded further; written before the rows; write timestamp = through_offset + 1'",
};

const MERGED_HOURS: Table = Table {
    name: "merged_hours",
    columns: "run text, city text, block text, period text, hours blob,
        PRIMARY KEY ((run, city, block), period)",
    options: "compaction = {'class': 'LeveledCompactionStrategy'}
        AND comment = 'merged rows of a period, valid while its fold offsets are those in it; can be truncated at any time'",
};

const RUN_REBUILD: Table = Table {
    name: "run_rebuild",
    columns: "run text, number bigint, PRIMARY KEY (run)",
    options: "comment = 'odd while lost rows are restored, then even; write timestamp = number'",
};

const RUN_CALIBRATION: Table = Table {
    name: "run_calibration",
    columns: "run text, calibration text, PRIMARY KEY (run)",
    options: "comment = 'the calibration of the scorer of each run; never changed'",
};

/// NULL in rows that version 1 wrote.
const POST_VALUES: Column = Column {
    table: PARTIAL_HOUR.name,
    name: "post_values",
    kind: "blob",
};

pub(super) const STORE_SCHEMA: Table = Table {
    name: "store_schema",
    columns: "scope text, version int, PRIMARY KEY (scope, version)",
    options: "comment = 'the versions of these tables that are complete'",
};

const RUN_EVENT: Table = Table {
    name: "run_event",
    columns: "journal text, number bigint, event text, run text, serves_from text,
        PRIMARY KEY (journal, number)",
    options: "comment = 'what happened to runs, in order; only ever appended to'",
};

const PARTIAL_HOUR: Table = Table {
    name: "partial_hour",
    columns: "run text, city text, month text,
        hour text, topic text, incarnation bigint, partition bigint, source text,
        through_offset bigint, minutes bigint,
        very_negative bigint, negative bigint, neutral bigint, positive bigint,
        very_positive bigint, score_micros bigint, unscored bigint,
        temperature_n bigint, temperature_sum bigint, temperature_min bigint, temperature_max bigint,
        humidity_n bigint, humidity_sum bigint, humidity_min bigint, humidity_max bigint,
        precipitation_n bigint, precipitation_sum bigint, precipitation_min bigint, precipitation_max bigint,
        wind_n bigint, wind_sum bigint, wind_min bigint, wind_max bigint,
        cloud_n bigint, cloud_sum bigint, cloud_min bigint, cloud_max bigint,
        pressure_n bigint, pressure_sum bigint, pressure_min bigint, pressure_max bigint,
        PRIMARY KEY ((run, city, month), hour, topic, incarnation, partition, source)",
    options: "compaction = {'class': 'LeveledCompactionStrategy'}
        AND comment = 'what one partition and source contributed to an hour; weather in millionths of its unit; write timestamp = through_offset + 1'",
};

const PROGRESS: Table = Table {
    name: "progress",
    columns: "run text, topic text, incarnation bigint, partition bigint,
        next_offset bigint, anchor_offset bigint, anchor_written_at timestamp,
        anchor_key_hash bigint, PRIMARY KEY (run, topic, incarnation, partition)",
    options: "compaction = {'class': 'LeveledCompactionStrategy'}
        AND comment = 'every record below next_offset is in partial_hour; write timestamp = next_offset + 1'",
};

const GAP: Table = Table {
    name: "gap",
    columns: "run text, topic text, incarnation bigint, partition bigint, from_offset bigint,
        to_offset bigint, after timestamp, found_at timestamp,
        PRIMARY KEY (run, topic, incarnation, partition, from_offset)",
    options: "comment = 'records that retention removed before they were folded; write timestamp = to_offset + 1'",
};

/// The version that this program supports.
pub(super) const VERSION: i32 = MIGRATIONS.len() as i32;

impl Table {
    pub(super) fn create(&self, keyspace: &Keyspace) -> String {
        let Self {
            name,
            columns,
            options,
        } = self;
        let id = table_id(keyspace, name);
        format!(
            "CREATE TABLE IF NOT EXISTS {keyspace}.{name} ({columns}) WITH id = '{id}' AND {options}"
        )
    }
}

impl Column {
    pub(super) fn add(&self, keyspace: &Keyspace) -> String {
        let Self { table, name, kind } = self;
        format!("ALTER TABLE {keyspace}.{table} ADD {name} {kind}")
    }

    /// Reads the column of at most one row.
    pub(super) fn select(&self, keyspace: &Keyspace) -> String {
        let Self { table, name, .. } = self;
        format!("SELECT {name} FROM {keyspace}.{table} LIMIT 1")
    }
}

/// The id of a table, derived from keyspace and name.
pub(super) fn table_id(keyspace: &Keyspace, table: &str) -> String {
    let hash = xxh3_128(format!("moodvane {keyspace}.{table}").as_bytes());
    // The version bits of a custom UUID (version 8).
    let id = hash & !(0xf << 76) & !(0x3 << 62) | (0x8 << 76) | (0x2 << 62);
    let text = format!("{id:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| text[part].to_owned());
    parts.join("-")
}
