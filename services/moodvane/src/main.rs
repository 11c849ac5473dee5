//! The all-in-one binary: the whole pipeline in one process, and the tools around it.
//!
//! It alone knows every service. `main` is short: parse, check, build, run, drain.

mod actors;
mod cli;
mod config;
mod data;
mod dead;
mod demo;
mod eval;
mod health;
mod http;
mod oldest;
mod pipeline;
mod progress;
mod query;
mod rebuild;
mod replay;
mod rescore;
mod runs;
mod score;
mod sources;
mod terminal;
mod verify;

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use moodvane_runtime::{DEFAULT_CONFIG, SettingsError, init_logging};

use crate::cli::{Cli, Command, Common};
use crate::config::AppConfig;

/// sysexits(3) EX_CONFIG: the configuration is wrong.
const EXIT_CONFIG: u8 = 78;
const EXIT_FAILURE: u8 = 1;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("moodvane: {error:#}");
            let is_config = error.downcast_ref::<SettingsError>().is_some();
            ExitCode::from(if is_config { EXIT_CONFIG } else { EXIT_FAILURE })
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let common = &cli.common;
    match cli.command.unwrap_or_else(cli::default_command) {
        Command::Demo(args) => start(common, Some(Vec::new()), |config| demo::run(config, args)),
        Command::Run => start(common, None, pipeline::run),
        Command::Replay(args) => start(common, Some(sources::of_replay(&args)?), |config| {
            replay::run(config, args)
        }),
        Command::Serve => start(common, Some(Vec::new()), pipeline::run),
        Command::Verify(args) => {
            start(common, Some(Vec::new()), |config| verify::run(config, args))
        }
        Command::Rescore(args) => start(common, Some(Vec::new()), |config| {
            rescore::run(config, args)
        }),
        Command::Rebuild => start(common, Some(Vec::new()), rebuild::run),
        Command::Runs(command) => start(common, Some(Vec::new()), |config| {
            runs::run(config, command)
        }),
        Command::Dead(command) => start(common, Some(Vec::new()), |config| {
            dead::run(config, command)
        }),
        Command::Score(args) => score::run(&args, common),
        Command::Eval(args) => eval::run(&args, common),
        Command::Config => {
            print!("{DEFAULT_CONFIG}");
            Ok(ExitCode::SUCCESS)
        }
        Command::Query(args) => start(common, Some(Vec::new()), |config| query::run(config, args)),
        Command::Actors(args) => {
            start(common, Some(Vec::new()), |config| actors::run(config, args))
        }
        Command::Health(args) => {
            start(common, Some(Vec::new()), |config| health::run(config, args))
        }
    }
}

/// Reads the configuration, starts logging, and drives `work` to its end inside an actix system,
/// whose actors live on this thread and whose other tasks live on workers.
fn start<W>(
    common: &Common,
    sources: Option<Vec<sources::Table>>,
    work: impl FnOnce(AppConfig) -> W,
) -> anyhow::Result<ExitCode>
where
    W: Future<Output = anyhow::Result<ExitCode>>,
{
    let config = AppConfig::read(common, sources)?;
    init_logging(&config.logging)?;
    let workers = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start worker threads")?;
    actix::System::with_tokio_rt(|| workers).block_on(work(config))
}
