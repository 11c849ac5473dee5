//! Starts `fleet local`, serves until a signal, and shuts down.

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
use crate::runtime::{DockerRuntime, ProcessRuntime, ReportSender, Runtime};

/// Reports of tasks that may be queued; the runtime waits for room in a full queue.
const REPORT_QUEUE: usize = 1024;
const CPUS_PER_CORE: f64 = 16.0;

/// Serves until SIGINT or SIGTERM, then stops all tasks and removes them, except with `--keep`.
///
/// # Errors
/// Returns an error if a dependency is missing or a task is left at the end.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let shutdown = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let signalled = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("shutting down");
        signalled.cancel();
    });
    let listener = TcpListener::bind(options.listen);
    let listener = listener
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    serve(options, listener, shutdown).await
}

/// Serves on `listener` until `shutdown`.
///
/// # Errors
/// As [`run`].
pub async fn serve(
    options: Options,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    if options.keep && options.runtime == RuntimeKind::Processes {
        bail!("--keep requires --runtime docker: the next fleet local cannot recover processes");
    }
    let (reports, mut inputs) = mpsc::channel(REPORT_QUEUE);
    let runtime = start_runtime(&options, reports.clone()).await?;
    if options.down {
        runtime
            .recover()
            .await
            .context("cannot list tasks of an earlier fleet local")?;
        runtime.clean_up().await;
        return Ok(());
    }
    let core = new_core(&options);
    let driver = Arc::new(Driver::new(
        core,
        Arc::clone(&runtime),
        Prober::new()?,
        reports,
    ));
    let tasks = runtime
        .recover()
        .await
        .context("cannot list tasks of an earlier fleet local")?;
    driver.update(|core, now| core.recover(tasks, now));

    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "API listens beyond loopback; any client can run commands on this machine");
    }
    tracing::info!(%address, runtime = ?options.runtime, "serving");
    let proxy = match &options.proxy {
        Some(group) => Some(Proxy::start(&options, group, Arc::clone(&driver)).await?),
        None => None,
    };
    let served = api::serve(listener, Arc::clone(&driver), shutdown.clone());
    let served = tokio::spawn(served);
    driver.run(&mut inputs, &shutdown).await;

    if let Some(proxy) = proxy {
        proxy.stop().await;
    }
    let is_clean = options.keep || driver.stop_all(&mut inputs).await;
    if !options.keep {
        runtime.clean_up().await;
    }
    served.await.context("API server failed")??;
    if is_clean {
        Ok(())
    } else {
        bail!("some tasks did not stop within their grace period")
    }
}

async fn start_runtime(
    options: &Options,
    reports: ReportSender,
) -> anyhow::Result<Arc<dyn Runtime>> {
    Ok(match options.runtime {
        RuntimeKind::Docker => {
            let docker = DockerRuntime::new(&options.name, &options.folder, reports).await;
            Arc::new(
                docker.context(
                    "cannot reach a Docker engine; start one, or use --runtime processes",
                )?,
            )
        }
        RuntimeKind::Processes => Arc::new(ProcessRuntime::new(&options.folder, reports)?),
    })
}

fn new_core(options: &Options) -> Core {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // A number of cores is exact in a float.
    #[allow(clippy::cast_precision_loss)]
    let cpus = options.cpus.unwrap_or(cores as f64 * CPUS_PER_CORE);
    let capacity = Capacity {
        cpus,
        mem: options.mem.unwrap_or_else(total_memory_mb),
    };
    let config = Config {
        agents: Agents::new(options.agents),
        capacity,
        is_port_free,
        new_id: Box::new(|| Uuid::new_v4().to_string()),
        containers: options.runtime == RuntimeKind::Docker,
    };
    Core::new(config, Timestamp::new(Utc::now()))
}

/// The machine's memory in MB.
fn total_memory_mb() -> f64 {
    let info = rustix::system::sysinfo();
    // A number of bytes below 2^53 is exact in a float.
    #[allow(clippy::cast_precision_loss)]
    let megabytes = (info.totalram as f64) * f64::from(info.mem_unit) / f64::from(1 << 20);
    megabytes
}

/// Whether no socket on the machine listens on `port`.
fn is_port_free(port: u16) -> bool {
    std::net::TcpListener::bind((std::net::Ipv4Addr::UNSPECIFIED, port)).is_ok()
}
