//! A client of Marathon's HTTP API that supports several masters.
//!
//! Guarantees: every call survives an outage of Marathon up to the given length. A change whose
//! outcome is unknown is sent again only if that has the same effect as sending it once; other
//! calls look up the outcome first. Credentials go only to the given addresses, not to others that
//! a redirect names. Response sizes are bounded, and every request except the event stream has a
//! timeout.

mod calls;
mod credentials;
mod error;
mod options;
mod outage;
mod response;

use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use moodvane_retry::Attempts;
use reqwest::header::{ACCEPT, LOCATION};
use reqwest::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

pub use self::calls::StartedDeployment;
pub use self::credentials::Credentials;
pub(crate) use self::error::error_chain;
pub use self::error::{ClientError, ResponseError};
pub use self::options::ClientOptions;
use self::outage::Outages;
pub use self::outage::{OutageReporter, RetryOptions};
use self::response::{check_status, parse_json, read_body};

const DEFAULT_AGENT_PORT: u16 = 5051;
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// From one master to the leader, and again if the leader has just changed.
const MAX_REDIRECTS: usize = 3;
const JSON: &str = "application/json";
const EVENT_STREAM: &str = "text/event-stream";

/// A client of one Marathon, at one or several addresses.
#[derive(Debug)]
pub struct MarathonClient {
    http: reqwest::Client,
    addresses: Vec<Url>,
    /// Index of the address that responded last.
    current: AtomicUsize,
    credentials: Credentials,
    agent_url: Option<String>,
    outages: Outages,
}

/// A request to any of the addresses.
struct Request<'r> {
    method: Method,
    path: &'r str,
    body: Option<&'r Value>,
    accept: &'static str,
    /// Whether a second request has no further effect.
    is_idempotent: bool,
}

impl<'r> Request<'r> {
    fn new(method: Method, path: &'r str, body: Option<&'r Value>) -> Self {
        Self {
            // PUT and DELETE name the desired state.
            is_idempotent: method != Method::POST,
            method,
            path,
            body,
            accept: JSON,
        }
    }

    fn may_repeat_after(&self, error: &ClientError) -> bool {
        match self.is_idempotent {
            true => error.is_transient(),
            false => error.is_transient() && !error.has_unknown_outcome(),
        }
    }

    /// The method and the path without its query, for error messages.
    fn name(&self) -> String {
        let path = self.path.split('?').next().unwrap_or(self.path);
        format!("{} {path}", self.method)
    }
}

/// The outcome at one address.
enum Attempt {
    Responded(Response),
    /// The request was not processed; the next address may process it.
    NotProcessed(String),
    /// The server has no trusted certificate, and will have none later.
    Untrusted(String),
}

impl MarathonClient {
    /// Creates a client without sending a request.
    ///
    /// # Errors
    /// [`ClientError`] if the certificate authorities cannot be read.
    pub fn new(options: ClientOptions) -> Result<Self, ClientError> {
        let http = options.build_http()?;
        Ok(Self {
            http,
            outages: Outages::new(options.retry, options.outage_reporter),
            addresses: options.addresses,
            current: AtomicUsize::new(0),
            credentials: options.credentials,
            agent_url: options.agent_url,
        })
    }

    /// The address that responded last.
    #[must_use]
    pub fn address(&self) -> &Url {
        let index = self.current.load(Ordering::Relaxed) % self.addresses.len();
        &self.addresses[index]
    }

    /// The address of the Mesos agent on a host.
    pub(crate) fn agent_address(&self, host: &str) -> String {
        match &self.agent_url {
            Some(url) => url.replace("{host}", host).trim_end_matches('/').to_owned(),
            None => format!("http://{host}:{DEFAULT_AGENT_PORT}"),
        }
    }

    /// How long Marathon has been unavailable since the client exists.
    #[must_use]
    pub fn outage_time(&self) -> Duration {
        self.outages.total()
    }

    /// The HTTP client, for servers other than Marathon.
    pub(crate) fn http_without_credentials(&self) -> &reqwest::Client {
        &self.http
    }

    /// Opens the event stream.
    ///
    /// # Errors
    /// [`ClientError`] if Marathon does not serve it.
    pub async fn event_stream(&self) -> Result<Response, ClientError> {
        let request = Request {
            accept: EVENT_STREAM,
            ..Request::new(Method::GET, "/v2/events", None)
        };
        self.send(&request).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.request(Method::GET, path, None).await
    }

    /// Like `get`, but returns `None` for 404.
    async fn get_optional<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Option<T>, ClientError> {
        none_if_not_found(self.get(path).await)
    }

    async fn request<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, ClientError> {
        let request = Request::new(method, path, body);
        parse_json(&request.name(), &self.fetch(&request).await?)
    }

    /// Sends a request until Marathon answers or the outage is too long, and returns the body.
    async fn fetch(&self, request: &Request<'_>) -> Result<Vec<u8>, ClientError> {
        let mut attempts = Attempts::new(self.outages.backoff());
        loop {
            match self.fetch_once(request).await {
                Err(error) if request.may_repeat_after(&error) => {
                    self.outages.record_failure(error)?;
                }
                Err(error) if error.is_transient() => return Err(error),
                result => {
                    self.outages.record_answer();
                    return result;
                }
            }
            tokio::time::sleep(attempts.failed()).await;
            // A master that fails may not be the leader any more.
            self.current.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn fetch_once(&self, request: &Request<'_>) -> Result<Vec<u8>, ClientError> {
        let response = self.send(request).await?;
        read_body(&request.name(), response).await
    }

    /// Sends a request and checks the status. Starts at the address that responded last, and tries the others
    /// in turn while the request is not processed.
    async fn send(&self, request: &Request<'_>) -> Result<Response, ClientError> {
        let first = self.current.load(Ordering::Relaxed);
        let mut failures = Vec::new();
        let mut is_untrusted = true;
        for offset in 0..self.addresses.len() {
            let index = (first + offset) % self.addresses.len();
            let base = &self.addresses[index];
            match self.send_to(base, request).await? {
                Attempt::Responded(response) => {
                    self.current.store(index, Ordering::Relaxed);
                    return check_status(&request.name(), response).await;
                }
                Attempt::NotProcessed(reason) => {
                    is_untrusted = false;
                    failures.push(format!("{base}: {reason}"));
                }
                Attempt::Untrusted(reason) => failures.push(format!("{base}: {reason}")),
            }
        }
        Err(match is_untrusted {
            true => ClientError::Untrusted(failures),
            false => ClientError::Unreachable(failures),
        })
    }

    async fn send_to(&self, base: &Url, request: &Request<'_>) -> Result<Attempt, ClientError> {
        let mut url = join(base, request.path)?;
        for _ in 0..MAX_REDIRECTS {
            let response = match self.build(request, &url).send().await {
                Ok(response) => response,
                Err(error) if error.is_connect() || request.method == Method::GET => {
                    let is_untrusted = is_tls_error(&error);
                    // The message names the address already.
                    let reason = error_chain(&error.without_url());
                    return Ok(match is_untrusted {
                        true => Attempt::Untrusted(reason),
                        false => Attempt::NotProcessed(reason),
                    });
                }
                Err(error) => {
                    return Err(ClientError::ConnectionLost {
                        request: request.name(),
                        source: error.without_url(),
                    });
                }
            };
            match response.status() {
                StatusCode::SERVICE_UNAVAILABLE => {
                    return Ok(Attempt::NotProcessed("has no leader".to_owned()));
                }
                status if status.is_redirection() => {
                    url = self.redirect_target(&url, request, &response)?;
                }
                _ => return Ok(Attempt::Responded(response)),
            }
        }
        Ok(Attempt::NotProcessed(format!(
            "redirects more than {MAX_REDIRECTS} times"
        )))
    }

    fn build(&self, request: &Request<'_>, url: &Url) -> reqwest::RequestBuilder {
        let mut builder = self
            .http
            .request(request.method.clone(), url.clone())
            .header(ACCEPT, request.accept);
        // The event stream never ends, so it has no timeout.
        if request.accept != EVENT_STREAM {
            builder = builder.timeout(RESPONSE_TIMEOUT);
        }
        if let Some(body) = request.body {
            builder = builder.json(body);
        }
        self.credentials.apply_to(builder)
    }

    /// Returns the target of a redirect if the credentials may go there.
    fn redirect_target(
        &self,
        from: &Url,
        request: &Request<'_>,
        response: &Response,
    ) -> Result<Url, ClientError> {
        let location = response
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok());
        let Some(to) = location.and_then(|location| from.join(location).ok()) else {
            return Err(ClientError::InvalidResponse {
                request: request.name(),
                source: ResponseError::RedirectWithoutLocation,
            });
        };
        let mut known = self.addresses.iter().map(Url::origin);
        if self.credentials == Credentials::None || known.any(|origin| origin == to.origin()) {
            return Ok(to);
        }
        Err(ClientError::UntrustedRedirect {
            from: from.origin().ascii_serialization(),
            to: to.origin().ascii_serialization(),
        })
    }
}

/// Whether TLS failed, as with a certificate that is not trusted.
fn is_tls_error(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        // An I/O error does not name the error that it wraps as its source.
        let mut io = error.downcast_ref::<io::Error>();
        while let Some(error) = io {
            if error.kind() == io::ErrorKind::InvalidData {
                return true;
            }
            io = error.get_ref().and_then(|inner| inner.downcast_ref());
        }
        cause = error.source();
    }
    false
}

fn none_if_not_found<T>(result: Result<T, ClientError>) -> Result<Option<T>, ClientError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Appends `path` to an address, which may have a path itself, as behind a gateway.
fn join(base: &Url, path: &str) -> Result<Url, ClientError> {
    let text = format!("{}{path}", base.as_str().trim_end_matches('/'));
    text.parse().map_err(|source| ClientError::InvalidAddress {
        address: text.clone(),
        source: Some(source),
    })
}
