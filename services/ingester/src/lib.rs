//! The ingester: from the upstreams into the log.
//!
//! Terms: a *source* is one configured upstream or file; a *life* of a source is the time from its
//! start to its end; a *batch* is what of a source is formatted and published together; a *cursor*
//! is where a source stood when all before it was acknowledged.
//!
//! Actors: the *dispatcher* starts a *child* per source and makes it anew, after a jittered
//! back-off, when it fails or hangs; a child hands raw messages to the pool of *formatters*; the *publisher*
//! owns the way into the log. All mailboxes are bounded and all senders wait, so that a log that
//! is slow or away is felt at the sockets.
//!
//! Guarantees: a source that can resume moves on only after the log's acknowledgement; what another
//! said is on this machine's disk, in the spool, before it is acknowledged; a source that fails is
//! alone; what becomes no record is counted by reason; a drain stops taking, waits
//! for what is in flight and saves the cursors.
//!
//! It must not know what is done with the records: nothing here scores, folds or stores an hour.
//! What an upstream's messages mean is `moodvane_upstream`'s to say.

mod actors;
mod backoff;
mod config;
mod cursor;
mod dispatcher;
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
pub use backoff::{Backoff, BackoffError};
pub use config::{
    ApiKey, BlueskyConfig, FileConfig, IngesterConfig, Input, MastodonConfig, PostFileConfig,
    SourceConfig, Speed, WeatherConfig, WeatherFileConfig, WeatherProvider, XConfig,
};
pub use dispatcher::DrainReport;
pub use error::IngestError;
pub use formatter::PoolStatus;
pub use ingester::Ingester;
pub use recovery::CircuitConfig;
pub use routes::{IngesterHandle, actor_routes};
pub use spool::{SpoolConfig, SpoolError};
pub use start::{StartError, start};
pub use status::{SourceState, SourceStatus};
pub use system::block_on_system;
