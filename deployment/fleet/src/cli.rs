//! The command line interface.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// Renders, checks and runs the fleet on Marathon.
#[derive(Debug, Parser)]
#[command(name = "fleet", version)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) access: AccessArgs,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Connection to Marathon.
#[derive(Debug, Args)]
#[command(next_help_heading = "Marathon")]
pub(crate) struct AccessArgs {
    /// Addresses of the masters, comma-separated or repeated.
    #[arg(
        long,
        global = true,
        env = "FLEET_MARATHON",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    pub(crate) marathon: Vec<String>,
    /// The user; the password comes from --password-file or FLEET_PASSWORD.
    #[arg(long, global = true, env = "FLEET_USER", value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// A file with the user's password.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// A file with a token for the DC/OS gateway (or FLEET_TOKEN).
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// A PEM file with the certificate authorities for Marathon's certificate, instead of the system's.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Retries for this many seconds while Marathon is unavailable, such as during the election of
    /// a leader; 0 for no retries.
    #[arg(long, global = true, default_value_t = 120, value_name = "SECONDS")]
    pub(crate) outage: u64,
    /// The URL of the Mesos agents, for logs; {host} stands for the host [default: http://{host}:5051].
    #[arg(long, global = true, env = "FLEET_AGENT_URL", value_name = "URL")]
    pub(crate) agent_url: Option<String>,
}

/// Source of the definitions.
#[derive(Debug, Args)]
#[command(next_help_heading = "Definitions")]
pub(crate) struct SourceArgs {
    /// The folder with fleet.toml and the templates.
    #[arg(long, global = true, default_value = "marathon", value_name = "FOLDER")]
    pub(crate) definitions: PathBuf,
    /// An overlay of fleet.toml, such as local.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) overlay: Option<String>,
    /// A file that overrides keys of fleet.toml and its overlay; may be repeated.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) values: Vec<PathBuf>,
    /// A rendered group, instead of the templates.
    #[arg(long, global = true, value_name = "FILE", conflicts_with_all = ["overlay", "values"])]
    pub(crate) file: Option<PathBuf>,
}

/// Limits of a deployment, and what happens on failure.
#[derive(Debug, Args)]
pub(crate) struct FollowArgs {
    /// Gives up after this many seconds.
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    pub(crate) timeout: u64,
    /// Gives up when an app has failed this many times.
    #[arg(long, default_value_t = 5, value_name = "TIMES", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) failures: u16,
    /// Rolls a failed change back.
    #[arg(long)]
    pub(crate) rollback: bool,
    /// Overrides running deployments instead of waiting for them.
    #[arg(long)]
    pub(crate) force: bool,
}

impl FollowArgs {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Creates or updates all apps and waits until they are healthy and ready.
    Up {
        #[command(flatten)]
        follow: FollowArgs,
    },
    /// Stops all apps in order and waits until no task runs.
    Down {
        /// Gives up after this many seconds.
        #[arg(long, default_value_t = 180, value_name = "SECONDS")]
        timeout: u64,
        /// Also removes the definitions, and with them the volumes and all data.
        #[arg(long)]
        remove: bool,
    },
    /// Shows the running tasks and deployments.
    Status,
    /// Sets the number of instances of an app.
    Scale {
        /// The app, such as server.
        app: String,
        /// The number of instances.
        instances: u32,
        #[command(flatten)]
        follow: FollowArgs,
    },
    /// Replaces every task of an app.
    Restart {
        /// The app, such as server.
        app: String,
        #[command(flatten)]
        follow: FollowArgs,
    },
    /// Rolls out another tag of the project's images.
    Deploy {
        /// The tag.
        #[arg(long, value_name = "TAG")]
        image: String,
        #[command(flatten)]
        follow: FollowArgs,
    },
    /// Shows the end of the logs of an app's tasks.
    Logs {
        /// The app, such as server.
        app: String,
        /// The number of lines per task.
        #[arg(long, default_value_t = 50, value_name = "LINES")]
        lines: usize,
    },
    /// Writes the definitions beside fleet.toml, or into a folder named after the overlay.
    Render {
        /// Writes into this folder instead.
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
        /// Writes nothing, and fails if a file differs from the rendered one.
        #[arg(long)]
        check: bool,
    },
    /// Checks the definitions against the project's rules; sends nothing.
    Validate,
    /// Serves the part of Marathon's API that fleet uses, on this machine, until a signal.
    Local(moodvane_fleet_local::Options),
}
