//! How we show a broker who we are, and how the way to it is kept private.
//!
//! Guarantee: a password is in no text that is shown, and what the library of this build cannot do
//! is refused before anything connects.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use rdkafka::ClientConfig;

/// How a password is shown to a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaslMechanism {
    /// As it is (RFC 4616): only fit for a way that is encrypted.
    Plain,
    /// By a challenge, with SHA-256 (RFC 7677).
    ScramSha256,
    /// By a challenge, with SHA-512.
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

/// A user of the cluster.
#[derive(Clone, PartialEq, Eq)]
pub struct SaslCredentials {
    /// How the password is shown.
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

/// What brokers' certificates must be signed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsAuthorities {
    /// One of those that the machine trusts.
    System,
    /// One of those in a file, PEM.
    File(PathBuf),
}

/// Encryption and login; neither by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KafkaSecurity {
    /// TLS; `None` for a way that anybody on it can read.
    pub tls: Option<TlsAuthorities>,
    /// The user; `None` where brokers ask for none.
    pub login: Option<SaslCredentials>,
}

impl KafkaSecurity {
    /// What is wrong with it: the setting, and what it must be.
    pub(super) fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let needs_openssl = |login: &SaslCredentials| login.mechanism != SaslMechanism::Plain;
        if !cfg!(feature = "kafka-tls") {
            let build = "is not in this build; build it with --features kafka-tls";
            if self.tls.is_some() {
                faults.push(("tls", build.to_owned()));
            }
            if self.login.as_ref().is_some_and(needs_openssl) {
                faults.push(("sasl_mechanism", build.to_owned()));
            }
        }
        if let Some(login) = &self.login
            && (login.user.is_empty() || login.password.is_empty())
        {
            let both = "and sasl_password must be given both, or neither";
            faults.push(("sasl_user", both.to_owned()));
        }
        faults
    }

    pub(super) fn apply(&self, client: &mut ClientConfig) {
        let protocol = match (&self.tls, &self.login) {
            (None, None) => return,
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        };
        client.set("security.protocol", protocol);
        if let Some(login) = &self.login {
            client
                .set("sasl.mechanism", login.mechanism.name())
                .set("sasl.username", &login.user)
                .set("sasl.password", &login.password);
        }
        match &self.tls {
            None => {}
            // OpenSSL is built in, and does not know where this machine keeps them.
            Some(TlsAuthorities::System) => {
                client.set("ssl.ca.location", "probe");
            }
            Some(TlsAuthorities::File(path)) => {
                client.set("ssl.ca.location", path.to_string_lossy());
            }
        }
    }

    /// Whether a password goes over a way that anybody on it can read.
    pub(super) fn bares_password(&self) -> bool {
        let is_plain = |login: &SaslCredentials| login.mechanism == SaslMechanism::Plain;
        self.tls.is_none() && self.login.as_ref().is_some_and(is_plain)
    }
}
