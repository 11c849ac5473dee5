//! The prepared statements of the store. All but the append are idempotent and marked so: the driver
//! retries and speculates only then.

use futures::future::try_join_all;
use moodvane_model::Variable;
use scylla::client::session::Session;
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::{Consistency as Level, SerialConsistency};

use super::config::{CassandraConfig, Consistency, HoursConsistency};
use super::rows::{SUMS, SUMS_COUNT, sums_with_variable};
use crate::StoreError;

/// Rows per page: about 600 KB.
const PAGE_ROWS: i32 = 2_000;

pub(super) struct Statements {
    pub(super) put_partial: PreparedStatement,
    pub(super) partial: PreparedStatement,
    pub(super) hours: PreparedStatement,
    /// The same with one weather variable, in the order of [`Variable::ALL`].
    pub(super) hours_with_variable: Vec<PreparedStatement>,
    pub(super) put_progress: PreparedStatement,
    pub(super) progress: PreparedStatement,
    pub(super) put_gap: PreparedStatement,
    pub(super) gaps: PreparedStatement,
    /// The keys of all partitions of partial hours.
    pub(super) partitions: PreparedStatement,
    pub(super) delete_partials: PreparedStatement,
    pub(super) delete_progress: PreparedStatement,
    pub(super) delete_gaps: PreparedStatement,
    /// The journal of runs for readers of hours.
    pub(super) events: PreparedStatement,
    /// The journal of runs for a fold: all acknowledged events.
    pub(super) settled_events: PreparedStatement,
    /// The journal of runs with all accepted events, acknowledged or not: a serial read.
    pub(super) latest_events: PreparedStatement,
    pub(super) append_event: PreparedStatement,
    pub(super) ping: PreparedStatement,
}

impl Statements {
    pub(super) async fn prepare(
        session: &Session,
        config: &CassandraConfig,
    ) -> Result<Self, StoreError> {
        let ks = &config.keyspace;
        let prepare = async |cql: String| -> Result<PreparedStatement, StoreError> {
            let mut statement = session.prepare(cql).await?;
            statement.set_is_idempotent(true);
            statement.set_page_size(PAGE_ROWS);
            Ok(statement)
        };
        let events =
            format!("SELECT number, event, run, serves_from FROM {ks}.run_event WHERE journal = ?");
        let hours = |columns: &str| {
            format!(
                "SELECT hour, source, {columns} FROM {ks}.partial_hour
                 WHERE run = ? AND city = ? AND month = ? AND hour >= ? AND hour <= ?"
            )
        };
        let hours_with_variable =
            Variable::ALL.map(|variable| prepare(hours(&sums_with_variable(variable))));
        let hours_with_variable = try_join_all(hours_with_variable).await?;
        let placeholders = vec!["?"; 9 + SUMS_COUNT].join(", ");
        let mut statements = Self {
            put_partial: prepare(format!(
                "INSERT INTO {ks}.partial_hour (run, city, month, hour, topic, incarnation,
                    partition, source, through_offset, {SUMS})
                 VALUES ({placeholders}) USING TIMESTAMP ?"
            ))
            .await?,
            partial: prepare(format!(
                "SELECT through_offset, {SUMS} FROM {ks}.partial_hour
                 WHERE run = ? AND city = ? AND month = ? AND hour = ? AND topic = ?
                   AND incarnation = ? AND partition = ? AND source = ?"
            ))
            .await?,
            hours: prepare(hours(SUMS)).await?,
            hours_with_variable,
            put_progress: prepare(format!(
                "INSERT INTO {ks}.progress (run, topic, incarnation, partition, next_offset,
                    anchor_offset, anchor_written_at, anchor_key_hash)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?"
            ))
            .await?,
            progress: prepare(format!(
                "SELECT next_offset, anchor_offset, anchor_written_at, anchor_key_hash
                 FROM {ks}.progress
                 WHERE run = ? AND topic = ? AND incarnation = ? AND partition = ?"
            ))
            .await?,
            put_gap: prepare(format!(
                "INSERT INTO {ks}.gap (run, topic, incarnation, partition, from_offset,
                    to_offset, after, found_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?"
            ))
            .await?,
            gaps: prepare(format!(
                "SELECT topic, incarnation, partition, from_offset, to_offset, after, found_at
                 FROM {ks}.gap WHERE run = ?"
            ))
            .await?,
            partitions: prepare(format!(
                "SELECT DISTINCT run, city, month FROM {ks}.partial_hour"
            ))
            .await?,
            delete_partials: prepare(format!(
                "DELETE FROM {ks}.partial_hour USING TIMESTAMP ?
                 WHERE run = ? AND city = ? AND month = ?"
            ))
            .await?,
            delete_progress: prepare(format!(
                "DELETE FROM {ks}.progress USING TIMESTAMP ? WHERE run = ?"
            ))
            .await?,
            delete_gaps: prepare(format!(
                "DELETE FROM {ks}.gap USING TIMESTAMP ? WHERE run = ?"
            ))
            .await?,
            events: prepare(events.clone()).await?,
            settled_events: prepare(events.clone()).await?,
            latest_events: prepare(events).await?,
            append_event: prepare(format!(
                "INSERT INTO {ks}.run_event (journal, number, event, run, serves_from)
                 VALUES (?, ?, ?, ?, ?) IF NOT EXISTS"
            ))
            .await?,
            ping: prepare(format!(
                "SELECT version FROM {ks}.store_schema WHERE scope = 'store' LIMIT 1"
            ))
            .await?,
        };
        statements.set_consistency_levels(config);
        Ok(statements)
    }

    fn set_consistency_levels(&mut self, config: &CassandraConfig) {
        self.append_event.set_is_idempotent(false);
        let serial = match config.consistency.serial() {
            SerialConsistency::Serial => Level::Serial,
            SerialConsistency::LocalSerial => Level::LocalSerial,
        };
        self.latest_events.set_consistency(serial);
        if config.consistency == Consistency::All {
            // The journal too must include the events of any single replica.
            self.latest_events.set_consistency(Level::All);
        }
        if config.hours_consistency == HoursConsistency::LocalOne {
            self.hours.set_consistency(Level::LocalOne);
            for statement in &mut self.hours_with_variable {
                statement.set_consistency(Level::LocalOne);
            }
            self.events.set_consistency(Level::LocalOne);
        }
    }
}
