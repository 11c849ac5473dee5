//! The keyspace and its tables: made and migrated by whichever service comes first.
//!
//! Guarantee: every step can be repeated, and several services may take it at once, though mostly one
//! does and the others wait for it. All ask the same node for it, which does one change after another: for
//! the second the table is there already. Two tables of one name that are made at the same moment on two
//! nodes could get two identities, which a cluster does not reconcile by itself; so each table is made with
//! an identity that follows from its name.
//!
//! A migration only adds. A column is never dropped and added again, and no table has a TTL or a
//! compaction by time window: the write timestamps here are offsets, not times.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use scylla::client::session::Session;
use scylla::errors::{DbError, ExecutionError, RequestAttemptError};
use scylla::policies::load_balancing::{
    LoadBalancingPolicy, NodeIdentifier, SingleTargetLoadBalancingPolicy,
};
use scylla::statement::Statement;
use tokio::time::{Instant, sleep};
use xxhash_rust::xxh3::xxh3_128;

use super::config::{CassandraConfig, Keyspace};
use crate::StoreError;

/// A statement that changes the schema waits for every node to agree.
const DDL_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a service that began to make the tables has for it, before another goes on with them.
const OTHERS_TIME: Duration = Duration::from_secs(10);
/// How often it is asked whether it has.
const PACE: Duration = Duration::from_millis(200);
/// Services that start at once begin within this time, not at once.
const SPREAD: Duration = Duration::from_millis(1000);

/// How far the tables are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// There are none.
    Nothing,
    /// The first is there, and no version is complete.
    Begun,
    /// This version is complete.
    Version(i32),
}

/// A table: its name, and its columns and key. What was released is never changed.
struct Table {
    name: &'static str,
    columns: &'static str,
    options: &'static str,
}

/// The steps from one version to the next: step 0 leads to version 1.
const MIGRATIONS: &[&[Table]] = &[&[STORE_SCHEMA, RUN_EVENT, PARTIAL_HOUR, PROGRESS, GAP]];

const STORE_SCHEMA: Table = Table {
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

/// The version that this program knows.
const VERSION: i32 = MIGRATIONS.len() as i32;

impl Table {
    fn create(&self, keyspace: &Keyspace) -> String {
        let Self {
            name,
            columns,
            options,
        } = self;
        let id = identity(keyspace, name);
        format!(
            "CREATE TABLE IF NOT EXISTS {keyspace}.{name} ({columns}) WITH id = '{id}' AND {options}"
        )
    }
}

/// The identity of a table, the same wherever it is made.
fn identity(keyspace: &Keyspace, table: &str) -> String {
    let hash = xxh3_128(format!("moodvane {keyspace}.{table}").as_bytes());
    // The bits of a UUID that say "made by a rule of one's own" (version 8).
    let id = hash & !(0xf << 76) & !(0x3 << 62) | (0x8 << 76) | (0x2 << 62);
    let text = format!("{id:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| text[part].to_owned());
    parts.join("-")
}

/// Makes and migrates the keyspace and its tables; does nothing where they are as they should be,
/// so that a role without the right to change them can be used once they are.
///
/// # Errors
/// [`StoreError::Schema`] where a later version made them.
pub(super) async fn migrate(session: &Session, config: &CassandraConfig) -> Result<(), StoreError> {
    let found = found_or_made_by_another(session, &config.keyspace).await?;
    let done = usize::try_from(found).unwrap_or_default();
    if found > VERSION {
        return Err(StoreError::Schema {
            found: i64::from(found),
            supported: i64::from(VERSION),
        });
    }
    if found < VERSION {
        change(session, &create_keyspace(config)).await?;
    }
    for (step, tables) in MIGRATIONS.iter().enumerate().skip(done) {
        for table in *tables {
            change(session, &table.create(&config.keyspace)).await?;
        }
        let version = i32::try_from(step + 1).unwrap_or(VERSION);
        record(session, &config.keyspace, version).await?;
        tracing::info!(keyspace = %config.keyspace, version, "store schema is complete");
    }
    // Also where another service made the tables: it may have reached other nodes than this one.
    session.await_schema_agreement().await?;
    if found < VERSION {
        session.refresh_metadata().await?;
    }
    warn_of_other_replication(session, config).await
}

async fn change(session: &Session, ddl: &str) -> Result<(), StoreError> {
    let mut statement = Statement::new(ddl);
    statement.set_request_timeout(Some(DDL_TIMEOUT));
    statement.set_load_balancing_policy(one_node(session));
    session.query_unpaged(statement, ()).await?;
    Ok(())
}

/// The node that everybody asks to change the schema, as far as everybody reaches the same ones.
fn one_node(session: &Session) -> Option<Arc<dyn LoadBalancingPolicy>> {
    let state = session.get_cluster_state();
    let reached = state.get_nodes_info().iter().filter(|n| n.is_connected());
    let first = reached.min_by_key(|node| node.host_id)?;
    let node = NodeIdentifier::Node(Arc::clone(first));
    Some(SingleTargetLoadBalancingPolicy::new(node, None))
}

fn create_keyspace(config: &CassandraConfig) -> String {
    // Without a datacenter, Cassandra itself puts every one that it knows in its place.
    let place = match &config.datacenter {
        Some(name) => name.replace('\'', "''"),
        None => "replication_factor".to_owned(),
    };
    format!(
        "CREATE KEYSPACE IF NOT EXISTS {} WITH replication =
            {{'class': 'NetworkTopologyStrategy', '{place}': {}}}",
        config.keyspace, config.replication_factor
    )
}

/// The version of the tables that are there, 0 where they are not complete. Where another service is making
/// them, it is waited for: services that start at once would all change the schema, which a cluster does one
/// by one, and then takes several times as long.
async fn found_or_made_by_another(
    session: &Session,
    keyspace: &Keyspace,
) -> Result<i32, StoreError> {
    let mut found = look(session, keyspace).await?;
    if found == Found::Nothing {
        sleep(own_moment()).await;
        found = look(session, keyspace).await?;
    }
    let deadline = Instant::now() + OTHERS_TIME;
    while found == Found::Begun && Instant::now() < deadline {
        sleep(PACE).await;
        // A node that does not answer for a moment is asked again.
        found = look(session, keyspace).await.unwrap_or(found);
    }
    Ok(match found {
        Found::Version(version) => version,
        Found::Nothing | Found::Begun => 0,
    })
}

/// A moment within [`SPREAD`] that is unlike that of others who start now.
fn own_moment() -> Duration {
    let random = RandomState::new().build_hasher().finish();
    SPREAD.mul_f64((random % 1000) as f64 / 1000.0)
}

/// Asks how far the tables are.
async fn look(session: &Session, keyspace: &Keyspace) -> Result<Found, StoreError> {
    let made = session
        .query_unpaged(
            "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?",
            (keyspace.as_str(), STORE_SCHEMA.name),
        )
        .await?
        .into_rows_result()?;
    if made.rows_num() == 0 {
        return Ok(Found::Nothing);
    }
    let version = format!("SELECT max(version) FROM {keyspace}.store_schema WHERE scope = 'store'");
    let answered = match session.query_unpaged(version, ()).await {
        Err(error) if may_not_know_the_table(&error) => return Ok(Found::Begun),
        answered => answered?.into_rows_result()?,
    };
    let (version,) = answered.single_row::<(Option<i32>,)>()?;
    Ok(version.map_or(Found::Begun, Found::Version))
}

/// Whether a node may have failed for that: one lists a table before it can read it, and replicas may know less
/// than the node that was asked.
fn may_not_know_the_table(error: &ExecutionError) -> bool {
    let ExecutionError::LastAttemptError(RequestAttemptError::DbError(error, _)) = error else {
        return false;
    };
    matches!(
        error,
        DbError::Invalid
            | DbError::ServerError
            | DbError::ReadFailure { .. }
            | DbError::WriteFailure { .. }
    )
}

/// Writes that a version is complete, as soon as enough replicas know the table for it.
async fn record(session: &Session, keyspace: &Keyspace, version: i32) -> Result<(), StoreError> {
    let insert =
        format!("INSERT INTO {keyspace}.store_schema (scope, version) VALUES ('store', ?)");
    let deadline = Instant::now() + OTHERS_TIME;
    loop {
        match session.query_unpaged(insert.as_str(), (version,)).await {
            Err(error) if may_not_know_the_table(&error) && Instant::now() < deadline => {
                sleep(PACE).await;
            }
            written => return Ok(written.map(drop)?),
        }
    }
}

/// A keyspace that is there keeps its replication: to change it, data must be moved by hand.
async fn warn_of_other_replication(
    session: &Session,
    config: &CassandraConfig,
) -> Result<(), StoreError> {
    let found = session
        .query_unpaged(
            "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?",
            (config.keyspace.as_str(),),
        )
        .await?
        .into_rows_result()?;
    let Some((replication,)) = found.maybe_first_row::<(HashMap<String, String>,)>()? else {
        return Ok(());
    };
    let wanted = config.replication_factor.to_string();
    let class = replication.get("class").map(String::as_str).unwrap_or("");
    let same = class.ends_with("NetworkTopologyStrategy")
        && replication
            .iter()
            .all(|(k, v)| k == "class" || *v == wanted);
    if !same {
        tracing::warn!(
            keyspace = %config.keyspace, found = ?replication, configured = %wanted,
            "the keyspace keeps the replication that it has; alter it and repair to change it"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_id_follows_from_name() {
        let identity = |keyspace: &str, table| identity(&keyspace.parse().unwrap(), table);
        // Pinned: another identity would be another table.
        assert_eq!(
            identity("moodvane", "progress"),
            "03ebc218-cb03-8b17-a5c7-fa5a535fbf7c"
        );
        assert_ne!(
            identity("moodvane", "progress"),
            identity("moodvane", "gap")
        );
        assert_ne!(identity("moodvane", "gap"), identity("other", "gap"));
    }

    #[test]
    fn quotes_datacenter() {
        let mut config = CassandraConfig::new(vec![], "m".parse().unwrap());
        config.datacenter = Some("it's".to_owned());
        assert!(create_keyspace(&config).contains("'it''s': 1"));
    }
}
