//! Launch and stop of the whole system.

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

/// How long one launch and one stop took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whole {
    /// Until nothing ran.
    pub(crate) stop: Duration,
    /// Until everything was healthy and ready.
    pub(crate) launch: Duration,
}

/// The definitions that are launched.
pub(crate) fn definitions(options: &Options) -> anyhow::Result<RenderedGroup> {
    let folder = &options.definitions;
    let site = FleetConfig::load(folder, options.overlay.as_deref(), &options.values)?;
    Ok(render(folder, &site)?.with_secrets(&site.secret)?)
}

/// Stops everything, then launches it.
pub(crate) async fn once(
    marathon: &Arc<MarathonClient>,
    group: &PathId,
    rendered: &RenderedGroup,
    timeout: Duration,
) -> anyhow::Result<Whole> {
    let say = |line: &str| eprintln!("{line}");
    let stopped = down(
        marathon,
        group,
        DownOptions {
            timeout,
            remove: false,
        },
        &say,
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
    let launched = up(marathon, rendered, options, &say).await?;
    Ok(Whole {
        stop: stopped.total,
        launch: launched.total,
    })
}
