//! The processor: consumes both topics, scores posts, folds records into partial hours and flushes
//! them to the store.
//!
//! Terms: the *duplicate window* of a partition is its preceding W offsets, in which an identity
//! counts once; to *fold* is to add a record to its hour; to *flush* is to write the changed rows
//! whole, then the progress; to *re-read* is to fill the duplicate window after a start, without
//! folding.
//!
//! Guarantee (I1): the hour rows are a pure function of the log. They are bit-identical whatever
//! the batches, the crashes and the number of processors. Four rules give this guarantee: a record
//! contains its hour and its identity; whether a record is a duplicate depends only on the
//! preceding W offsets; sums are integers; and a row stores the offset up to which it is folded, so
//! that no record is folded twice.
//!
//! Must not know: the kind of log or store, and where records come from.

mod config;
mod decode;
mod engine;
mod error;
mod lag;
mod metrics;
mod open_rows;
mod parallel_scorer;
mod partition;
mod partition_start;
mod processor;
mod recent_identities;
mod worker;

pub use config::{ProcessorConfig, TopicChoice};
pub use engine::{Engine, EngineConfig, EngineDeps, FlushedOffsets};
pub use error::ProcessorError;
pub use metrics::ProcessorMetrics;
pub use parallel_scorer::{ParallelScorer, parallel_scorer};
pub use processor::{Processor, start};
