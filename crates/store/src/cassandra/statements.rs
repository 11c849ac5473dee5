//! The prepared statements of the store. All but the append are idempotent and marked so: the driver
//! retries and speculates only then.

use futures::future::try_join_all;
use moodvane_model::Variable;
use scylla::client::session::Session;
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::{Consistency as Level, SerialConsistency};

use super::config::{CassandraConfig, Consistency, HoursConsistency};
use super::cql::Cql;
use super::rows::{SUMS, sums_with_variable};
use crate::StoreError;

/// Rows per page: about 600 KB.
const PAGE_ROWS: i32 = 2_000;
/// Merged periods per page, of at most 1 MiB each.
const PAGE_PERIODS: i32 = 12;

/// The statements of merged hours.
pub(super) struct MergeStatements {
    pub(super) put_fold_offset: PreparedStatement,
    pub(super) fold_offsets: PreparedStatement,
    pub(super) merged_hours: PreparedStatement,
    pub(super) rebuild: PreparedStatement,
    pub(super) put_rebuild: PreparedStatement,
    pub(super) put_merged_hours: PreparedStatement,
    /// The same as `rebuild`, of all replicas.
    pub(super) settled_rebuild: PreparedStatement,
    /// The same as `fold_offsets`, of all replicas.
    pub(super) settled_fold_offsets: PreparedStatement,
    /// The progress of a run, of all replicas.
    pub(super) settled_progress: PreparedStatement,
    /// The rows of a period, of all replicas.
    pub(super) settled_rows: PreparedStatement,
    pub(super) delete_fold_offsets: PreparedStatement,
    pub(super) delete_merged_hours: PreparedStatement,
    pub(super) delete_rebuild: PreparedStatement,
}

pub(super) struct Statements {
    pub(super) merge: MergeStatements,
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
    pub(super) put_calibration: PreparedStatement,
    pub(super) calibration: PreparedStatement,
    pub(super) delete_calibration: PreparedStatement,
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
        let cql = Cql(&config.keyspace);
        let prepare = async |text: String| -> Result<PreparedStatement, StoreError> {
            let mut statement = session.prepare(text).await?;
            statement.set_is_idempotent(true);
            statement.set_page_size(PAGE_ROWS);
            Ok(statement)
        };
        let settled = async |text: String| -> Result<PreparedStatement, StoreError> {
            let mut statement = prepare(text).await?;
            statement.set_consistency(Level::All);
            Ok(statement)
        };
        let mut merged_hours = prepare(cql.merged_hours()).await?;
        merged_hours.set_page_size(PAGE_PERIODS);
        let merge = MergeStatements {
            put_fold_offset: prepare(cql.put_fold_offset()).await?,
            fold_offsets: prepare(cql.fold_offsets()).await?,
            merged_hours,
            rebuild: prepare(cql.rebuild()).await?,
            put_rebuild: prepare(cql.put_rebuild()).await?,
            put_merged_hours: prepare(cql.put_merged_hours()).await?,
            settled_rebuild: settled(cql.rebuild()).await?,
            settled_fold_offsets: settled(cql.fold_offsets()).await?,
            settled_progress: settled(cql.all_progress()).await?,
            settled_rows: settled(cql.rows_to_merge()).await?,
            delete_fold_offsets: prepare(cql.delete_fold_offsets()).await?,
            delete_merged_hours: prepare(cql.delete_merged_hours()).await?,
            delete_rebuild: prepare(cql.delete_rebuild()).await?,
        };
        let hours_with_variable =
            Variable::ALL.map(|variable| prepare(cql.hours(&sums_with_variable(variable))));
        let hours_with_variable = try_join_all(hours_with_variable).await?;
        let mut statements = Self {
            merge,
            put_partial: prepare(cql.put_partial()).await?,
            partial: prepare(cql.partial()).await?,
            hours: prepare(cql.hours(SUMS)).await?,
            hours_with_variable,
            put_progress: prepare(cql.put_progress()).await?,
            progress: prepare(cql.progress()).await?,
            put_gap: prepare(cql.put_gap()).await?,
            gaps: prepare(cql.gaps()).await?,
            partitions: prepare(cql.partitions()).await?,
            delete_partials: prepare(cql.delete_partials()).await?,
            delete_progress: prepare(cql.delete_progress()).await?,
            delete_gaps: prepare(cql.delete_gaps()).await?,
            put_calibration: prepare(cql.put_calibration()).await?,
            calibration: prepare(cql.calibration()).await?,
            delete_calibration: prepare(cql.delete_calibration()).await?,
            events: prepare(cql.events()).await?,
            settled_events: prepare(cql.events()).await?,
            latest_events: prepare(cql.events()).await?,
            append_event: prepare(cql.append_event()).await?,
            ping: prepare(cql.ping()).await?,
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
            let merge = &mut self.merge;
            for statement in [
                &mut merge.fold_offsets,
                &mut merge.merged_hours,
                &mut merge.rebuild,
            ] {
                statement.set_consistency(Level::LocalOne);
            }
            self.events.set_consistency(Level::LocalOne);
            // A replica that lacks the calibration of a new run lacks its first rows too.
            self.calibration.set_consistency(Level::LocalOne);
        }
    }
}
