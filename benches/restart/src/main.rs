//! How soon the parts of the fleet are back: a task is killed, and it is measured when another is healthy,
//! as Marathon says, and when it first answers, as a client sees it. Launch and stop of the whole system
//! too.
//!
//! Terms: a *trial* is one kill and all that is waited for after it; the *other* parts are watched
//! meanwhile, and each request of theirs that fails is counted.
//!
//! Guarantee: no trial begins before the one before is over and every part is healthy, and none waits for
//! a launch delay that another trial caused.
//!
//! It must not know how the services work: it asks Marathon, and the ports that Marathon names.

mod absent;
mod figures;
mod kill;
mod options;
mod others;
mod plot;
mod probe;
mod report;
mod run;
mod seed;
mod trial;
mod whole;

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
