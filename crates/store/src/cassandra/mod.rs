//! The store in Cassandra, for many processes on many machines.
//!
//! Terms: Cassandra compares two versions of a cell by their *write timestamp*.
//!
//! Guarantee: every row is written as a whole; the write timestamp of each cell is the offset of the
//! row plus one. So the higher offset wins, in any order of arrival and through any node (I2), and
//! writes are idempotent. Nothing is incremented or expires, and only whole runs are deleted. After a
//! failed write other writes of the same call may have succeeded: the caller repeats the call.
//!
//! Must not know: what the numbers of a row mean. It reads no clock.

mod calibrations;
mod config;
mod cql;
mod errors;
mod fold_offsets;
mod merge;
mod merged;
mod migrations;
mod months;
mod names;
mod periods;
mod progress;
mod purge;
mod read;
mod rebuilds;
mod rows;
mod runs;
mod schema;
mod session;
mod statements;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use moodvane_model::{
    Calibration, CityId, HourRange, HourRow, HourSlot, PartialHour, PartialKey, Progress,
    ProgressKey, RunId, Variable,
};
use scylla::client::session::Session;

use crate::{Gap, RunInfo, Store, StoreError, post_values};
use calibrations::Calibrations;
use merge::MergeQueue;
use months::Month;
use names::StoredNames;
use read::{PartitionRange, Selection};
use rows::{Cell, PartialValues};
use runs::StoredRun;
use statements::Statements;

pub use config::{
    CassandraConfig, CassandraConfigError, Consistency, ContactPoint, Credentials,
    HoursConsistency, Keyspace, Secret, TlsRoots,
};

/// Concurrent requests of one call.
const CONCURRENCY: usize = 64;

/// The store in Cassandra.
#[derive(Clone)]
pub struct CassandraStore {
    inner: Arc<Inner>,
}

struct Inner {
    session: Session,
    statements: Statements,
    names: StoredNames,
    calibrations: Calibrations,
    merges: MergeQueue,
}

impl CassandraStore {
    /// Connects to the cluster and creates or migrates the tables. Several processes may do so at once.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the cluster is unreachable or does not agree on the schema in
    /// time; [`StoreError::Rejected`] where it rejects the login or a certificate;
    /// [`StoreError::Schema`] where a later version created the tables.
    pub async fn connect(config: &CassandraConfig) -> Result<Self, StoreError> {
        let session = session::connect(config).await?;
        schema::migrate(&session, config).await?;
        let statements = Statements::prepare(&session, config).await?;
        let (merges, requests) = MergeQueue::new();
        let inner = Arc::new(Inner {
            session,
            statements,
            names: StoredNames::default(),
            calibrations: Calibrations::default(),
            merges,
        });
        tokio::spawn(merge::run(Arc::downgrade(&inner), requests));
        Ok(Self { inner })
    }

    /// Merges the closed hours of a range now, which otherwise happens in the background after they
    /// are read. Returns how many days and months were merged.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where not every replica answers.
    pub async fn merge_closed_hours(
        &self,
        city: CityId,
        range: HourRange,
    ) -> Result<usize, StoreError> {
        let ranges = self.inner.ranges(city, range).await?;
        let Inner {
            session,
            statements,
            ..
        } = &*self.inner;
        let (_, requests) = merged::plan(session, &statements.merge, ranges).await?;
        let mut count = 0;
        for request in &requests {
            count += self.inner.merge(request).await?;
        }
        Ok(count)
    }
}

#[async_trait]
impl Store for CassandraStore {
    async fn register_run(&self, run: &RunId) -> Result<(), StoreError> {
        let Inner {
            session,
            statements,
            ..
        } = &*self.inner;
        let decide = |events: &[runs::Event]| runs::registration(events, run);
        let (latest, append) = (&statements.latest_events, &statements.append_event);
        runs::append(session, latest, append, decide).await
    }

    async fn put_calibration(
        &self,
        run: &RunId,
        calibration: &Calibration,
    ) -> Result<(), StoreError> {
        let stored = self.inner.require_run(run).await?;
        let Inner {
            session,
            statements,
            ..
        } = &*self.inner;
        calibrations::put(session, &statements.put_calibration, &stored, calibration).await
    }

    async fn runs(&self) -> Result<Vec<RunInfo>, StoreError> {
        let Inner {
            session,
            statements,
            ..
        } = &*self.inner;
        let events = runs::read(session, &statements.events).await?;
        Ok(runs::runs(&events))
    }

    async fn switch_run(&self, run: &RunId, from: HourSlot) -> Result<(), StoreError> {
        let Inner {
            session,
            statements,
            ..
        } = &*self.inner;
        let decide = |events: &[runs::Event]| runs::switch(events, run, from);
        let (latest, append) = (&statements.latest_events, &statements.append_event);
        runs::append(session, latest, append, decide).await
    }

    async fn delete_run(&self, run: &RunId) -> Result<(), StoreError> {
        let Inner {
            session,
            statements,
            names,
            ..
        } = &*self.inner;
        let decide = |events: &[runs::Event]| runs::deletion(events, run);
        let (latest, append) = (&statements.latest_events, &statements.append_event);
        // Unregister first, so that no reader sees partially deleted rows.
        runs::append(session, latest, append, decide).await?;
        names.remove(run);
        let events = runs::read(session, latest).await?;
        for name in runs::deleted_names(&events, run) {
            purge::delete_rows(session, statements, &name).await?;
        }
        Ok(())
    }

    async fn partials(&self, keys: Vec<PartialKey>) -> Result<Vec<PartialHour>, StoreError> {
        let found: Vec<Option<PartialHour>> = stream::iter(keys)
            .map(|key| self.inner.partial(key))
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn put_partials(&self, rows: Vec<PartialHour>) -> Result<(), StoreError> {
        // Check before the first row: a call with an unknown run writes nothing.
        let mut runs = HashMap::new();
        for row in &rows {
            let run = &row.key.run;
            if !runs.contains_key(run) {
                runs.insert(run.clone(), self.inner.require_run(run).await?);
            }
        }
        let stored = |row: &PartialHour| runs.get(&row.key.run).cloned();
        let needed = rows.iter().filter_map(|row| Some((stored(row)?, row)));
        let needed = fold_offsets::needed_by(needed);
        let Inner {
            session,
            statements,
            ..
        } = &*self.inner;
        // Before the rows: see `fold_offsets`.
        fold_offsets::put(session, &statements.merge.put_fold_offset, needed).await?;
        stream::iter(rows)
            .map(Ok)
            .try_for_each_concurrent(CONCURRENCY, |row| self.inner.put_partial(row))
            .await
    }

    async fn progress(&self, key: &ProgressKey) -> Result<Option<Progress>, StoreError> {
        self.inner.progress(key).await
    }

    async fn put_progress(&self, rows: Vec<Progress>) -> Result<(), StoreError> {
        stream::iter(rows)
            .map(Ok)
            .try_for_each_concurrent(CONCURRENCY, |row| self.inner.put_progress(row))
            .await
    }

    async fn begin_rebuild(&self, run: &RunId) -> Result<(), StoreError> {
        self.inner.set_rebuild_complete(run, false).await
    }

    async fn finish_rebuild(&self, run: &RunId) -> Result<(), StoreError> {
        self.inner.set_rebuild_complete(run, true).await
    }

    async fn put_gap(&self, gap: Gap) -> Result<(), StoreError> {
        self.inner.put_gap(&gap).await
    }

    async fn gaps(&self, run: &RunId) -> Result<Vec<Gap>, StoreError> {
        self.inner.gaps(run).await
    }

    async fn hours(&self, city: CityId, range: HourRange) -> Result<Vec<HourRow>, StoreError> {
        let selection = Selection::All(&self.inner.statements.hours);
        self.inner.hours(selection, city, range).await
    }

    async fn hours_with_variable(
        &self,
        city: CityId,
        range: HourRange,
        variable: Variable,
    ) -> Result<Vec<HourRow>, StoreError> {
        let statement = &self.inner.statements.hours_with_variable[variable.index()];
        let selection = Selection::Variable(variable, statement);
        self.inner.hours(selection, city, range).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let Inner {
            session,
            statements,
            ..
        } = &*self.inner;
        session.execute_unpaged(&statements.ping, ()).await?;
        Ok(())
    }
}

impl Inner {
    async fn hours(
        &self,
        selection: Selection<'_>,
        city: CityId,
        range: HourRange,
    ) -> Result<Vec<HourRow>, StoreError> {
        let ranges = self.ranges(city, range).await?;
        let (session, merge) = (&self.session, &self.statements.merge);
        let (pieces, unmerged) = merged::plan(session, merge, ranges).await?;
        let hours = read::hours(session, selection, pieces).await?;
        self.merges.push(unmerged);
        Ok(hours)
    }

    /// The partitions that have the hours of a range, with the calibrations of their runs.
    async fn ranges(
        &self,
        city: CityId,
        range: HourRange,
    ) -> Result<Vec<PartitionRange>, StoreError> {
        let events = runs::read(&self.session, &self.statements.events).await?;
        let mut ranges = read::ranges(&events, city, range);
        let statement = &self.statements.calibration;
        for partitions in ranges.chunk_by_mut(|a, b| a.run == b.run) {
            let run = &partitions[0].run;
            let calibration = self.calibrations.get(&self.session, statement, run);
            let calibration = calibration.await?;
            for partition in partitions {
                partition.calibration.clone_from(&calibration);
            }
        }
        Ok(ranges)
    }

    /// The stored name of a run; `None` where the run is not registered.
    async fn stored_run(&self, run: &RunId) -> Result<Option<StoredRun>, StoreError> {
        // The second is a serial read, which completes pending appends and costs more.
        let journals = [
            &self.statements.settled_events,
            &self.statements.latest_events,
        ];
        for journal in journals {
            if let Some(name) = self.names.get(run) {
                return Ok(Some(name));
            }
            let events = runs::read(&self.session, journal).await?;
            self.names.insert_all(runs::registered_runs(&events));
        }
        Ok(self.names.get(run))
    }

    /// The stored name of a run; rejects a run that is not registered.
    async fn require_run(&self, run: &RunId) -> Result<StoredRun, StoreError> {
        let stored = self.stored_run(run).await?;
        stored.ok_or_else(|| StoreError::UnknownRun(run.to_string()))
    }

    async fn put_partial(&self, row: PartialHour) -> Result<(), StoreError> {
        let key = &row.key;
        let run = self.require_run(&key.run).await?;
        let (month, hour) = (
            Month::containing(key.hour).to_string(),
            key.hour.to_string(),
        );
        let mut values = Vec::with_capacity(11 + rows::SUMS_COUNT);
        values.extend(key_cells(&run, key, &month, &hour));
        values.push(Cell::Number(rows::offset(row.through_offset)?));
        let post_values = post_values::encode(&row.sums);
        values.push(Cell::Bytes(&post_values));
        values.extend(rows::numbers(&row.sums).map(Cell::Number));
        values.push(Cell::Number(rows::write_timestamp(row.through_offset)?));
        self.session
            .execute_unpaged(&self.statements.put_partial, values)
            .await?;
        Ok(())
    }

    async fn partial(&self, key: PartialKey) -> Result<Option<PartialHour>, StoreError> {
        let Some(run) = self.stored_run(&key.run).await? else {
            return Ok(None);
        };
        let (month, hour) = (
            Month::containing(key.hour).to_string(),
            key.hour.to_string(),
        );
        let values = key_cells(&run, &key, &month, &hour);
        let found = self
            .session
            .execute_unpaged(&self.statements.partial, values.as_slice())
            .await?
            .into_rows_result()?;
        let values = found.maybe_first_row::<PartialValues>()?;
        Ok(values.map(|values| PartialHour {
            key,
            sums: values.sums,
            through_offset: values.through_offset,
        }))
    }
}

/// The primary key of a partial row.
fn key_cells<'a>(
    run: &'a StoredRun,
    key: &'a PartialKey,
    month: &'a str,
    hour: &'a str,
) -> [Cell<'a>; 8] {
    [
        Cell::Text(run.as_str()),
        Cell::Text(key.city.as_str()),
        Cell::Text(month),
        Cell::Text(hour),
        Cell::Text(key.topic.name()),
        Cell::Number(i64::from(key.incarnation.0)),
        Cell::Number(i64::from(key.partition.0)),
        Cell::Text(key.source.as_str()),
    ]
}
