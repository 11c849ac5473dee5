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
        let hours_with_variable =
            Variable::ALL.map(|variable| prepare(cql.hours(&sums_with_variable(variable))));
        let hours_with_variable = try_join_all(hours_with_variable).await?;
        let mut statements = Self {
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
            self.events.set_consistency(Level::LocalOne);
            // A replica that lacks the calibration of a new run lacks its first rows too.
            self.calibration.set_consistency(Level::LocalOne);
        }
    }
}
