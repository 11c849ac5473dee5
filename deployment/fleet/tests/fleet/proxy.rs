//! A proxy in front of the fake Marathon that loses requests or responses.

#![allow(clippy::unwrap_used)]

use std::slice;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures::stream;
use moodvane_fleet::client::{ClientOptions, Credentials, MarathonClient, RetryOptions};
use moodvane_retry::Backoff;
use tokio::net::TcpListener;

/// How a request fails during an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Marathon has no leader.
    NoLeader,
    /// The request is lost.
    LostRequest,
    /// Marathon processes the request, and its response is lost.
    LostResponse,
}

/// Where an outage begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outage {
    /// The request at which it begins, such as `PUT /v2/apps`, and which of them.
    pub(crate) at: (String, usize),
    pub(crate) failure: Failure,
}

/// The number of requests that fail in one outage.
const FAILED_REQUESTS: usize = 4;

#[derive(Default)]
struct Plan {
    outage: Option<Outage>,
    /// The requests that are left to fail.
    left: usize,
    seen: Vec<String>,
}

/// A running proxy; it stops with the test.
pub(crate) struct Proxy {
    address: String,
    plan: Arc<Mutex<Plan>>,
    pub(crate) lines: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Backend {
    address: String,
    http: reqwest::Client,
    plan: Arc<Mutex<Plan>>,
}

impl Proxy {
    pub(crate) async fn start(backend: &str) -> Self {
        let plan = Arc::new(Mutex::new(Plan::default()));
        let state = Backend {
            address: backend.to_owned(),
            http: reqwest::Client::builder()
                .tls_certs_only([])
                .build()
                .unwrap(),
            plan: Arc::clone(&plan),
        };
        let router = Router::new().fallback(forward).with_state(state);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            plan,
            lines: Arc::default(),
        }
    }

    /// Plans an outage and forgets the requests so far.
    pub(crate) fn plan(&self, outage: Option<Outage>) {
        *self.plan.lock().unwrap() = Plan {
            outage,
            ..Plan::default()
        };
    }

    /// The requests so far: method and path.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.plan.lock().unwrap().seen.clone()
    }

    /// A client that retries within milliseconds.
    pub(crate) fn client(&self) -> Arc<MarathonClient> {
        let lines = Arc::clone(&self.lines);
        let backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(4)).unwrap();
        let options = ClientOptions::new(slice::from_ref(&self.address), Credentials::None, None)
            .unwrap()
            .with_agent_url(Some("http://127.0.0.1:9".to_owned()))
            .with_retry(RetryOptions {
                outage: Duration::from_secs(30),
                backoff,
            })
            .with_outage_reporter(Arc::new(move |line: &str| {
                lines.lock().unwrap().push(line.to_owned());
            }));
        Arc::new(MarathonClient::new(options).unwrap())
    }
}

/// The failure of this request, if the outage has begun.
fn failure(plan: &mut Plan, request: &str) -> Option<Failure> {
    let before = plan.seen.iter().filter(|seen| *seen == request).count();
    plan.seen.push(request.to_owned());
    let outage = plan.outage.clone()?;
    if outage.at == (request.to_owned(), before) {
        plan.left = FAILED_REQUESTS;
    }
    plan.left = plan.left.checked_sub(1)?;
    Some(outage.failure)
}

async fn forward(State(backend): State<Backend>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let name = format!("{} {}", parts.method, parts.uri.path());
    // The event stream is only a trigger.
    if parts.uri.path() == "/v2/events" {
        return crate::fake::events().into_response();
    }
    let failure = failure(&mut backend.plan.lock().unwrap(), &name);
    match failure {
        Some(Failure::NoLeader) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(Failure::LostRequest) => return broken(),
        Some(Failure::LostResponse) | None => {}
    }
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let url = format!("{}{}", backend.address, parts.uri);
    let request = backend.http.request(parts.method, url).body(body);
    let response = request.send().await.unwrap();
    let (status, body) = (response.status(), response.bytes().await.unwrap());
    match failure {
        Some(_) => broken(),
        None => (status, body).into_response(),
    }
}

/// A response whose body breaks.
fn broken() -> Response {
    let error = std::io::Error::other("the connection is lost");
    Body::from_stream(stream::iter([Err::<Bytes, _>(error)])).into_response()
}
