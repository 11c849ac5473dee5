//! Command-line options of `fleet local`.

use std::net::SocketAddr;
use std::path::PathBuf;

/// The runtime of the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum RuntimeKind {
    /// Containers of the Docker engine at `DOCKER_HOST`, by default the local one.
    Docker,
    /// Plain processes; rejects definitions with an image.
    Processes,
}

/// Command-line options of `fleet local`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Address of the API. A client of the API can run commands here: keep it on loopback
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// Runtime of the tasks
    #[arg(long, value_enum, default_value_t = RuntimeKind::Docker)]
    pub runtime: RuntimeKind,

    /// Prefix of the containers and volumes, to separate several `fleet local`
    #[arg(long, default_value = "fleet-local", value_parser = parse_name)]
    pub name: String,

    /// Folder for logs, persistent volumes of processes and the proxy's files
    #[arg(long, default_value = "fleet-local.d", value_name = "FOLDER")]
    pub folder: PathBuf,

    /// Number of simulated agents, at 127.0.0.1, 127.0.0.2 and so on; all are this machine
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=254))]
    pub agents: u8,

    /// CPUs that all tasks together may request [default: 16 per core]
    #[arg(long, value_name = "NUMBER")]
    pub cpus: Option<f64>,

    /// Memory that all tasks together may request, in MB [default: the machine's]
    #[arg(long, value_name = "MB")]
    pub mem: Option<f64>,

    /// Leave tasks and volumes at exit, for the next `fleet local` (Docker only)
    #[arg(long)]
    pub keep: bool,

    /// Remove everything that an earlier `fleet local` of this name left, then exit
    #[arg(long)]
    pub down: bool,

    /// Run an HAProxy for the apps whose HAPROXY_GROUP label has this value
    #[arg(long, value_name = "GROUP")]
    pub proxy: Option<String>,

    /// Address of the HAProxy's ports
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub proxy_address: std::net::IpAddr,

    /// Shared port of services with a HAPROXY_n_VHOST label
    #[arg(long, default_value_t = 9080, value_name = "PORT")]
    pub proxy_hosts_port: u16,

    /// HAProxy program
    #[arg(long, default_value = "haproxy", value_name = "PROGRAM")]
    pub haproxy: PathBuf,
}

/// Parses a name that is valid as a prefix of container names.
fn parse_name(text: &str) -> Result<String, String> {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let has_valid_ends = !text.starts_with('-') && !text.ends_with('-');
    if (1..=40).contains(&text.len()) && text.chars().all(is_allowed) && has_valid_ends {
        return Ok(text.to_owned());
    }
    Err("expected 1 to 40 characters of a-z, 0-9 and -, without - at either end".to_owned())
}
