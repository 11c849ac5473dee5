//! `fleet local` as a program of its own, for test scripts.

use clap::Parser;
use moodvane_fleet_local::Options;
use tracing_subscriber::EnvFilter;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    moodvane_fleet_local::run(Arguments::parse().options).await
}
