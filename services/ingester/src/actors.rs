//! The supervision tree, as an operator sees it: `GET /actors`.
//!
//! Guarantee: looking never waits for an actor. Who is asked before the ingester has begun answers with
//! an empty tree.

use std::sync::{Arc, OnceLock};

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use crate::formatter::PoolStatus;
use crate::ingester::Ingester;
use crate::status::SourceStatus;

/// The ingester, once there is one.
pub type Handle = Arc<OnceLock<Ingester>>;

/// The whole tree, each parent before its children.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Actors {
    /// The actors.
    pub actors: Vec<Actor>,
}

/// One actor, or one kind of which there are many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// Its name; a source's is its id.
    pub name: String,
    /// Who starts it, and starts it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<&'static str>,
    /// What it is doing.
    pub state: &'static str,
    /// When it is tried again, where it waits for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// How often it was made anew.
    pub restarts: u64,
    /// Why it failed last, where it ever did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When it last did what it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success: Option<String>,
    /// What waits at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<Mailbox>,
    /// How many there are, of a kind of which there may be several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<Members>,
}

/// What waits at an actor, or is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Mailbox {
    /// How much waits.
    pub waiting: u64,
    /// How much may wait before senders must.
    pub capacity: u64,
}

/// How many of a kind there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Members {
    /// Now.
    pub now: usize,
    /// At least.
    pub least: usize,
    /// At most.
    pub most: usize,
}

const DISPATCHER: &str = "dispatcher";

impl Actor {
    fn named(name: &str, parent: Option<&'static str>, state: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            parent,
            state,
            until: None,
            restarts: 0,
            last_error: None,
            last_success: None,
            mailbox: None,
            members: None,
        }
    }

    pub(crate) fn dispatcher(lives: bool) -> Self {
        Self::named(DISPATCHER, None, state(lives))
    }

    pub(crate) fn publisher(lives: bool, mailbox: Mailbox) -> Self {
        Self {
            mailbox: Some(mailbox),
            ..Self::named("publisher", None, state(lives))
        }
    }

    pub(crate) fn formatters(pool: Option<PoolStatus>) -> Self {
        let named = Self::named("formatters", None, state(pool.is_some()));
        let Some(pool) = pool else {
            return named;
        };
        Self {
            mailbox: Some(Mailbox {
                waiting: pool.chunks as u64,
                capacity: (pool.members * pool.mailbox) as u64,
            }),
            members: Some(Members {
                now: pool.members,
                least: pool.least,
                most: pool.most,
            }),
            ..named
        }
    }

    /// A source's batches on their way are what waits at it: at `in_flight` it stops reading.
    pub(crate) fn source(status: SourceStatus, in_flight: usize) -> Self {
        Self {
            until: status.state.until().map(|at| at.to_string()),
            restarts: status.restarts,
            last_error: status.last_error,
            last_success: status.last_success.map(|at| at.to_string()),
            mailbox: Some(Mailbox {
                waiting: status.in_flight,
                capacity: in_flight as u64,
            }),
            ..Self::named(status.id.as_str(), Some(DISPATCHER), status.state.name())
        }
    }
}

fn state(lives: bool) -> &'static str {
    if lives { "running" } else { "stopped" }
}

/// `GET /actors`.
pub fn routes(handle: Handle) -> Router {
    Router::new()
        .route("/actors", get(answer))
        .with_state(handle)
}

async fn answer(State(handle): State<Handle>) -> Json<Actors> {
    let actors = handle.get().map(Ingester::actors);
    Json(actors.unwrap_or(Actors { actors: Vec::new() }))
}
