//! Starts `fleet local`, serves it until a signal, and ends it.

use std::sync::Arc;

use anyhow::{Context, bail};
use chrono::Utc;
use moodvane_marathon_api::Timestamp;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::api;
use crate::core::{Agents, Capacity, Config, Core};
use crate::driver::Driver;
use crate::options::{Options, RuntimeKind};
use crate::probe::Prober;
use crate::proxy::Proxy;
use crate::runtime::{DockerRuntime, ProcessRuntime, Reports, Runtime};

/// So many reports of tasks wait at most; the runtime waits then.
const REPORTS: usize = 1024;
const CPUS_FOR_EACH: f64 = 16.0;

/// Serves until SIGINT or SIGTERM, then ends all tasks and leaves nothing, unless it is to keep them.
///
/// # Errors
/// Where something needed is not there, or something is left at the end.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let shutdown = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let asked = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("ending");
        asked.cancel();
    });
    let listener = TcpListener::bind(options.listen);
    let listener = listener
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    serve(options, listener, shutdown).await
}

/// The same on a socket of one's own, until `shutdown`.
///
/// # Errors
/// As [`run`].
pub async fn serve(
    options: Options,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    if options.keep && options.runtime == RuntimeKind::Processes {
        bail!("--keep is for containers: a process cannot be taken over by the next fleet local");
    }
    let (reports, mut inputs) = mpsc::channel(REPORTS);
    let runtime = runtime(&options, reports.clone()).await?;
    if options.down {
        runtime.find().await.context("cannot find what was left")?;
        runtime.clean().await;
        return Ok(());
    }
    let core = core(&options);
    let driver = Arc::new(Driver::new(
        core,
        Arc::clone(&runtime),
        Prober::new()?,
        reports,
    ));
    let found = runtime.find().await.context("cannot find what was left")?;
    driver.with(|core, now| core.take_over(found, now));

    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "whoever reaches this address can run commands on this machine");
    }
    tracing::info!(%address, runtime = ?options.runtime, "serving");
    let proxy = match &options.proxy {
        Some(group) => Some(Proxy::start(&options, group, Arc::clone(&driver)).await?),
        None => None,
    };
    let served = api::serve(listener, Arc::clone(&driver), shutdown.clone());
    let served = tokio::spawn(served);
    driver.drive(&mut inputs, &shutdown).await;

    if let Some(proxy) = proxy {
        proxy.end().await;
    }
    let ended = options.keep || driver.end_all(&mut inputs).await;
    if !options.keep {
        runtime.clean().await;
    }
    served.await.context("the API ended")??;
    if ended {
        Ok(())
    } else {
        bail!("tasks are left that did not end in time")
    }
}

async fn runtime(options: &Options, reports: Reports) -> anyhow::Result<Arc<dyn Runtime>> {
    Ok(match options.runtime {
        RuntimeKind::Docker => {
            let docker = DockerRuntime::new(&options.name, &options.folder, reports).await;
            Arc::new(docker.context("no Docker engine; say --runtime processes to do without")?)
        }
        RuntimeKind::Processes => Arc::new(ProcessRuntime::new(&options.folder, reports)?),
    })
}

fn core(options: &Options) -> Core {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // A number of processors is small.
    #[allow(clippy::cast_precision_loss)]
    let cpus = options.cpus.unwrap_or(cores as f64 * CPUS_FOR_EACH);
    let capacity = Capacity {
        cpus,
        mem: options.mem.unwrap_or_else(memory),
    };
    let config = Config {
        agents: Agents::new(options.agents),
        capacity,
        is_free,
        new_id: Box::new(|| Uuid::new_v4().to_string()),
        containers: options.runtime == RuntimeKind::Docker,
    };
    Core::new(config, Timestamp::new(Utc::now()))
}

/// The machine's memory in MB.
fn memory() -> f64 {
    let info = rustix::system::sysinfo();
    // Megabytes are few enough for a float.
    #[allow(clippy::cast_precision_loss)]
    let megabytes = (info.totalram as f64) * f64::from(info.mem_unit) / f64::from(1 << 20);
    megabytes
}

/// Whether nobody listens on the port on any address.
fn is_free(port: u16) -> bool {
    std::net::TcpListener::bind((std::net::Ipv4Addr::UNSPECIFIED, port)).is_ok()
}
