//! The HTTP API over the hour rows.
//!
//! | route | answer |
//! |---|---|
//! | `POST /weather` | hours of a range with feeling, temperature and r² |
//! | `GET, POST /test` | the same shape over fixed hours, see the table in `fixed_hours.rs` |
//! | `GET /v1/hours` | all stored facts of each hour, page by page; JSON, CSV or NDJSON |
//! | `GET /v1/relation` | the relation of a weather variable and the feeling, with intervals |
//! | `GET /v1/effect` | the effect of all weather variables at once, with checks; JSON, Markdown or HTML, with progress as server-sent events |
//! | `GET /v1/cities` | the configured cities |
//! | `GET /v1/status` | the lag behind the log and the last hour of each source |
//! | `GET /openapi.json` | this interface, as OpenAPI 3.1 |
//! | `GET /`, `/docs`, `/assets` | the web pages, see `page.rs` |
//! | `GET /ping` | `pong` |
//! | `GET /health` | liveness |
//! | `GET /ready` | readiness: store, the process's own checks, not draining; reports the log too |
//! | `GET /metrics` | the metrics in Prometheus's text format |
//!
//! A path may end with a slash: `/weather/` is `/weather`.
//!
//! Terms: a *problem* is an error response in the form of RFC 9457; a *ready* server can answer
//! requests.
//!
//! Guarantee: every response with a status from 400 up is a problem, except that of `/ready` and
//! except input that is not HTTP, which the protocol layer rejects with a bare 400, 414 or 431. The
//! server limits the body, the range, the duration, the number of concurrent requests and the rate
//! of a client; a rejection names the limit. A panic in a handler fails only its own request.
//!
//! Must not know: the records of topics, scoring and folding. The server reads hour rows through
//! [`moodvane_store::Store`] and reads only watermarks from the log.

mod answer;
mod body;
mod concurrency;
mod config;
mod deadline;
mod etag;
mod fixed_hours;
mod http_metrics;
mod openapi;
mod page;
mod probes;
mod problem;
mod query;
mod rate_limit;
mod request;
mod request_id;
mod requested_hour;
mod rounding;
mod router;
mod serve;
mod state;
mod store_reads;
mod trailing_slash;
mod v1;
mod weather;
mod write_timeout;
mod zone;

pub use config::{EffectLimits, ServerConfig};
pub use rate_limit::RateLimit;
pub use router::router;
pub use serve::{ConnectionLimits, listen, serve};
pub use state::ServerDeps;
