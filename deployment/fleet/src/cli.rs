//! The command line.

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

/// Where Marathon is, and who asks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Marathon")]
pub(crate) struct AccessArgs {
    /// Addresses of the masters, separated by commas or repeated.
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
    /// A file with a token, as the gateway of DC/OS wants it (also FLEET_TOKEN).
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// A file with the authorities that Marathon's certificate is signed by (PEM), instead of the
    /// system's.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Where agents serve logs, with {host} for the host [default: http://{host}:5051].
    #[arg(long, global = true, env = "FLEET_AGENT_URL", value_name = "URL")]
    pub(crate) agent_url: Option<String>,
}

/// Where the definitions come from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Definitions")]
pub(crate) struct SourceArgs {
    /// The folder with fleet.toml and templates.
    #[arg(long, global = true, default_value = "marathon", value_name = "FOLDER")]
    pub(crate) definitions: PathBuf,
    /// An overlay of fleet.toml, such as local.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) overlay: Option<String>,
    /// A file laid over fleet.toml and its overlay, with the same keys; may be repeated.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) values: Vec<PathBuf>,
    /// A group that was rendered before, instead of the templates.
    #[arg(long, global = true, value_name = "FILE", conflicts_with_all = ["overlay", "values"])]
    pub(crate) file: Option<PathBuf>,
}

/// How long is waited, and what is done about failures.
#[derive(Debug, Args)]
pub(crate) struct FollowArgs {
    /// After so many seconds it is given up.
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    pub(crate) timeout: u64,
    /// An app that failed so often is given up.
    #[arg(long, default_value_t = 5, value_name = "TIMES", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) failures: u16,
    /// Takes the change back where it fails.
    #[arg(long)]
    pub(crate) rollback: bool,
    /// Overrides deployments that are under way, instead of waiting for them.
    #[arg(long)]
    pub(crate) force: bool,
}

impl FollowArgs {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Creates or updates everything and waits until all of it is healthy and ready.
    Up {
        #[command(flatten)]
        follow: FollowArgs,
    },
    /// Stops everything in order and waits until nothing runs any more.
    Down {
        /// After so many seconds it is given up.
        #[arg(long, default_value_t = 180, value_name = "SECONDS")]
        timeout: u64,
        /// Removes the definitions too, and with them the volumes and all that is on them.
        #[arg(long)]
        remove: bool,
    },
    /// Shows what runs, and what is being deployed.
    Status,
    /// Sets how many instances of an app run.
    Scale {
        /// The app, such as server.
        app: String,
        /// How many.
        instances: u32,
        #[command(flatten)]
        follow: FollowArgs,
    },
    /// Replaces every task of an app by a new one.
    Restart {
        /// The app, such as server.
        app: String,
        #[command(flatten)]
        follow: FollowArgs,
    },
    /// Rolls out another tag of our images.
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
        /// How many lines of each.
        #[arg(long, default_value_t = 50, value_name = "LINES")]
        lines: usize,
    },
    /// Writes the definitions: beside fleet.toml, or into a folder named as the overlay.
    Render {
        /// Where instead.
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
        /// Writes nothing, and fails where a file is not what would be written.
        #[arg(long)]
        check: bool,
    },
    /// Holds the definitions to the project's rules; nothing is sent.
    Validate,
    /// Serves the part of Marathon's API that fleet calls, on this machine, until a signal.
    Local(moodvane_fleet_local::Options),
}
