//! A client of Marathon's HTTP API that supports several masters.
//!
//! Guarantees: a change is sent again only if the first request cannot have been applied: no connection, or
//! a response that there is no leader. Credentials go only to the given addresses, not to others that a
//! redirect names. Response sizes are bounded, and every request except the event stream has a timeout.

mod calls;
mod credentials;
mod error;
mod options;
mod response;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

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
use self::response::{check_status, parse_json};

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
}

/// A request to any of the addresses.
struct Request<'r> {
    method: Method,
    path: &'r str,
    body: Option<&'r Value>,
    accept: &'static str,
}

impl Request<'_> {
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
            method: Method::GET,
            path: "/v2/events",
            body: None,
            accept: EVENT_STREAM,
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
        let request = Request {
            method,
            path,
            body,
            accept: JSON,
        };
        let response = self.send(&request).await?;
        parse_json(&request.name(), response).await
    }

    /// Sends a request and checks the status. Starts at the address that responded last, and tries the others
    /// in turn while the request is not processed.
    async fn send(&self, request: &Request<'_>) -> Result<Response, ClientError> {
        let first = self.current.load(Ordering::Relaxed);
        let mut failures = Vec::new();
        for offset in 0..self.addresses.len() {
            let index = (first + offset) % self.addresses.len();
            let base = &self.addresses[index];
            match self.send_to(base, request).await? {
                Attempt::Responded(response) => {
                    self.current.store(index, Ordering::Relaxed);
                    return check_status(&request.name(), response).await;
                }
                Attempt::NotProcessed(reason) => failures.push(format!("{base}: {reason}")),
            }
        }
        Err(ClientError::Unreachable(failures))
    }

    async fn send_to(&self, base: &Url, request: &Request<'_>) -> Result<Attempt, ClientError> {
        let mut url = join(base, request.path)?;
        for _ in 0..MAX_REDIRECTS {
            let response = match self.build(request, &url).send().await {
                Ok(response) => response,
                Err(error) if error.is_connect() || request.method == Method::GET => {
                    // The message names the address already.
                    return Ok(Attempt::NotProcessed(error_chain(&error.without_url())));
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
