//! The ingester's HTTP route: `GET /actors`.
//!
//! Guarantee: before the ingester has started the answer is an empty tree.

use std::sync::{Arc, OnceLock};

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};

use crate::actors::ActorTree;
use crate::ingester::Ingester;

/// The ingester, set once it has started.
pub type IngesterHandle = Arc<OnceLock<Ingester>>;

/// The router with `GET /actors`.
pub fn actor_routes(handle: IngesterHandle) -> Router {
    Router::new()
        .route("/actors", get(actor_tree))
        .with_state(handle)
}

async fn actor_tree(State(handle): State<IngesterHandle>) -> Json<ActorTree> {
    let tree = handle.get().map(Ingester::actor_tree);
    Json(tree.unwrap_or(ActorTree::EMPTY))
}
