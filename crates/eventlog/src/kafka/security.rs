//! Authentication and encryption of the connections to the brokers.
//!
//! Guarantee: no text contains a password, and validation rejects a mechanism that this build does not
//! support before any connection is opened.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use rdkafka::ClientConfig;

/// How a client proves its password to a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaslMechanism {
    /// In plain text (RFC 4616): only safe with TLS.
    Plain,
    /// Challenge and response with SHA-256 (RFC 7677).
    ScramSha256,
    /// Challenge and response with SHA-512.
    ScramSha512,
}

impl SaslMechanism {
    const ALL: [Self; 3] = [Self::Plain, Self::ScramSha256, Self::ScramSha512];

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl FromStr for SaslMechanism {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|mechanism| mechanism.name() == text)
            .ok_or_else(|| format!("\"{text}\" must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"))
    }
}

/// The credentials of a user of the cluster.
#[derive(Clone, PartialEq, Eq)]
pub struct SaslCredentials {
    /// The SASL mechanism.
    pub mechanism: SaslMechanism,
    /// The user's name.
    pub user: String,
    /// The password; never printed.
    pub password: String,
}

impl fmt::Debug for SaslCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslCredentials")
            .field("mechanism", &self.mechanism)
            .field("user", &self.user)
            .field("password", &"[hidden]")
            .finish()
    }
}

/// The certificate authorities that may sign the brokers' certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsAuthorities {
    /// The authorities that the machine trusts.
    System,
    /// The authorities of a PEM file.
    File(PathBuf),
}

/// Encryption and authentication; neither by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KafkaSecurity {
    /// TLS; `None` for plain-text connections.
    pub tls: Option<TlsAuthorities>,
    /// The credentials; `None` without authentication.
    pub sasl: Option<SaslCredentials>,
}

impl KafkaSecurity {
    /// All errors: the key, and the expected form.
    pub(super) fn validate(&self) -> Vec<(&'static str, String)> {
        let mut errors = Vec::new();
        let needs_openssl =
            |credentials: &SaslCredentials| credentials.mechanism != SaslMechanism::Plain;
        if !cfg!(feature = "kafka-tls") {
            let build = "is not in this build; build it with --features kafka-tls";
            if self.tls.is_some() {
                errors.push(("tls", build.to_owned()));
            }
            if self.sasl.as_ref().is_some_and(needs_openssl) {
                errors.push(("sasl_mechanism", build.to_owned()));
            }
        }
        if let Some(credentials) = &self.sasl
            && (credentials.user.is_empty() || credentials.password.is_empty())
        {
            let both = "and sasl_password must be given both, or neither";
            errors.push(("sasl_user", both.to_owned()));
        }
        errors
    }

    pub(super) fn apply(&self, client: &mut ClientConfig) {
        let protocol = match (&self.tls, &self.sasl) {
            (None, None) => return,
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        };
        client.set("security.protocol", protocol);
        if let Some(credentials) = &self.sasl {
            client
                .set("sasl.mechanism", credentials.mechanism.name())
                .set("sasl.username", &credentials.user)
                .set("sasl.password", &credentials.password);
        }
        match &self.tls {
            None => {}
            // The statically linked OpenSSL has no default path: librdkafka probes for it.
            Some(TlsAuthorities::System) => {
                client.set("ssl.ca.location", "probe");
            }
            Some(TlsAuthorities::File(path)) => {
                client.set("ssl.ca.location", path.to_string_lossy());
            }
        }
    }

    /// Whether the client sends a plain-text password over a connection without TLS.
    pub(super) fn sends_plain_password(&self) -> bool {
        let is_plain =
            |credentials: &SaslCredentials| credentials.mechanism == SaslMechanism::Plain;
        self.tls.is_none() && self.sasl.as_ref().is_some_and(is_plain)
    }
}
