//! The ingester: reads upstreams and files and publishes their records to the event log.
//!
//! Terms: a *source* is one configured upstream or file; a *run* of a source is the time from its
//! start to its exit; a *batch* is formatted and published together; a *cursor* is the position
//! before which all records of a source are acknowledged. A source is *replayable* if it can resend
//! earlier messages.
//!
//! Actors: the *dispatcher* supervises one actor per source and restarts it, after a jittered
//! backoff, when it fails or hangs; sources send raw messages to the pool of *formatters*; the
//! *publisher* owns the connection to the log. All mailboxes are bounded and all senders wait, so a
//! slow or unavailable log causes back-pressure down to the sockets.
//!
//! Guarantees: the cursor of a replayable source moves only after the log acknowledges its records;
//! records of other sources are in the spool, on this machine's disk, before they are acknowledged.
//! A failing source does not affect others. Dropped messages are counted by reason. A drain stops
//! the sources, waits for the records in flight and saves the cursors.
//!
//! It must not know how records are used: it does not score posts, aggregate hours or store rows.
//! `moodvane_upstream` parses the messages of upstreams.

mod actors;
mod config;
mod cursor;
mod dispatcher;
mod drop_log;
mod error;
mod file;
mod formatter;
mod http;
mod ingester;
mod jetstream;
mod mastodon;
mod metrics;
mod pipeline;
mod publisher;
mod recovery;
mod routes;
mod source_actor;
mod source_context;
mod spool;
mod start;
mod status;
mod stream;
mod system;
#[cfg(test)]
#[path = "../tests/support/log.rs"]
mod testing;
#[cfg(test)]
mod tests;
mod weather;
mod x;

pub use actors::{ActorStatus, ActorTree, MailboxStatus, PoolSize};
pub use config::{
    ApiKey, BlueskyConfig, FileConfig, IngesterConfig, Input, MastodonConfig, PostFileConfig,
    SourceConfig, Speed, WeatherConfig, WeatherFileConfig, WeatherProvider, XConfig,
};
pub use dispatcher::DrainReport;
pub use error::IngestError;
pub use formatter::PoolStatus;
pub use ingester::Ingester;
pub use moodvane_retry::{Backoff, BackoffError};
pub use recovery::CircuitConfig;
pub use routes::{IngesterHandle, actor_routes};
pub use spool::{SpoolConfig, SpoolError};
pub use start::{StartError, start};
pub use status::{SourceAccount, SourceState, SourceStatus};
pub use system::block_on_system;
