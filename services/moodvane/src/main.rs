//! The all-in-one binary: the whole pipeline in one process, and the operator's tools.
//!
//! Only this crate depends on every service. `main` parses the flags and runs the command.

mod account;
mod actors;
mod cli;
mod client;
mod complete_hours;
mod config;
mod data;
mod dead_letters;
mod demo;
mod effect;
mod eval;
mod health;
mod http;
mod lines;
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

use clap::Parser;
use moodvane_ingester::block_on_system;
use moodvane_launch::{exit_code, start_runtime};
use moodvane_runtime::DEFAULT_CONFIG;

use crate::cli::{Cli, Command, GlobalArgs};
use crate::config::{AppConfig, Overrides};

fn main() -> ExitCode {
    exit_code("moodvane", run(Cli::parse()))
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let args = &cli.args;
    match cli.command.unwrap_or_else(cli::default_command) {
        Command::Demo(demo) => {
            let overrides = Overrides::from(demo.cities.clone())
                .without_sources()
                .with_default_cities(demo::CITIES);
            run_pipeline(args, overrides, |config| demo::run(config, demo))
        }
        Command::Run(cities) => run_pipeline(args, cities.into(), pipeline::run),
        Command::Replay(replay) => {
            let mut overrides = Overrides::from(replay.cities.clone());
            overrides.sources = Some(sources::replay_sources(&replay)?);
            run_pipeline(args, overrides, |config| replay::run(config, *replay))
        }
        Command::Serve(cities) => {
            let overrides = Overrides::from(cities).without_sources();
            run_pipeline(args, overrides, pipeline::run)
        }
        Command::Verify(verify) => run_tool(args, |config| verify::run(config, verify)),
        Command::Rescore(rescore) => run_tool(args, |config| rescore::run(config, rescore)),
        Command::Rebuild(rebuild) => run_tool(args, |config| rebuild::run(config, rebuild)),
        Command::Runs(command) => run_tool(args, |config| runs::run(config, command)),
        Command::Dead(command) => run_tool(args, |config| dead_letters::run(config, command)),
        Command::Score(score) => score::run(&score, args),
        Command::Eval(eval) => eval::run(&eval, args),
        Command::Config => {
            print!("{DEFAULT_CONFIG}");
            Ok(ExitCode::SUCCESS)
        }
        Command::Effect(effect) => run_tool(args, |config| effect::run(config, effect)),
        Command::Query(query) => run_tool(args, |config| query::run(config, query)),
        Command::Actors(actors) => run_tool(args, |config| actors::run(config, actors)),
        Command::Health(health) => run_tool(args, |config| health::run(config, health)),
    }
}

/// Runs a command with an ingester, which needs an actix system.
fn run_pipeline<W>(
    args: &GlobalArgs,
    overrides: Overrides,
    work: impl FnOnce(AppConfig) -> W,
) -> anyhow::Result<ExitCode>
where
    W: Future<Output = anyhow::Result<ExitCode>>,
{
    let config = AppConfig::read(args, overrides)?;
    block_on_system(start_runtime(&config.logging)?, work(config))
}

/// Runs a command without an ingester.
fn run_tool<W>(args: &GlobalArgs, work: impl FnOnce(AppConfig) -> W) -> anyhow::Result<ExitCode>
where
    W: Future<Output = anyhow::Result<ExitCode>>,
{
    let config = AppConfig::read(args, Overrides::default().without_sources())?;
    moodvane_launch::run(&config.logging.clone(), work(config))
}
