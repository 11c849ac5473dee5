//! Where the cluster is and how to speak to it. What cannot be right cannot be made: each part is
//! checked where it is parsed, before any connection is opened (I9).

use std::fmt;
use std::net::Ipv6Addr;
use std::num::NonZeroU8;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use scylla::frame::types::{Consistency as Level, SerialConsistency};
use thiserror::Error;

/// The port of a contact point that names none.
const DEFAULT_PORT: u16 = 9042;
/// Cassandra's own limit on the name of a keyspace.
const MAX_KEYSPACE_LEN: usize = 48;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Time enough to try two nodes that say nothing before one that does.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// A part of the configuration that cannot be right.
#[derive(Debug, Error)]
pub enum CassandraConfigError {
    /// Not the name of a keyspace.
    #[error(
        "\"{0}\" is not a keyspace: it must be 1 to 48 characters of a-z, 0-9 and '_', starting with a letter"
    )]
    Keyspace(String),
    /// Not a host and port.
    #[error("\"{0}\" is not a contact point: it must be a host and a port, such as 10.0.0.1:9042")]
    ContactPoint(String),
    /// Not a level that the guarantees hold at.
    #[error("\"{found}\" is not a consistency that can be used here: it must be {allowed}")]
    Consistency {
        /// What was found.
        found: String,
        /// What would be right.
        allowed: &'static str,
    },
    /// The file of trusted certificates cannot be used.
    #[error("{}: {reason}; it must hold the CA's certificate in PEM", path.display())]
    Ca {
        /// The file.
        path: PathBuf,
        /// Why it cannot be used.
        reason: String,
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

/// A node to begin with, `host:port`; without a port it is 9042. The others are found through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactPoint(String);

impl FromStr for ContactPoint {
    type Err = CassandraConfigError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || CassandraConfigError::ContactPoint(text.chars().take(64).collect());
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| refused())?),
            None => (text, DEFAULT_PORT),
        };
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let named = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        let valid = match bare {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.chars().all(named),
        };
        if valid && port != 0 {
            Ok(Self(format!("{host}:{port}")))
        } else {
            Err(refused())
        }
    }
}

impl fmt::Display for ContactPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How many replicas must answer for everything that a fold rests on. A fold reads back what it
/// wrote, so that only levels whose reads and writes overlap can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Consistency {
    /// More than half of the replicas of the own datacenter.
    #[default]
    LocalQuorum,
    /// More than half of all replicas.
    Quorum,
    /// Every replica: for a rebuild, which must see whatever any of them still has. It cannot be
    /// named in the configuration, since the loss of one node would stop everything.
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

/// How many replicas must answer when the hours of a city are read for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HoursConsistency {
    /// As for a fold: an hour never goes back.
    #[default]
    SameAsFold,
    /// Any one replica: answers while most replicas are lost, and may be behind.
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

/// A text that is never printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes the text.
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

/// Who the service is to Cassandra.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The role's name.
    pub user: String,
    /// Its password.
    pub password: Secret,
}

/// TLS by a CA's certificates. A node is checked by its address, so that its certificate must
/// name that address.
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
        let refused = |reason: String| CassandraConfigError::Ca {
            path: path.to_owned(),
            reason,
        };
        let mut roots = RootCertStore::empty();
        let certificates =
            CertificateDer::pem_file_iter(path).map_err(|e| refused(e.to_string()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|e| refused(e.to_string()))?;
            roots.add(certificate).map_err(|e| refused(e.to_string()))?;
        }
        if roots.is_empty() {
            return Err(refused("it has no certificate".to_owned()));
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| refused(e.to_string()))?
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

/// Where the cluster is and how to speak to it.
#[derive(Debug, Clone)]
pub struct CassandraConfig {
    /// The nodes to begin with; at least one.
    pub contact_points: Vec<ContactPoint>,
    /// The keyspace, made if absent.
    pub keyspace: Keyspace,
    /// How many replicas a keyspace is made with. A keyspace that is there keeps its own.
    pub replication_factor: NonZeroU8,
    /// The datacenter that is spoken to and that holds the replicas; `None` for every one.
    pub datacenter: Option<String>,
    /// The role, where the cluster asks for one.
    pub credentials: Option<Credentials>,
    /// TLS, where the cluster speaks it.
    pub tls: Option<TlsRoots>,
    /// How long one request may take, retries included.
    pub request_timeout: Duration,
    /// How long it may take until the cluster is first reached.
    pub connect_timeout: Duration,
    /// The consistency of all that a fold rests on.
    pub consistency: Consistency,
    /// The consistency of the hours that people read.
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
        let message = TlsRoots::read(&path).unwrap_err().to_string();
        assert!(message.contains("no certificate"), "{message}");
    }
}
