//! Connects to the cluster: load balancing, time-outs, retries and speculative execution.

use std::sync::Arc;
use std::time::Duration;

use moodvane_model::ContextError;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::errors::{
    ConnectionError, ConnectionPoolError, ConnectionSetupRequestErrorKind as SetupError, DbError,
    MetadataError, NewSessionError,
};
use scylla::policies::load_balancing::{DefaultPolicy, LoadBalancingPolicy};
use scylla::policies::retry::DefaultRetryPolicy;
use scylla::policies::speculative_execution::SimpleSpeculativeExecutionPolicy;

use super::config::CassandraConfig;
use crate::StoreError;

/// After this long without an answer the driver sends the request to a second node too. Applies to
/// idempotent statements, reads and writes: the same row with the same timestamp is one row.
const SPECULATE_AFTER: Duration = Duration::from_millis(300);
/// Interval and time-out of keepalive requests. They bound how long a silent node delays a start: the
/// driver has no other time-out for the first requests of a connection.
const KEEPALIVE: Duration = Duration::from_secs(2);
/// The time-out for connecting to one node. Well below the time-out of the whole connect: a silent node
/// must not prevent connecting to the others.
const NODE_TIMEOUT: Duration = Duration::from_secs(2);
const AGREEMENT_INTERVAL: Duration = Duration::from_millis(50);
const AGREEMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// Connects to the cluster within the configured time-out.
pub(super) async fn connect(config: &CassandraConfig) -> Result<Session, StoreError> {
    let points = config.contact_points.iter().map(ToString::to_string);
    let points: Vec<String> = points.collect();
    let message = format!("cannot connect to cassandra at {}", points.join(", "));
    let mut builder = SessionBuilder::new()
        .known_nodes(&points)
        .default_execution_profile_handle(profile(config).into_handle())
        .connection_timeout(config.connect_timeout.min(NODE_TIMEOUT))
        .keepalive_interval(KEEPALIVE)
        .keepalive_timeout(KEEPALIVE)
        .schema_agreement_interval(AGREEMENT_INTERVAL)
        .schema_agreement_timeout(AGREEMENT_TIMEOUT)
        // The driver needs the replica placement, not the table definitions.
        .fetch_schema_metadata(true)
        .fetch_full_schema_metadata(false)
        .refresh_metadata_on_auto_schema_agreement(false)
        .keyspaces_to_fetch([config.keyspace.as_str()]);
    if let Some(credentials) = &config.credentials {
        builder = builder.user(&credentials.user, credentials.password.expose());
    }
    if let Some(tls) = &config.tls {
        builder = builder.tls_context(Some(tls.client()));
    }
    match tokio::time::timeout(config.connect_timeout, builder.build()).await {
        Ok(Ok(session)) => Ok(session),
        Ok(Err(error)) if is_rejection(&error) => Err(StoreError::Rejected(
            ContextError::caused_by(message, error),
        )),
        Ok(Err(error)) => Err(StoreError::Unavailable(ContextError::caused_by(
            message, error,
        ))),
        Err(_) => {
            let timeout_ms = config.connect_timeout.as_millis();
            let cause = format!("no answer within {timeout_ms} ms");
            Err(StoreError::Unavailable(ContextError::caused_by(
                message, cause,
            )))
        }
    }
}

/// Whether a node rejects the login, or the client rejects the node's certificate.
fn is_rejection(error: &NewSessionError) -> bool {
    let NewSessionError::MetadataError(MetadataError::ConnectionPoolError(
        ConnectionPoolError::Broken {
            last_connection_error,
        },
    )) = error
    else {
        return false;
    };
    match last_connection_error {
        ConnectionError::ConnectionSetupRequestError(refused) => matches!(
            refused.get_error(),
            SetupError::DbError(DbError::AuthenticationError, _)
                | SetupError::MissingAuthentication
        ),
        ConnectionError::IoError(error) => matches!(
            error.get_ref().and_then(|e| e.downcast_ref()),
            Some(rustls::Error::InvalidCertificate(_))
        ),
        _ => false,
    }
}

fn profile(config: &CassandraConfig) -> ExecutionProfile {
    let speculation = SimpleSpeculativeExecutionPolicy {
        max_retry_count: 1,
        retry_interval: SPECULATE_AFTER,
    };
    ExecutionProfile::builder()
        .consistency(config.consistency.level())
        .serial_consistency(Some(config.consistency.serial()))
        .request_timeout(Some(config.request_timeout))
        .load_balancing_policy(balancing(config))
        .retry_policy(Arc::new(DefaultRetryPolicy::new()))
        .speculative_execution_policy(Some(Arc::new(speculation)))
        .build()
}

/// Prefers a replica of the row, in the local datacenter.
fn balancing(config: &CassandraConfig) -> Arc<dyn LoadBalancingPolicy> {
    let policy = DefaultPolicy::builder().token_aware(true);
    match &config.datacenter {
        Some(name) => policy.prefer_datacenter(name.clone()).build(),
        None => policy.build(),
    }
}
