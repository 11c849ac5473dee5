//! Restart benchmark: kills a task and measures when its replacement is healthy, as Marathon reports
//! it, and when it first answers a client. Also measures stop and launch of the whole group.
//!
//! Terms: a *trial* is one kill and the wait for the replacement; *availability* is the result of
//! probing the other tasks and the load balancer during a trial; the *seed* is the system that this
//! project started from, whose figures are the baseline.
//!
//! Guarantees: a trial starts only after the previous one is over and every task is healthy, and does
//! not include a launch delay that another trial caused.
//!
//! It must not know how the services work: it uses Marathon's API and the ports that Marathon assigns.

mod availability;
mod baseline;
mod full_cycle;
mod image_pull;
mod kill;
mod options;
mod plot;
mod probe;
mod report;
mod run;
mod summary;
mod trial;

use std::process::ExitCode;

use clap::Parser;

use crate::options::Options;

#[tokio::main]
async fn main() -> ExitCode {
    match run::run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("restart: {error:#}");
            ExitCode::FAILURE
        }
    }
}
