//! The fault table: real processes on real Kafka and Cassandra, one fault after another while posts
//! arrive at a steady rate, and after each the stored hours against the simulator's truth.
//!
//! Terms: a *fault* is what is done to a running system, its repair included; a *round* is one
//! fault and the verification after it; what a fault *promised* is what the design says that it
//! costs.
//!
//! It ends with 0 where every round lost nothing and doubled nothing beyond what was promised, with
//! 1 where one did not, with 2 where it could not find out.
//!
//! It must not know how the services work: it starts and ends them, and reads the log and the store
//! through their interfaces.

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
            eprintln!("the stored hours are not what they must be");
            ExitCode::from(1)
        }
        Err(error) => {
            eprintln!("faults: {error:#}");
            ExitCode::from(2)
        }
    }
}
