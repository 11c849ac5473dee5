//! A fake Marathon. Its state advances by one step on each request for apps or tasks, so tests do not depend
//! on the clock.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

mod view;
mod world;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use moodvane_fleet::client::{ClientOptions, Credentials, MarathonClient};
use moodvane_marathon_api::{BodyError, PathId, parse_app, parse_group};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub use self::world::World;

/// A running fake; it stops with the test.
pub struct Fake {
    pub address: String,
    world: Arc<Mutex<World>>,
}

impl Fake {
    pub async fn start() -> Self {
        let world = Arc::new(Mutex::new(World::default()));
        let router = Router::new()
            .fallback(respond)
            .with_state(Arc::clone(&world));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, world }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub fn client(&self) -> Arc<MarathonClient> {
        client(&[&self.address])
    }
}

/// A client of these addresses, without credentials.
pub fn client(addresses: &[&str]) -> Arc<MarathonClient> {
    let addresses: Vec<String> = addresses.iter().map(|one| (*one).to_owned()).collect();
    // No agent listens on that port, so there are no logs.
    let access = ClientOptions::new(&addresses, Credentials::None, None)
        .unwrap()
        .with_max_outage(Duration::ZERO)
        .with_agent_url(Some("http://127.0.0.1:9".to_owned()));
    Arc::new(MarathonClient::new(access).unwrap())
}

async fn respond(
    State(world): State<Arc<Mutex<World>>>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().to_owned();
    if path == "/v2/events" {
        return match world.lock().unwrap().has_events {
            true => events().into_response(),
            false => reject(404, "no event stream"),
        };
    }
    let mut world = world.lock().unwrap();
    if let Some(status) = world.next_errors.pop() {
        return reject(status, "transient error");
    }
    if let Some(wanted) = &world.authorization {
        let given = headers
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        if given != Some(wanted) {
            return reject(401, "Invalid username or password.");
        }
    }
    let query = uri.query().unwrap_or_default().to_owned();
    if method != Method::GET && !query.contains("dryRun") {
        world.requests.push(format!("{method} {path}"));
    }
    route(&mut world, &method, &path, &query, &body)
}

fn route(world: &mut World, method: &Method, path: &str, query: &str, body: &[u8]) -> Response {
    let force = query.contains("force=true");
    let below = |prefix: &str| {
        path.strip_prefix(prefix)
            .and_then(|id| id.parse::<PathId>().ok())
    };
    match (method.as_str(), path) {
        ("GET", "/v2/apps") => {
            world.step();
            Json(json!({ "apps": world.apps() })).into_response()
        }
        ("PUT", "/v2/apps") => {
            let scales: Vec<Value> = serde_json::from_slice(body).unwrap();
            started(world.scale(&scales, force))
        }
        ("GET", "/v2/tasks") => {
            world.step();
            Json(json!({ "tasks": world.tasks() })).into_response()
        }
        ("GET", "/v2/deployments") => Json(json!(world.deployments())).into_response(),
        ("GET", "/v2/queue") => Json(json!({ "queue": world.queue })).into_response(),
        ("GET", "/v2/info") if world.hides_info => reject(403, "Not Authorized"),
        ("GET", "/v2/info") => Json(world.info()).into_response(),
        _ if path.starts_with("/v2/deployments/") => {
            match world.roll_back(path.rsplit('/').next().unwrap()) {
                Some(result) => Json(result).into_response(),
                None => reject(404, "DeploymentPlan does not exist"),
            }
        }
        _ if path.ends_with("/restart") => {
            let id = below("/v2/apps/").unwrap().parent();
            started(world.restart(&id, force))
        }
        ("PUT", _) if path.starts_with("/v2/groups/") => match parse_group(body) {
            Err(error) => invalid(&error),
            Ok(group) if query.contains("dryRun=true") => Json(world.plan(&group)).into_response(),
            Ok(group) => started(world.put_group(group, force)),
        },
        ("DELETE", _) if path.starts_with("/v2/groups/") => match world.delete_group() {
            Some(result) => Json(result).into_response(),
            None => reject(404, "Group '/moodvane' does not exist"),
        },
        ("PUT", _) => match parse_app(body) {
            Err(error) => invalid(&error),
            Ok(app) => started(world.put_app(app, force)),
        },
        ("GET", _) if path.starts_with("/v2/groups/") => match world.apps().is_empty() {
            true => reject(404, "Group '/moodvane' does not exist"),
            false => Json(world.group()).into_response(),
        },
        ("GET", _) => match below("/v2/apps/").and_then(|id| world.app(&id)) {
            Some(app) => Json(json!({ "app": app })).into_response(),
            None => reject(404, "App does not exist"),
        },
        _ => reject(500, "URI not found"),
    }
}

/// The started deployment, or the one that locks the app.
fn started(result: Result<Value, String>) -> Response {
    match result {
        Ok(result) => Json(result).into_response(),
        Err(deployment) => {
            let message =
                "App is locked by one or more deployments. Override with the option '?force=true'.";
            let body = json!({ "message": message, "deployments": [{ "id": deployment }] });
            (StatusCode::CONFLICT, Json(body)).into_response()
        }
    }
}

fn invalid(error: &BodyError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap();
    (status, Json(error.body())).into_response()
}

fn reject(status: u16, message: &str) -> Response {
    (
        StatusCode::from_u16(status).unwrap(),
        Json(json!({ "message": message })),
    )
        .into_response()
}

/// An event stream with frequent events.
pub fn events() -> impl IntoResponse {
    let beats = stream::unfold((), async |()| {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let event = Event::default().event("status_update_event").data("{}");
        Some((Ok::<_, Infallible>(event), ()))
    });
    Sse::new(Box::pin(beats))
}
