//! Creates and migrates the keyspace and its tables.
//!
//! Guarantee: every step is idempotent, and several services may run it concurrently; usually one does
//! and the others wait. All send schema changes to the same node, which serialises them. Two nodes that
//! create a table concurrently could assign two table ids, which a cluster does not reconcile; so the
//! id of each table is derived from its name.

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

use super::config::{CassandraConfig, Keyspace};
use super::cql::{self, Cql};
use super::migrations::{Change, Column, MIGRATIONS, STORE_SCHEMA, VERSION};
use crate::StoreError;

/// A schema change waits until all nodes agree.
const DDL_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a service waits for another that creates the tables, before it continues itself.
const CREATION_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// The maximum jitter, for services that start at the same time.
const MAX_JITTER: Duration = Duration::from_millis(1000);

/// The state of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SchemaState {
    /// No table exists.
    Missing,
    /// The first table exists, and no version is complete.
    Partial,
    /// This version is complete.
    Version(i32),
}

/// Creates and migrates the keyspace and its tables. Changes nothing where the version is current, so
/// that a role without the right to change the schema suffices afterwards.
///
/// # Errors
/// [`StoreError::Schema`] where a later version created them.
pub(super) async fn migrate(session: &Session, config: &CassandraConfig) -> Result<(), StoreError> {
    let found = wait_for_version(session, &config.keyspace).await?;
    let done = usize::try_from(found).unwrap_or_default();
    if found > VERSION {
        return Err(StoreError::Schema {
            found: i64::from(found),
            supported: i64::from(VERSION),
        });
    }
    if found < VERSION {
        change_schema(session, &create_keyspace(config)).await?;
    }
    for (step, changes) in MIGRATIONS.iter().enumerate().skip(done) {
        for change in *changes {
            match change {
                Change::Create(table) => {
                    change_schema(session, &table.create(&config.keyspace)).await?;
                }
                Change::Add(column) => add_column(session, column, &config.keyspace).await?,
            }
        }
        let version = i32::try_from(step + 1).unwrap_or(VERSION);
        record_version(session, &config.keyspace, version).await?;
        tracing::info!(keyspace = %config.keyspace, version, "store schema is complete");
    }
    // Also where another service created the tables, possibly through other nodes.
    session.await_schema_agreement().await?;
    if found < VERSION {
        wait_for_columns(session, &config.keyspace).await?;
        session.refresh_metadata().await?;
    }
    warn_of_different_replication(session, config).await
}

async fn change_schema(session: &Session, ddl: &str) -> Result<(), StoreError> {
    let mut statement = Statement::new(ddl);
    statement.set_request_timeout(Some(DDL_TIMEOUT));
    statement.set_load_balancing_policy(schema_change_node(session));
    session.query_unpaged(statement, ()).await?;
    Ok(())
}

/// Adds a column unless it exists. `IF NOT EXISTS` would need Cassandra 4.1.
async fn add_column(
    session: &Session,
    column: &Column,
    keyspace: &Keyspace,
) -> Result<(), StoreError> {
    if has_column(session, column, keyspace).await? {
        return Ok(());
    }
    match change_schema(session, &column.add(keyspace)).await {
        // Another service added it meanwhile.
        Err(_) if has_column(session, column, keyspace).await? => Ok(()),
        result => result,
    }
}

async fn has_column(
    session: &Session,
    column: &Column,
    keyspace: &Keyspace,
) -> Result<bool, StoreError> {
    let values = (keyspace.as_str(), column.table, column.name);
    let found = session.query_unpaged(cql::FIND_COLUMN, values).await?;
    Ok(found.into_rows_result()?.rows_num() > 0)
}

/// Waits until every node accepts statements with the added columns: a node lists a column before it
/// can read it.
async fn wait_for_columns(session: &Session, keyspace: &Keyspace) -> Result<(), StoreError> {
    let deadline = Instant::now() + CREATION_TIMEOUT;
    let added = MIGRATIONS.iter().flat_map(|changes| changes.iter());
    let selects: Vec<String> = added
        .filter_map(|change| match change {
            Change::Add(column) => Some(column.select(keyspace)),
            Change::Create(_) => None,
        })
        .collect();
    let state = session.get_cluster_state();
    for node in state.get_nodes_info().iter().filter(|n| n.is_connected()) {
        for select in &selects {
            let mut statement = Statement::new(select.as_str());
            let node = NodeIdentifier::Node(Arc::clone(node));
            let policy = SingleTargetLoadBalancingPolicy::new(node, None);
            statement.set_load_balancing_policy(Some(policy));
            while let Err(error) = session.query_unpaged(statement.clone(), ()).await {
                if !is_missing_table_error(&error) || Instant::now() >= deadline {
                    return Err(error.into());
                }
                sleep(POLL_INTERVAL).await;
            }
        }
    }
    Ok(())
}

/// The node for schema changes: the same for all services that reach the same nodes.
fn schema_change_node(session: &Session) -> Option<Arc<dyn LoadBalancingPolicy>> {
    let state = session.get_cluster_state();
    let reached = state.get_nodes_info().iter().filter(|n| n.is_connected());
    let first = reached.min_by_key(|node| node.host_id)?;
    let node = NodeIdentifier::Node(Arc::clone(first));
    Some(SingleTargetLoadBalancingPolicy::new(node, None))
}

fn create_keyspace(config: &CassandraConfig) -> String {
    // Without a datacenter, Cassandra applies the factor to every datacenter.
    let datacenter = match &config.datacenter {
        Some(name) => name.replace('\'', "''"),
        None => "replication_factor".to_owned(),
    };
    format!(
        "CREATE KEYSPACE IF NOT EXISTS {} WITH replication =
            {{'class': 'NetworkTopologyStrategy', '{datacenter}': {}}}",
        config.keyspace, config.replication_factor
    )
}

/// The version of the existing tables, 0 where none is complete. Waits while another service creates
/// them: the cluster serialises schema changes, so concurrent ones take several times as long.
async fn wait_for_version(session: &Session, keyspace: &Keyspace) -> Result<i32, StoreError> {
    let mut found = read_state(session, keyspace).await?;
    if found == SchemaState::Missing {
        sleep(jitter()).await;
        found = read_state(session, keyspace).await?;
    }
    let deadline = Instant::now() + CREATION_TIMEOUT;
    while found == SchemaState::Partial && Instant::now() < deadline {
        sleep(POLL_INTERVAL).await;
        // A failed read is retried with the next poll.
        found = read_state(session, keyspace).await.unwrap_or(found);
    }
    Ok(match found {
        SchemaState::Version(version) => version,
        SchemaState::Missing | SchemaState::Partial => 0,
    })
}

/// A random delay of at most [`MAX_JITTER`].
fn jitter() -> Duration {
    let random = RandomState::new().build_hasher().finish();
    MAX_JITTER.mul_f64((random % 1000) as f64 / 1000.0)
}

/// Reads the state of the tables.
async fn read_state(session: &Session, keyspace: &Keyspace) -> Result<SchemaState, StoreError> {
    let listed = session
        .query_unpaged(cql::FIND_TABLE, (keyspace.as_str(), STORE_SCHEMA.name))
        .await?
        .into_rows_result()?;
    if listed.rows_num() == 0 {
        return Ok(SchemaState::Missing);
    }
    let version = Cql(keyspace).latest_version();
    let result = match session.query_unpaged(version, ()).await {
        Err(error) if is_missing_table_error(&error) => return Ok(SchemaState::Partial),
        result => result?.into_rows_result()?,
    };
    let (version,) = result.single_row::<(Option<i32>,)>()?;
    Ok(version.map_or(SchemaState::Partial, SchemaState::Version))
}

/// Whether a request may have failed because a node does not have the table or the column yet: a node lists a table
/// before it can read it, and replicas may lag behind the coordinator.
fn is_missing_table_error(error: &ExecutionError) -> bool {
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

/// Records that a version is complete; retries until enough replicas have the table.
async fn record_version(
    session: &Session,
    keyspace: &Keyspace,
    version: i32,
) -> Result<(), StoreError> {
    let insert = Cql(keyspace).put_version();
    let deadline = Instant::now() + CREATION_TIMEOUT;
    loop {
        match session.query_unpaged(insert.as_str(), (version,)).await {
            Err(error) if is_missing_table_error(&error) && Instant::now() < deadline => {
                sleep(POLL_INTERVAL).await;
            }
            written => return Ok(written.map(drop)?),
        }
    }
}

/// An existing keyspace keeps its replication: a change requires a repair by the operator.
async fn warn_of_different_replication(
    session: &Session,
    config: &CassandraConfig,
) -> Result<(), StoreError> {
    let found = session
        .query_unpaged(cql::FIND_REPLICATION, (config.keyspace.as_str(),))
        .await?
        .into_rows_result()?;
    let Some((replication,)) = found.maybe_first_row::<(HashMap<String, String>,)>()? else {
        return Ok(());
    };
    let configured = config.replication_factor.to_string();
    let class = replication.get("class").map(String::as_str).unwrap_or("");
    let same = class.ends_with("NetworkTopologyStrategy")
        && replication
            .iter()
            .all(|(k, v)| k == "class" || *v == configured);
    if !same {
        tracing::warn!(
            keyspace = %config.keyspace, found = ?replication, %configured,
            "keyspace keeps its replication, alter and repair it to change it"
        );
    }
    Ok(())
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
