//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use moodvane_marathon_api::PathId;

/// Measures how soon killed tasks are back, and how long launch and stop of everything take.
#[derive(Debug, Parser)]
#[command(name = "restart", version)]
pub(crate) struct Options {
    /// Addresses of Marathon's masters.
    #[arg(
        long,
        env = "FLEET_MARATHON",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    pub(crate) marathon: Vec<String>,
    /// The user; the password comes from --password-file or FLEET_PASSWORD.
    #[arg(long, env = "FLEET_USER", value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// A file with the user's password.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// A file with the authorities of Marathon's certificate (PEM).
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// The group.
    #[arg(long, default_value = "/moodvane", value_name = "ID")]
    pub(crate) group: PathId,
    /// Which apps are killed, such as server; all of the group where none is named.
    #[arg(long, value_name = "APP")]
    pub(crate) app: Vec<String>,
    /// How often each is killed in each way.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) trials: u16,
    /// How tasks are killed: by Marathon's API (SIGTERM, then SIGKILL); by SIGKILL from here, for tasks
    /// on this machine; or `absent`: all that have an app's image, which is then taken away by --forget-image.
    #[arg(long, value_enum, default_values_t = [How::Api, How::Sigkill], value_delimiter = ',')]
    pub(crate) kill: Vec<How>,
    /// What takes an image away from every agent, for `absent`; the image's name is added.
    #[arg(long, default_value = "docker image rm", value_name = "COMMAND")]
    pub(crate) forget_image: String,
    /// How long a trial may take, in seconds.
    #[arg(long, default_value_t = 180, value_name = "SECONDS")]
    pub(crate) timeout: u64,
    /// How long everything must have been healthy before the next trial, in seconds: a load balancer learns of
    /// a new task later than Marathon.
    #[arg(long, default_value_t = 5, value_name = "SECONDS")]
    pub(crate) settle: u64,
    /// The load balancer's address, to be asked for the weather all the while.
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// Stops and launches everything so many times, with the definitions of --definitions.
    #[arg(long, default_value_t = 0, value_name = "TIMES")]
    pub(crate) whole: u16,
    /// The folder with fleet.toml and templates, for --whole.
    #[arg(long, default_value = "marathon", value_name = "FOLDER")]
    pub(crate) definitions: PathBuf,
    /// An overlay of fleet.toml, for --whole.
    #[arg(long, value_name = "NAME")]
    pub(crate) overlay: Option<String>,
    /// A file of values laid over them, for --whole; may be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) values: Vec<PathBuf>,
    /// Where restart.md, restart.csv and restart.svg are written.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    pub(crate) out: PathBuf,
}

/// How a task is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum How {
    /// By Marathon's API.
    Api,
    /// By SIGKILL.
    Sigkill,
    /// All of the app by Marathon's API, and their image is taken away.
    Absent,
}

impl How {
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
