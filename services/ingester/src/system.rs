//! The actix system in which the ingester's actors run.

use tokio::runtime::Runtime;

/// Drives `work` to its end inside an actix system: actors run on this thread, other tasks on the
/// worker threads of `runtime`.
pub fn block_on_system<F: Future>(runtime: Runtime, work: F) -> F::Output {
    actix::System::with_tokio_rt(|| runtime).block_on(work)
}
