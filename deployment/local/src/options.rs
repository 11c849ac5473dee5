//! How `fleet local` is started.

use std::net::SocketAddr;
use std::path::PathBuf;

/// What runs tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum RuntimeKind {
    /// Containers of the Docker engine that `DOCKER_HOST` names, or the machine's own.
    Docker,
    /// Plain processes; definitions with an image are refused.
    Processes,
}

/// How `fleet local` is started.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Where the API is served. Whoever reaches it can run commands here: keep it on loopback
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// What runs tasks
    #[arg(long, value_enum, default_value_t = RuntimeKind::Docker)]
    pub runtime: RuntimeKind,

    /// Tells the containers and volumes of one `fleet local` from another's
    #[arg(long, default_value = "fleet-local", value_parser = name)]
    pub name: String,

    /// Where logs, kept data of processes and the proxy's files are
    #[arg(long, default_value = "fleet-local.d", value_name = "FOLDER")]
    pub folder: PathBuf,

    /// So many pretended agents, 127.0.0.1, 127.0.0.2 and on: all are this machine
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=254))]
    pub agents: u8,

    /// Processors that tasks may ask for, together [default: 16 for each of the machine's]
    #[arg(long, value_name = "NUMBER")]
    pub cpus: Option<f64>,

    /// Memory that tasks may ask for, together, in MB [default: the machine's]
    #[arg(long, value_name = "MB")]
    pub mem: Option<f64>,

    /// At the end leave the tasks and what they kept, for the next `fleet local` (Docker only)
    #[arg(long)]
    pub keep: bool,

    /// Remove what an earlier `fleet local` of this name left, and end
    #[arg(long)]
    pub down: bool,

    /// Serve the ports of the marathon-lb labels of this HAPROXY_GROUP by an HAProxy
    #[arg(long, value_name = "GROUP")]
    pub proxy: Option<String>,

    /// Where those ports listen
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub proxy_address: std::net::IpAddr,

    /// The common port there, for services with a HAPROXY_n_VHOST
    #[arg(long, default_value_t = 9080, value_name = "PORT")]
    pub proxy_hosts_port: u16,

    /// The HAProxy
    #[arg(long, default_value = "haproxy", value_name = "PROGRAM")]
    pub haproxy: PathBuf,
}

/// A name that can begin the name of a container.
fn name(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ends_well = !text.starts_with('-') && !text.ends_with('-');
    if (1..=40).contains(&text.len()) && text.chars().all(good) && ends_well {
        return Ok(text.to_owned());
    }
    Err("a name is 1 to 40 of a-z, 0-9 and - inside".to_owned())
}
