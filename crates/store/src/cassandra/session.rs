//! A connection to the cluster: which node is asked, how long, and what happens when it is slow.

use std::sync::Arc;
use std::time::Duration;

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

/// A second node is asked when the first has not answered for so long. It applies to what is
/// marked idempotent, reads and writes alike: the same row with the same timestamp is one row.
const SPECULATE_AFTER: Duration = Duration::from_millis(300);
/// A connection is asked for a sign of life so often, and given up where none comes for so long.
/// The two together bound how long a node that says nothing holds up a start: the driver has no
/// other bound on the first requests of a connection.
const KEEPALIVE: Duration = Duration::from_secs(2);
/// How long one node may take to answer at first. Well below the bound of the whole: a node whose
/// port is open and that says nothing must not keep us from the others.
const NODE_TIMEOUT: Duration = Duration::from_secs(2);
const AGREEMENT_INTERVAL: Duration = Duration::from_millis(50);
const AGREEMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// Reaches the cluster, within the bound of the configuration.
pub(super) async fn connect(config: &CassandraConfig) -> Result<Session, StoreError> {
    let points = config.contact_points.iter().map(ToString::to_string);
    let points: Vec<String> = points.collect();
    let away = |reason: String| {
        StoreError::Unavailable(
            format!("cannot reach Cassandra at {}: {reason}", points.join(", ")).into(),
        )
    };
    let mut builder = SessionBuilder::new()
        .known_nodes(&points)
        .default_execution_profile_handle(profile(config).into_handle())
        .connection_timeout(config.connect_timeout.min(NODE_TIMEOUT))
        .keepalive_interval(KEEPALIVE)
        .keepalive_timeout(KEEPALIVE)
        .schema_agreement_interval(AGREEMENT_INTERVAL)
        .schema_agreement_timeout(AGREEMENT_TIMEOUT)
        // The driver needs to know where replicas lie, not what tables look like.
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
        Ok(Err(error)) if is_refusal(&error) => Err(StoreError::Rejected(error.to_string().into())),
        Ok(Err(error)) => Err(away(error.to_string())),
        Err(_) => Err(away(format!(
            "no answer within {} ms",
            config.connect_timeout.as_millis()
        ))),
    }
}

/// Whether a node answered that it does not want us, or we it.
fn is_refusal(error: &NewSessionError) -> bool {
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

/// A replica of the row first, of the own datacenter.
fn balancing(config: &CassandraConfig) -> Arc<dyn LoadBalancingPolicy> {
    let policy = DefaultPolicy::builder().token_aware(true);
    match &config.datacenter {
        Some(name) => policy.prefer_datacenter(name.clone()).build(),
        None => policy.build(),
    }
}
