//! The processor: consumes both topics, scores posts, folds records into partial hours, and
//! flushes them.
//!
//! Terms: the *window* of a partition is its preceding W offsets, in which an identity counts
//! once; to *fold* is to add a record to its hour; to *flush* is to write the changed rows whole,
//! then the progress; to *re-read* is to fill the window again after a start, without folding.
//!
//! Guarantee (I1): the hour rows are a pure function of the log. Whatever the batches, crashes or
//! number of processors, they are bit-identical. It rests on four rules: a record's hour and
//! identity are in the record; whether it is a duplicate depends on the preceding W offsets alone;
//! sums are integers; and a row carries the offset that it is folded through, so that folding a
//! record twice is noticed.
//!
//! It must not know which log or which store it works with, nor where records come from.

mod config;
mod decode;
mod engine;
mod error;
mod fold;
mod lag;
mod metrics;
mod parallel;
mod rows;
mod window;
mod worker;

pub use config::{ProcessorConfig, TopicChoice};
pub use engine::{Engine, EngineConfig, Parts};
pub use error::ProcessorError;
pub use metrics::ProcessorMetrics;
pub use parallel::{ParallelScorer, parallel};
pub use worker::{Flushed, Processor, start};
