//! The store in Cassandra, for many processes on many machines.
//!
//! Terms: a *write timestamp* is what Cassandra compares two versions of a cell by.
//!
//! Guarantee: every row is written whole, each cell with a write timestamp that is the offset it
//! speaks for plus one. So the higher offset wins, whichever write arrives later and through
//! whichever node (I2), and a write can be repeated. Nothing is incremented or expires, and only a
//! run as a whole is deleted. Where a write fails, others of the same call may have been made: the
//! caller repeats the call.
//!
//! It must not know what a row's numbers mean, nor read a clock.

mod config;
mod errors;
mod months;
mod names;
mod progress;
mod purge;
mod read;
mod rows;
mod runs;
mod schema;
mod session;
mod statements;

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use moodvane_model::{
    CityId, HourRange, HourRow, HourSlot, PartialHour, PartialKey, Progress, ProgressKey, RunId,
    Variable,
};
use scylla::client::session::Session;

use crate::{Gap, RunInfo, Store, StoreError};
use months::Month;
use names::Names;
use read::Wanted;
use rows::{Cell, PartialRest};
use runs::StoredRun;
use statements::Statements;

pub use config::{
    CassandraConfig, CassandraConfigError, Consistency, ContactPoint, Credentials,
    HoursConsistency, Keyspace, Secret, TlsRoots,
};

/// Requests of one call that are under way at the same time.
const IN_FLIGHT: usize = 64;

/// The store in Cassandra.
#[derive(Clone)]
pub struct CassandraStore {
    inner: Arc<Inner>,
}

struct Inner {
    session: Session,
    statements: Statements,
    names: Names,
}

impl CassandraStore {
    /// Reaches the cluster and makes or migrates the tables. Several may do so at once.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the cluster cannot be reached or does not agree in time;
    /// [`StoreError::Schema`] where a later version made the tables.
    pub async fn connect(config: &CassandraConfig) -> Result<Self, StoreError> {
        let session = session::connect(config).await?;
        schema::migrate(&session, config).await?;
        let statements = Statements::prepare(&session, config).await?;
        let inner = Inner {
            session,
            statements,
            names: Names::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
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
        } = &*self.inner;
        let decide = |events: &[runs::Event]| runs::deletion(events, run);
        let (latest, append) = (&statements.latest_events, &statements.append_event);
        // First it is forgotten, so that nobody asks for rows that are half gone.
        runs::append(session, latest, append, decide).await?;
        names.forget(run);
        let events = runs::read(session, latest).await?;
        for name in runs::ended(&events, run) {
            purge::rows_of(session, statements, &name).await?;
        }
        Ok(())
    }

    async fn partials(&self, keys: Vec<PartialKey>) -> Result<Vec<PartialHour>, StoreError> {
        let found: Vec<Option<PartialHour>> = stream::iter(keys)
            .map(|key| self.inner.partial(key))
            .buffer_unordered(IN_FLIGHT)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn put_partials(&self, rows: Vec<PartialHour>) -> Result<(), StoreError> {
        // Before the first row: a call that names an unknown run writes nothing.
        let runs: HashSet<&RunId> = rows.iter().map(|row| &row.key.run).collect();
        for run in runs {
            self.inner.require(run).await?;
        }
        stream::iter(rows)
            .map(Ok)
            .try_for_each_concurrent(IN_FLIGHT, |row| self.inner.put_partial(row))
            .await
    }

    async fn progress(&self, key: &ProgressKey) -> Result<Option<Progress>, StoreError> {
        self.inner.progress(key).await
    }

    async fn put_progress(&self, rows: Vec<Progress>) -> Result<(), StoreError> {
        stream::iter(rows)
            .map(Ok)
            .try_for_each_concurrent(IN_FLIGHT, |row| self.inner.put_progress(row))
            .await
    }

    async fn put_gap(&self, gap: Gap) -> Result<(), StoreError> {
        self.inner.put_gap(&gap).await
    }

    async fn gaps(&self, run: &RunId) -> Result<Vec<Gap>, StoreError> {
        self.inner.gaps(run).await
    }

    async fn hours(&self, city: CityId, range: HourRange) -> Result<Vec<HourRow>, StoreError> {
        let wanted = Wanted::All(&self.inner.statements.hours);
        self.inner.hours(wanted, city, range).await
    }

    async fn hours_with_variable(
        &self,
        city: CityId,
        range: HourRange,
        variable: Variable,
    ) -> Result<Vec<HourRow>, StoreError> {
        let statement = &self.inner.statements.hours_with[variable.index()];
        let wanted = Wanted::Only(variable, statement);
        self.inner.hours(wanted, city, range).await
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
        wanted: Wanted<'_>,
        city: CityId,
        range: HourRange,
    ) -> Result<Vec<HourRow>, StoreError> {
        let events = runs::read(&self.session, &self.statements.events).await?;
        read::hours(&self.session, wanted, &events, city, range).await
    }

    /// The name under which the rows of a run lie; `None` where nobody registered it.
    async fn stored(&self, run: &RunId) -> Result<Option<StoredRun>, StoreError> {
        // The last of them takes part in what is under way, and costs more.
        let journals = [
            &self.statements.settled_events,
            &self.statements.latest_events,
        ];
        for journal in journals {
            if let Some(name) = self.names.get(run) {
                return Ok(Some(name));
            }
            let events = runs::read(&self.session, journal).await?;
            self.names.learn(runs::known(&events));
        }
        Ok(self.names.get(run))
    }

    /// The same; a run that nobody registered is refused.
    async fn require(&self, run: &RunId) -> Result<StoredRun, StoreError> {
        let stored = self.stored(run).await?;
        stored.ok_or_else(|| StoreError::UnknownRun(run.to_string()))
    }

    async fn put_partial(&self, row: PartialHour) -> Result<(), StoreError> {
        let key = &row.key;
        let run = self.require(&key.run).await?;
        let (month, hour) = (Month::of(key.hour).to_string(), key.hour.to_string());
        let mut values = Vec::with_capacity(10 + rows::SUMS_COUNT);
        values.extend(key_cells(&run, key, &month, &hour));
        values.push(Cell::Number(rows::offset(row.through_offset)?));
        values.extend(rows::numbers(&row.sums).map(Cell::Number));
        values.push(Cell::Number(rows::write_timestamp(row.through_offset)?));
        self.session
            .execute_unpaged(&self.statements.put_partial, values)
            .await?;
        Ok(())
    }

    async fn partial(&self, key: PartialKey) -> Result<Option<PartialHour>, StoreError> {
        let Some(run) = self.stored(&key.run).await? else {
            return Ok(None);
        };
        let (month, hour) = (Month::of(key.hour).to_string(), key.hour.to_string());
        let values = key_cells(&run, &key, &month, &hour);
        let found = self
            .session
            .execute_unpaged(&self.statements.partial, values.as_slice())
            .await?
            .into_rows_result()?;
        let rest = found.maybe_first_row::<PartialRest>()?;
        Ok(rest.map(|rest| PartialHour {
            key,
            sums: rest.sums,
            through_offset: rest.through,
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
