//! The configuration of the store in Cassandra.
//!
//! Guarantee: each type validates when it is parsed, before any connection is opened (I9).

use std::fmt;
use std::net::Ipv6Addr;
use std::num::NonZeroU8;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use moodvane_model::ContextError;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use scylla::frame::types::{Consistency as Level, SerialConsistency};
use thiserror::Error;

/// The port of a contact point without one.
const DEFAULT_PORT: u16 = 9042;
/// Cassandra's own limit on the name of a keyspace.
const MAX_KEYSPACE_LEN: usize = 48;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Long enough to try two silent nodes before a third that answers.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// An invalid value of the configuration.
#[derive(Debug, Error)]
pub enum CassandraConfigError {
    /// Not a keyspace name.
    #[error(
        "\"{0}\" is not a keyspace: it must be 1 to 48 characters of a-z, 0-9 and '_', starting with a letter"
    )]
    Keyspace(String),
    /// Not a host and port.
    #[error("\"{0}\" is not a contact point: it must be a host and a port, such as 10.0.0.1:9042")]
    ContactPoint(String),
    /// Not a consistency level that upholds the guarantees.
    #[error("\"{found}\" is not a supported consistency: it must be {allowed}")]
    Consistency {
        /// The rejected value.
        found: String,
        /// The allowed values.
        allowed: &'static str,
    },
    /// The file of trusted certificates cannot be used.
    #[error("cannot read CA certificates from {}: expected a PEM file", path.display())]
    Ca {
        /// The file.
        path: PathBuf,
        /// Why the file is unusable.
        #[source]
        source: ContextError,
    },
}

/// The name of a keyspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyspace(String);

impl Keyspace {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Keyspace {
    type Err = CassandraConfigError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = (1..=MAX_KEYSPACE_LEN).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(CassandraConfigError::Keyspace(
                text.chars().take(64).collect(),
            ))
        }
    }
}

impl fmt::Display for Keyspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A node for the first connection, `host:port`; the default port is 9042. The driver discovers the
/// other nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactPoint(String);

impl FromStr for ContactPoint {
    type Err = CassandraConfigError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rejected = || CassandraConfigError::ContactPoint(text.chars().take(64).collect());
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| rejected())?),
            None => (text, DEFAULT_PORT),
        };
        let ipv6 = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let is_name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        let valid = match ipv6 {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.chars().all(is_name),
        };
        if valid && port != 0 {
            Ok(Self(format!("{host}:{port}")))
        } else {
            Err(rejected())
        }
    }
}

impl fmt::Display for ContactPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The consistency level of all reads and writes of a fold. A fold reads back its own writes, so only
/// levels whose reads and writes overlap can be configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Consistency {
    /// More than half of the replicas in the local datacenter.
    #[default]
    LocalQuorum,
    /// More than half of all replicas.
    Quorum,
    /// All replicas: for a rebuild, which must read the rows of every single replica. The configuration
    /// does not accept it, because the loss of one node would stop all requests.
    All,
}

impl Consistency {
    pub(super) fn level(self) -> Level {
        match self {
            Self::LocalQuorum => Level::LocalQuorum,
            Self::Quorum => Level::Quorum,
            Self::All => Level::All,
        }
    }

    pub(super) fn serial(self) -> SerialConsistency {
        match self {
            Self::LocalQuorum => SerialConsistency::LocalSerial,
            Self::Quorum | Self::All => SerialConsistency::Serial,
        }
    }
}

impl FromStr for Consistency {
    type Err = CassandraConfigError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "local_quorum" => Ok(Self::LocalQuorum),
            "quorum" => Ok(Self::Quorum),
            _ => Err(CassandraConfigError::Consistency {
                found: text.chars().take(64).collect(),
                allowed: "local_quorum or quorum",
            }),
        }
    }
}

/// The consistency level of reads of hours for API clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HoursConsistency {
    /// The level of the fold: an hour never moves back.
    #[default]
    SameAsFold,
    /// One replica: available while most replicas are lost; the hours may be stale.
    LocalOne,
}

impl FromStr for HoursConsistency {
    type Err = CassandraConfigError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "as_folded" => Ok(Self::SameAsFold),
            "local_one" => Ok(Self::LocalOne),
            _ => Err(CassandraConfigError::Consistency {
                found: text.chars().take(64).collect(),
                allowed: "as_folded or local_one",
            }),
        }
    }
}

/// A secret text, which is never printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps the text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// The login of the service.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The role's name.
    pub user: String,
    /// Its password.
    pub password: Secret,
}

/// TLS with the certificates of a CA. The certificate of a node must name the node's address.
#[derive(Clone)]
pub struct TlsRoots {
    path: PathBuf,
    client: Arc<ClientConfig>,
}

impl TlsRoots {
    /// Reads the certificates of a PEM file.
    ///
    /// # Errors
    /// [`CassandraConfigError::Ca`] where the file cannot be read or has no usable certificate.
    pub fn read(path: &Path) -> Result<Self, CassandraConfigError> {
        let rejected = |source: ContextError| CassandraConfigError::Ca {
            path: path.to_owned(),
            source,
        };
        let invalid = |e: rustls::pki_types::pem::Error| {
            rejected(ContextError::caused_by("invalid PEM file", e))
        };
        let unusable =
            |e: rustls::Error| rejected(ContextError::caused_by("unusable certificate", e));
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(invalid)? {
            roots.add(certificate.map_err(invalid)?).map_err(unusable)?;
        }
        if roots.is_empty() {
            return Err(rejected("file has no certificate".into()));
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            path: path.to_owned(),
            client: Arc::new(client),
        })
    }

    pub(super) fn client(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.client)
    }
}

impl fmt::Debug for TlsRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsRoots").field(&self.path).finish()
    }
}

/// The cluster's addresses, security, time-outs and consistency levels.
#[derive(Debug, Clone)]
pub struct CassandraConfig {
    /// The nodes for the first connection; at least one.
    pub contact_points: Vec<ContactPoint>,
    /// The keyspace, created if missing.
    pub keyspace: Keyspace,
    /// The replication factor of a new keyspace. An existing keyspace keeps its own.
    pub replication_factor: NonZeroU8,
    /// The datacenter of requests and replicas; `None` for all.
    pub datacenter: Option<String>,
    /// The login, if the cluster requires one.
    pub credentials: Option<Credentials>,
    /// TLS, if the cluster supports it.
    pub tls: Option<TlsRoots>,
    /// The time-out of a request, retries included.
    pub request_timeout: Duration,
    /// The time-out of the first connection to the cluster.
    pub connect_timeout: Duration,
    /// The consistency level of a fold.
    pub consistency: Consistency,
    /// The consistency level of reads of hours.
    pub hours_consistency: HoursConsistency,
}

impl CassandraConfig {
    /// One replica, no password, no TLS, `LOCAL_QUORUM`, 5 s a request.
    #[must_use]
    pub fn new(contact_points: Vec<ContactPoint>, keyspace: Keyspace) -> Self {
        Self {
            contact_points,
            keyspace,
            replication_factor: NonZeroU8::MIN,
            datacenter: None,
            credentials: None,
            tls: None,
            request_timeout: REQUEST_TIMEOUT,
            connect_timeout: CONNECT_TIMEOUT,
            consistency: Consistency::default(),
            hours_consistency: HoursConsistency::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodvane_model::ErrorChain;

    #[test]
    fn accepts_only_unquoted_keyspace_names() {
        for good in ["moodvane", "m2_x", &"a".repeat(48)] {
            assert_eq!(good.parse::<Keyspace>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "Mood",
            "2m",
            "_m",
            "a-b",
            "a b",
            "a;drop",
            &"a".repeat(49),
        ] {
            assert!(bad.parse::<Keyspace>().is_err(), "{bad}");
        }
    }

    #[test]
    fn parses_contact_points() {
        for (text, read) in [
            ("cassandra", "cassandra:9042"),
            ("10.0.0.1:19042", "10.0.0.1:19042"),
            ("[::1]:9042", "[::1]:9042"),
            ("db-1.example.org", "db-1.example.org:9042"),
        ] {
            let point: ContactPoint = text.parse().unwrap();
            assert_eq!(point.to_string(), read);
        }
        for bad in [
            "", ":9042", "a:0", "a:x", "a:70000", "a b:1", "::1", "[x]:1",
        ] {
            assert!(bad.parse::<ContactPoint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn rejects_consistency_levels_without_overlap() {
        assert_eq!(
            "quorum".parse::<Consistency>().unwrap(),
            Consistency::Quorum
        );
        for bad in ["one", "any", "local_one", "all", "QUORUM", ""] {
            assert!(bad.parse::<Consistency>().is_err(), "{bad}");
        }
    }

    #[test]
    fn debug_hides_password() {
        let mut config = CassandraConfig::new(vec!["a:1".parse().unwrap()], "m".parse().unwrap());
        config.credentials = Some(Credentials {
            user: "moodvane".to_owned(),
            password: Secret::new("hunter2"),
        });
        let shown = format!("{config:?}");
        assert!(shown.contains("moodvane") && !shown.contains("hunter2"));
    }

    #[test]
    fn rejects_ca_file_without_certificate() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("ca.pem");
        assert!(TlsRoots::read(&path).is_err());
        std::fs::write(&path, "nothing here").unwrap();
        let error = TlsRoots::read(&path).unwrap_err();
        let message = ErrorChain(&error).to_string();
        assert!(message.contains("no certificate"), "{message}");
    }
}
