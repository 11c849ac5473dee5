//! The CQL of the store's statements.

use super::config::Keyspace;
use super::rows::{SUMS, SUMS_COUNT};

/// Finds a table of a keyspace.
pub(super) const FIND_TABLE: &str =
    "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?";
/// Finds a column of a table.
pub(super) const FIND_COLUMN: &str = "SELECT column_name FROM system_schema.columns
    WHERE keyspace_name = ? AND table_name = ? AND column_name = ?";
/// Reads the replication of a keyspace.
pub(super) const FIND_REPLICATION: &str =
    "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?";

/// Builds the statements for the tables of a keyspace.
pub(super) struct Cql<'k>(pub(super) &'k Keyspace);

impl Cql<'_> {
    /// Reads the hours of a month; `columns` are those of the sums.
    pub(super) fn hours(&self, columns: &str) -> String {
        let ks = self.0;
        format!(
            "SELECT hour, source, post_values, {columns} FROM {ks}.partial_hour
                 WHERE run = ? AND city = ? AND month = ? AND hour >= ? AND hour <= ?"
        )
    }

    /// Reads the partial rows of a month with the partitions of the log that they are from.
    pub(super) fn rows_to_merge(&self) -> String {
        let ks = self.0;
        format!(
            "SELECT topic, incarnation, partition, through_offset, hour, source, post_values, {SUMS}
                 FROM {ks}.partial_hour
                 WHERE run = ? AND city = ? AND month = ? AND hour >= ? AND hour <= ?"
        )
    }

    pub(super) fn put_fold_offset(&self) -> String {
        let ks = self.0;
        format!(
            "INSERT INTO {ks}.fold_offset (run, city, block, period, topic, incarnation,
                    partition, through_offset)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?"
        )
    }

    pub(super) fn fold_offsets(&self) -> String {
        let ks = self.0;
        format!(
            "SELECT period, topic, incarnation, partition, through_offset FROM {ks}.fold_offset
                 WHERE run = ? AND city = ? AND block = ? AND period >= ? AND period <= ?"
        )
    }

    pub(super) fn delete_fold_offsets(&self) -> String {
        let ks = self.0;
        format!(
            "DELETE FROM {ks}.fold_offset USING TIMESTAMP ?
                 WHERE run = ? AND city = ? AND block = ?"
        )
    }

    pub(super) fn put_merged_hours(&self) -> String {
        let ks = self.0;
        format!(
            "INSERT INTO {ks}.merged_hours (run, city, block, period, hours)
                 VALUES (?, ?, ?, ?, ?)"
        )
    }

    pub(super) fn merged_hours(&self) -> String {
        let ks = self.0;
        format!(
            "SELECT period, hours FROM {ks}.merged_hours
                 WHERE run = ? AND city = ? AND block = ? AND period >= ? AND period <= ?"
        )
    }

    pub(super) fn delete_merged_hours(&self) -> String {
        let ks = self.0;
        format!(
            "DELETE FROM {ks}.merged_hours USING TIMESTAMP ?
                 WHERE run = ? AND city = ? AND block = ?"
        )
    }

    pub(super) fn put_rebuild(&self) -> String {
        let ks = self.0;
        format!("INSERT INTO {ks}.run_rebuild (run, number) VALUES (?, ?) USING TIMESTAMP ?")
    }

    pub(super) fn rebuild(&self) -> String {
        let ks = self.0;
        format!("SELECT number FROM {ks}.run_rebuild WHERE run = ?")
    }

    pub(super) fn delete_rebuild(&self) -> String {
        let ks = self.0;
        format!("DELETE FROM {ks}.run_rebuild USING TIMESTAMP ? WHERE run = ?")
    }

    pub(super) fn events(&self) -> String {
        let ks = self.0;
        format!("SELECT number, event, run, serves_from FROM {ks}.run_event WHERE journal = ?")
    }

    pub(super) fn put_partial(&self) -> String {
        let ks = self.0;
        let placeholders = vec!["?"; 10 + SUMS_COUNT].join(", ");
        format!(
            "INSERT INTO {ks}.partial_hour (run, city, month, hour, topic, incarnation,
                    partition, source, through_offset, post_values, {SUMS})
                 VALUES ({placeholders}) USING TIMESTAMP ?"
        )
    }

    pub(super) fn partial(&self) -> String {
        let ks = self.0;
        format!(
            "SELECT through_offset, post_values, {SUMS} FROM {ks}.partial_hour
                 WHERE run = ? AND city = ? AND month = ? AND hour = ? AND topic = ?
                   AND incarnation = ? AND partition = ? AND source = ?"
        )
    }

    pub(super) fn put_progress(&self) -> String {
        let ks = self.0;
        format!(
            "INSERT INTO {ks}.progress (run, topic, incarnation, partition, next_offset,
                    anchor_offset, anchor_written_at, anchor_key_hash)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?"
        )
    }

    pub(super) fn progress(&self) -> String {
        let ks = self.0;
        format!(
            "SELECT next_offset, anchor_offset, anchor_written_at, anchor_key_hash
                 FROM {ks}.progress
                 WHERE run = ? AND topic = ? AND incarnation = ? AND partition = ?"
        )
    }

    /// Reads the progress of all partitions of the log.
    pub(super) fn all_progress(&self) -> String {
        let ks = self.0;
        format!(
            "SELECT topic, incarnation, partition, next_offset, anchor_written_at
                 FROM {ks}.progress WHERE run = ?"
        )
    }

    pub(super) fn put_gap(&self) -> String {
        let ks = self.0;
        format!(
            "INSERT INTO {ks}.gap (run, topic, incarnation, partition, from_offset,
                    to_offset, after, found_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?"
        )
    }

    pub(super) fn gaps(&self) -> String {
        let ks = self.0;
        format!(
            "SELECT topic, incarnation, partition, from_offset, to_offset, after, found_at
                 FROM {ks}.gap WHERE run = ?"
        )
    }

    pub(super) fn partitions(&self) -> String {
        let ks = self.0;
        format!("SELECT DISTINCT run, city, month FROM {ks}.partial_hour")
    }

    pub(super) fn delete_partials(&self) -> String {
        let ks = self.0;
        format!(
            "DELETE FROM {ks}.partial_hour USING TIMESTAMP ?
                 WHERE run = ? AND city = ? AND month = ?"
        )
    }

    pub(super) fn delete_progress(&self) -> String {
        let ks = self.0;
        format!("DELETE FROM {ks}.progress USING TIMESTAMP ? WHERE run = ?")
    }

    pub(super) fn delete_gaps(&self) -> String {
        let ks = self.0;
        format!("DELETE FROM {ks}.gap USING TIMESTAMP ? WHERE run = ?")
    }

    pub(super) fn put_calibration(&self) -> String {
        let ks = self.0;
        format!("INSERT INTO {ks}.run_calibration (run, calibration) VALUES (?, ?)")
    }

    pub(super) fn calibration(&self) -> String {
        let ks = self.0;
        format!("SELECT calibration FROM {ks}.run_calibration WHERE run = ?")
    }

    pub(super) fn delete_calibration(&self) -> String {
        let ks = self.0;
        format!("DELETE FROM {ks}.run_calibration USING TIMESTAMP ? WHERE run = ?")
    }

    pub(super) fn append_event(&self) -> String {
        let ks = self.0;
        format!(
            "INSERT INTO {ks}.run_event (journal, number, event, run, serves_from)
                 VALUES (?, ?, ?, ?, ?) IF NOT EXISTS"
        )
    }

    pub(super) fn ping(&self) -> String {
        let ks = self.0;
        format!("SELECT version FROM {ks}.store_schema WHERE scope = 'store' LIMIT 1")
    }

    /// Reads the latest complete version of the tables.
    pub(super) fn latest_version(&self) -> String {
        let ks = self.0;
        format!("SELECT max(version) FROM {ks}.store_schema WHERE scope = 'store'")
    }

    pub(super) fn put_version(&self) -> String {
        let ks = self.0;
        format!("INSERT INTO {ks}.store_schema (scope, version) VALUES ('store', ?)")
    }
}

#[cfg(test)]
#[path = "cql_tests.rs"]
pub(super) mod tests;
