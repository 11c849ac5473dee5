//! Marathon over HTTP: several masters, the leader among them, and errors that say which.
//!
//! Guarantee: a change is sent a second time only where the first cannot have arrived: nobody listened, or
//! whoever did said that there is no leader. A password or token goes to addresses that were given, and
//! to no other that an answer names. Answers are read up to a bound, and each has a time-out.

mod access;
mod answer;
mod calls;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::header::{ACCEPT, LOCATION};
use reqwest::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;
use url::Url;

pub use self::access::{ClientOptions, Credentials};
use self::answer::{accept, read};
pub use self::calls::StartedDeployment;
pub use moodvane_marathon_api::AppInfo;

/// Where agents listen, where nothing else is said.
const AGENT_PORT: u16 = 5051;
const CONNECT: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(30);
/// From one master to the leader, and once more where that has just changed.
const MAX_HOPS: usize = 3;

/// Why Marathon did not do or tell what it was asked.
#[derive(Debug, Error)]
pub enum ClientError {
    /// An address, a file of the login or the authorities is wrong.
    #[error("{what}: {why}")]
    InvalidOption {
        /// Which.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// Nobody answered.
    #[error("no Marathon answers: {}; is it the right address, and does it run?", .0.join("; "))]
    Unreachable(Vec<String>),
    /// The answer is a refusal.
    #[error("{what}: Marathon answers {status}: {message}")]
    Rejected {
        /// The request.
        what: String,
        /// The status.
        status: u16,
        /// What it says.
        message: String,
    },
    /// Deployments under way hold what is to be changed.
    #[error("{what}: other deployments are under way: {}", .deployments.join(", "))]
    Locked {
        /// The request.
        what: String,
        /// Their ids.
        deployments: Vec<String>,
    },
    /// The login is missing, wrong, or may not do this.
    #[error(
        "{what}: Marathon answers {status}: the login is missing, wrong or may not do this (--user and --password-file, or --token-file)"
    )]
    Unauthorized {
        /// The request.
        what: String,
        /// 401 or 403.
        status: u16,
    },
    /// The leader is somewhere else.
    #[error(
        "{from} sends us on to {to}, which is not among the given addresses, so the login is not sent there; name it too"
    )]
    UntrustedRedirect {
        /// Who said so.
        from: String,
        /// Where.
        to: String,
    },
    /// The answer is none that Marathon gives.
    #[error("{what}: the answer is not Marathon's: {why}")]
    InvalidResponse {
        /// The request.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// The connection broke after the request was sent.
    #[error("{what}: the connection broke: {why}; what was asked for may have been done")]
    ConnectionLost {
        /// The request.
        what: String,
        /// Why.
        why: String,
    },
}

impl ClientError {
    /// Whether asking again may help: nothing was wrong with the request.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::ConnectionLost { .. } => true,
            Self::Rejected { status, .. } => *status >= 500,
            _ => false,
        }
    }

    /// Whether there is no such thing.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Rejected { status: 404, .. })
    }
}

/// A client of one Marathon, at one or several addresses.
#[derive(Debug)]
pub struct MarathonClient {
    http: reqwest::Client,
    addresses: Vec<Url>,
    /// The one that answered last.
    current: AtomicUsize,
    login: Credentials,
    agent: Option<String>,
}

/// One try at one address.
enum Try {
    Answer(Response),
    /// Nothing was done; the next address may.
    Away(String),
}

impl MarathonClient {
    /// Makes a client; nothing is asked yet.
    ///
    /// # Errors
    /// [`ClientError::InvalidOption`] where the authorities cannot be read.
    pub fn new(access: ClientOptions) -> Result<Self, ClientError> {
        let http = access.http(CONNECT)?;
        Ok(Self {
            http,
            addresses: access.addresses,
            current: AtomicUsize::new(0),
            login: access.login,
            agent: access.agent,
        })
    }

    /// The address that answered last.
    #[must_use]
    pub fn address(&self) -> &Url {
        let index = self.current.load(Ordering::Relaxed) % self.addresses.len();
        &self.addresses[index]
    }

    /// Where the Mesos agent of a host answers.
    pub(crate) fn agent_of(&self, host: &str) -> String {
        match &self.agent {
            Some(agent) => agent
                .replace("{host}", host)
                .trim_end_matches('/')
                .to_owned(),
            None => format!("http://{host}:{AGENT_PORT}"),
        }
    }

    /// Without the login, for whoever is not Marathon.
    pub(crate) fn plain_http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Opens the stream of events.
    ///
    /// # Errors
    /// [`ClientError`] where there is none.
    pub async fn event_stream(&self) -> Result<Response, ClientError> {
        let response = self
            .send(&Method::GET, "/v2/events", None, "text/event-stream")
            .await?;
        accept("GET /v2/events", response).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let what = format!("GET {}", bare(path));
        let response = self
            .send(&Method::GET, path, None, "application/json")
            .await?;
        read(&what, accept(&what, response).await?).await
    }

    /// As `get`; `None` where there is no such thing.
    async fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, ClientError> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn change(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response, ClientError> {
        let what = format!("{method} {}", bare(path));
        let response = self.send(&method, path, body, "application/json").await?;
        accept(&what, response).await
    }

    /// Asks the address that answered last, and the others in turn while nobody has taken the request.
    async fn send(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        accepted: &str,
    ) -> Result<Response, ClientError> {
        let first = self.current.load(Ordering::Relaxed);
        let mut tried = Vec::new();
        for turn in 0..self.addresses.len() {
            let index = (first + turn) % self.addresses.len();
            let base = &self.addresses[index];
            match self.ask(base, method, path, body, accepted).await? {
                Try::Answer(response) => {
                    self.current.store(index, Ordering::Relaxed);
                    return Ok(response);
                }
                Try::Away(why) => tried.push(format!("{base}: {why}")),
            }
        }
        Err(ClientError::Unreachable(tried))
    }

    async fn ask(
        &self,
        base: &Url,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        accepted: &str,
    ) -> Result<Try, ClientError> {
        let mut url = at(base, path)?;
        for _ in 0..MAX_HOPS {
            let request = self
                .http
                .request(method.clone(), url.clone())
                .header(ACCEPT, accepted);
            let request = match accepted {
                // A stream has no end that a time-out could wait for.
                "text/event-stream" => request,
                _ => request.timeout(ANSWER),
            };
            let request = self.login.on(request);
            let request = match body {
                Some(body) => request.json(body),
                None => request,
            };
            let response = match request.send().await {
                Ok(response) => response,
                Err(error) if error.is_connect() || *method == Method::GET => {
                    // The address is told beside it, and the whole path helps nobody.
                    return Ok(Try::Away(chain(&error.without_url())));
                }
                Err(error) => {
                    return Err(ClientError::ConnectionLost {
                        what: format!("{method} {}", bare(path)),
                        why: chain(&error.without_url()),
                    });
                }
            };
            match response.status() {
                StatusCode::SERVICE_UNAVAILABLE => {
                    return Ok(Try::Away("has no leader".to_owned()));
                }
                status if status.is_redirection() => url = self.onward(&url, &response)?,
                _ => return Ok(Try::Answer(response)),
            }
        }
        Ok(Try::Away(format!("is sent on more than {MAX_HOPS} times")))
    }

    /// Where a redirection leads, if we may go there.
    fn onward(&self, from: &Url, response: &Response) -> Result<Url, ClientError> {
        let location = response
            .headers()
            .get(LOCATION)
            .and_then(|place| place.to_str().ok());
        let to = location.and_then(|place| from.join(place).ok());
        let Some(to) = to else {
            return Err(ClientError::InvalidResponse {
                what: from.to_string(),
                why: "a redirection to nowhere".to_owned(),
            });
        };
        let is_known = self
            .addresses
            .iter()
            .any(|known| known.origin() == to.origin());
        if is_known || self.login == Credentials::None {
            return Ok(to);
        }
        Err(ClientError::UntrustedRedirect {
            from: from.origin().ascii_serialization(),
            to: to.origin().ascii_serialization(),
        })
    }
}

/// A path without its question, which is long and says nothing to people.
fn bare(path: &str) -> &str {
    path.split('?').next().unwrap_or(path)
}

/// `path` below an address that may itself have a path, as behind a gateway.
fn at(base: &Url, path: &str) -> Result<Url, ClientError> {
    let text = format!("{}{path}", base.as_str().trim_end_matches('/'));
    text.parse()
        .map_err(|error: url::ParseError| ClientError::InvalidOption {
            what: text.clone(),
            why: error.to_string(),
        })
}

/// The error with its causes; the outer ones alone say only that something failed.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}
