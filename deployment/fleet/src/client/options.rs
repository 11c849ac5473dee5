//! Options of the client: addresses, credentials, certificate authorities, agents.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use moodvane_retry::{Backoff, Growth};
use reqwest::Certificate;
use reqwest::redirect::Policy;
use url::Url;

use super::outage::{OutageReporter, RetryOptions};
use super::{ClientError, Credentials};

const MAX_ADDRESSES: usize = 16;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The longest outage without an option: the election of a leader takes a ZooKeeper session's end,
/// 10 s by default, and the load of the state.
const MAX_OUTAGE: Duration = Duration::from_secs(120);
const MIN_RETRY_DELAY: Duration = Duration::from_millis(250);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(2);

/// Options of the client.
#[derive(Clone)]
pub struct ClientOptions {
    pub(super) addresses: Vec<Url>,
    pub(super) credentials: Credentials,
    pub(super) agent_url: Option<String>,
    pub(super) retry: RetryOptions,
    pub(super) outage_reporter: Option<OutageReporter>,
    ca_file: Option<PathBuf>,
}

impl ClientOptions {
    /// Parses and checks the addresses.
    ///
    /// # Errors
    /// [`ClientError`] if an address is invalid, or the credentials would be sent without encryption.
    pub fn new(
        addresses: &[String],
        credentials: Credentials,
        ca_file: Option<PathBuf>,
    ) -> Result<Self, ClientError> {
        let texts = addresses
            .iter()
            .flat_map(|list| list.split(','))
            .map(str::trim);
        let addresses = texts
            .filter(|text| !text.is_empty())
            .map(parse_address)
            .collect::<Result<Vec<_>, _>>()?;
        if addresses.is_empty() || addresses.len() > MAX_ADDRESSES {
            return Err(invalid_addresses(format!(
                "needs 1 to {MAX_ADDRESSES} addresses, such as http://master-1:8080"
            )));
        }
        let is_unencrypted = |url: &&Url| url.scheme() == "http" && !is_loopback(url);
        let unencrypted = addresses.iter().find(is_unencrypted);
        if let (Some(url), true) = (unencrypted, credentials != Credentials::None) {
            return Err(invalid_addresses(format!(
                "{url} is not encrypted, but credentials need TLS: use https"
            )));
        }
        Ok(Self {
            addresses,
            credentials,
            agent_url: None,
            retry: RetryOptions {
                outage: MAX_OUTAGE,
                backoff: Backoff::documented(MIN_RETRY_DELAY, MAX_RETRY_DELAY, Growth::Doubling),
            },
            outage_reporter: None,
            ca_file,
        })
    }

    /// Sets the URL of the Mesos agents; `{host}` stands for the host. The default is port 5051.
    #[must_use]
    pub fn with_agent_url(self, agent_url: Option<String>) -> Self {
        Self { agent_url, ..self }
    }

    /// Sets how long the client retries while Marathon is unavailable.
    #[must_use]
    pub fn with_retry(self, retry: RetryOptions) -> Self {
        Self { retry, ..self }
    }

    /// Sets the longest outage of Marathon that the client survives; zero for no retries.
    #[must_use]
    pub fn with_max_outage(mut self, outage: Duration) -> Self {
        self.retry.outage = outage;
        self
    }

    /// Sets the receiver of reports of outages.
    #[must_use]
    pub fn with_outage_reporter(self, reporter: OutageReporter) -> Self {
        Self {
            outage_reporter: Some(reporter),
            ..self
        }
    }

    pub(super) fn build_http(&self) -> Result<reqwest::Client, ClientError> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // `MarathonClient` follows redirects, because it knows where credentials may go.
            .redirect(Policy::none())
            .user_agent(concat!("moodvane-fleet/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &self.ca_file {
            builder = builder.tls_certs_only(load_authorities(path)?);
        } else if self.addresses.iter().all(|url| url.scheme() == "http") {
            // Loading the system's authorities takes longer than most requests.
            builder = builder.tls_certs_only([]);
        }
        builder.build().map_err(ClientError::HttpClient)
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("addresses", &self.addresses)
            .field("credentials", &self.credentials)
            .field("agent_url", &self.agent_url)
            .field("retry", &self.retry)
            .field("ca_file", &self.ca_file)
            .finish_non_exhaustive()
    }
}

fn load_authorities(path: &Path) -> Result<Vec<Certificate>, ClientError> {
    let pem = fs::read(path).map_err(|source| ClientError::UnreadableFile {
        path: path.to_owned(),
        source,
    })?;
    let invalid = |source| ClientError::InvalidCertificates {
        path: path.to_owned(),
        source,
    };
    let authorities = Certificate::from_pem_bundle(&pem).map_err(|source| invalid(Some(source)))?;
    match authorities.is_empty() {
        true => Err(invalid(None)),
        false => Ok(authorities),
    }
}

fn parse_address(text: &str) -> Result<Url, ClientError> {
    let invalid = |source| ClientError::InvalidAddress {
        address: text.to_owned(),
        source,
    };
    let url: Url = text.parse().map_err(|source| invalid(Some(source)))?;
    // First, so that no other message repeats the password.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid_addresses(
            "must not contain a password: use --user and --password-file".to_owned(),
        ));
    }
    if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
        return Err(invalid(None));
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn invalid_addresses(reason: String) -> ClientError {
    ClientError::InvalidOption {
        option: "--marathon".to_owned(),
        reason,
    }
}
