//! Stop and launch of the whole group.

use std::sync::Arc;
use std::time::Duration;

use moodvane_fleet::client::MarathonClient;
use moodvane_fleet::config::FleetConfig;
use moodvane_fleet::down::{DownOptions, down};
use moodvane_fleet::follow::FollowLimits;
use moodvane_fleet::render::{RenderedGroup, render};
use moodvane_fleet::up::{UpOptions, up};
use moodvane_marathon_api::PathId;

use crate::options::Options;

/// Durations of one stop and one launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FullCycle {
    /// Until no task runs.
    pub(crate) stop: Duration,
    /// Until every task is healthy and ready.
    pub(crate) launch: Duration,
}

/// Renders the definitions that the cycle launches.
pub(crate) fn load_definitions(options: &Options) -> anyhow::Result<RenderedGroup> {
    let folder = &options.definitions;
    let site = FleetConfig::load(folder, options.overlay.as_deref(), &options.values)?;
    Ok(render(folder, &site)?.with_secrets(&site.secret)?)
}

/// Stops the group, then launches it.
pub(crate) async fn run_full_cycle(
    marathon: &Arc<MarathonClient>,
    group: &PathId,
    rendered: &RenderedGroup,
    timeout: Duration,
) -> anyhow::Result<FullCycle> {
    let report = |line: &str| eprintln!("{line}");
    let stopped = down(
        marathon,
        group,
        DownOptions {
            timeout,
            remove: false,
        },
        &report,
    )
    .await?;
    let options = UpOptions {
        limits: FollowLimits {
            timeout,
            max_failures: 20,
        },
        force: false,
        rollback: false,
    };
    let launched = up(marathon, rendered, options, &report).await?;
    Ok(FullCycle {
        stop: stopped.total,
        launch: launched.total,
    })
}
