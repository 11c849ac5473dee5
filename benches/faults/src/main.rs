//! The fault table: injects one fault after another into real processes on real Kafka and Cassandra
//! while posts arrive at a steady rate, and compares the stored hours with the simulator's ground
//! truth after each.
//!
//! Terms: a *fault* is an action on a running system, including its repair; a *round* is one fault
//! and the verification after it; an *allowance* is the documented cost of a fault.
//!
//! Exit codes: 0 when no round lost or doubled anything beyond its allowance, 1 when one did, 2
//! when the check could not complete.
//!
//! It must not know how the services work: it starts and stops them, and reads the log and the
//! store through their interfaces.

mod cluster;
mod configuration;
mod fault;
mod kafka;
mod log_faults;
mod options;
mod outcome;
mod progress;
mod reading;
mod rounds;
mod service;
mod system;
mod table;
mod waiting;

use std::process::ExitCode;

use clap::Parser;
use options::Options;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match rounds::run(&options).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("the stored hours differ from the ground truth");
            ExitCode::from(1)
        }
        Err(error) => {
            eprintln!("faults: {error:#}");
            ExitCode::from(2)
        }
    }
}
