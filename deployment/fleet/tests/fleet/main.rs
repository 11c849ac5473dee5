//! Deployments and stops against a fake Marathon.

#![allow(clippy::unwrap_used)]

mod down;
#[path = "../fake/mod.rs"]
mod fake;
mod outages;
mod proxy;
mod up;

use std::path::PathBuf;
use std::time::Duration;

use moodvane_fleet::FleetError;
use moodvane_fleet::config::FleetConfig;
use moodvane_fleet::follow::FollowLimits;
use moodvane_fleet::render::{RenderedGroup, render};
use moodvane_fleet::status::status;
use moodvane_fleet::up::{UpOptions, UpReport};
use moodvane_marathon_api::PathId;

use crate::fake::Fake;

const OPTIONS: UpOptions = UpOptions {
    limits: FollowLimits {
        timeout: Duration::from_secs(60),
        max_failures: 3,
    },
    force: false,
    rollback: false,
};

fn quiet(_: &str) {}

fn group() -> PathId {
    "/moodvane".parse().unwrap()
}

fn rendered_with(change: impl FnOnce(&mut FleetConfig)) -> RenderedGroup {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../marathon");
    let mut site = FleetConfig::load(&folder, None, &[]).unwrap();
    change(&mut site);
    render(&folder, &site).unwrap()
}

fn rendered() -> RenderedGroup {
    rendered_with(|_| {})
}

async fn bring_up(fake: &Fake, rendered: &RenderedGroup) -> Result<UpReport, FleetError> {
    moodvane_fleet::up::up(&fake.client(), rendered, OPTIONS, &quiet).await
}

async fn running() -> Fake {
    let fake = Fake::start().await;
    fake.world().has_events = true;
    bring_up(&fake, &rendered()).await.unwrap();
    fake.world().requests.clear();
    fake
}

fn requests(fake: &Fake) -> Vec<String> {
    fake.world().requests.clone()
}

#[tokio::test]
async fn prints_status_table() {
    let fake = running().await;
    fake.world().lock("/moodvane/server", 2);
    let marathon = fake.client();
    let (apps, deployments) = (
        marathon.apps(&group()).await.unwrap(),
        marathon.deployments().await.unwrap(),
    );
    let shown = status(&apps, &deployments);
    // Ports and ids depend on the order in which tasks were created.
    let without = |text: String, before: &str| {
        let mut pieces = text.split(before);
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |made, piece| {
            format!(
                "{made}{before}N{}",
                piece.trim_start_matches(|c: char| c.is_ascii_digit())
            )
        })
    };
    insta::assert_snapshot!(without(without(shown, "node-1:"), "locked-"));
}
