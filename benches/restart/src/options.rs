//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use moodvane_marathon_api::PathId;

/// Measures restart times of killed tasks, and stop and launch times of the whole group.
#[derive(Debug, Parser)]
#[command(name = "restart", version)]
pub(crate) struct Options {
    /// Addresses of Marathon's instances.
    #[arg(
        long,
        env = "FLEET_MARATHON",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    pub(crate) marathon: Vec<String>,
    /// User name; the password comes from --password-file or FLEET_PASSWORD.
    #[arg(long, env = "FLEET_USER", value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// File with the user's password.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// File with the CA certificates for Marathon's certificate (PEM).
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Group to measure.
    #[arg(long, default_value = "/moodvane", value_name = "ID")]
    pub(crate) group: PathId,
    /// App whose tasks are killed, such as server; may be repeated; all apps of the group by default.
    #[arg(long, value_name = "APP")]
    pub(crate) app: Vec<String>,
    /// Trials per app and kill method.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) trials: u16,
    /// How tasks are killed: `api` (SIGTERM, then SIGKILL, by Marathon), `sigkill` (only tasks on this
    /// machine), or `absent` (stops all tasks of the app's image and removes it with --forget-image).
    #[arg(long, value_enum, default_values_t = [KillMethod::Api, KillMethod::Sigkill], value_delimiter = ',')]
    pub(crate) kill: Vec<KillMethod>,
    /// Command that removes an image from every agent, for `absent`; the image's name is appended.
    #[arg(long, default_value = "docker image rm", value_name = "COMMAND")]
    pub(crate) forget_image: String,
    /// Limit for a trial, in seconds.
    #[arg(long, default_value_t = 180, value_name = "SECONDS")]
    pub(crate) timeout: u64,
    /// Seconds for which every task must have been healthy before a trial starts: a load balancer learns of
    /// a new task later than Marathon.
    #[arg(long, default_value_t = 5, value_name = "SECONDS")]
    pub(crate) settle: u64,
    /// Address of the load balancer, whose availability is measured by requests to /weather.
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// Number of times to stop and launch the whole group, with the definitions of --definitions.
    #[arg(long, default_value_t = 0, value_name = "TIMES")]
    pub(crate) whole: u16,
    /// Folder with fleet.toml and templates, for --whole.
    #[arg(long, default_value = "marathon", value_name = "FOLDER")]
    pub(crate) definitions: PathBuf,
    /// Overlay of fleet.toml, for --whole.
    #[arg(long, value_name = "NAME")]
    pub(crate) overlay: Option<String>,
    /// File of values that override them, for --whole; may be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) values: Vec<PathBuf>,
    /// Folder for restart.md, restart.csv and restart.svg.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    pub(crate) out: PathBuf,
}

/// How a task is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum KillMethod {
    /// Through Marathon's API.
    Api,
    /// By SIGKILL.
    Sigkill,
    /// Stops all tasks of the app's image and removes the image.
    Absent,
}

impl KillMethod {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Sigkill => "SIGKILL",
            Self::Absent => "image absent",
        }
    }
}

impl Options {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    pub(crate) fn settle(&self) -> Duration {
        Duration::from_secs(self.settle)
    }
}
