//! Outages of Marathon at every kind of moment of every command.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use moodvane_fleet::client::MarathonClient;
use moodvane_fleet::down::{DownOptions, down};
use moodvane_fleet::progress::Stage;
use moodvane_fleet::render::RenderedGroup;
use moodvane_fleet::up::{UpOptions, change_app, up};
use moodvane_fleet::{FleetError, PEERS_LABEL};
use moodvane_marathon_api::PathId;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::fake::Fake;
use crate::proxy::{Failure, Outage, Proxy};
use crate::{OPTIONS, group, quiet};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    FirstUp,
    UpOfPeers,
    UpOfUnchanged,
    UpWhileLocked,
    RollBack,
    Scale,
    Restart,
    Down,
}

const COMMANDS: [Command; 8] = [
    Command::FirstUp,
    Command::UpOfPeers,
    Command::UpOfUnchanged,
    Command::UpWhileLocked,
    Command::RollBack,
    Command::Scale,
    Command::Restart,
    Command::Down,
];

/// Two peers and a server; `version` changes the peers and the server.
fn small(peers: &str, server: &str) -> RenderedGroup {
    let app = |name: &str, image: &str, more: Value| {
        let mut app = json!({
            "id": format!("/moodvane/{name}"), "instances": 1,
            "container": { "type": "DOCKER", "docker": { "image": image } },
            "healthChecks": [{ "protocol": "MESOS_TCP", "portIndex": 0 }],
        });
        app.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        app
    };
    let labels = json!({ "labels": { PEERS_LABEL: "kafka" } });
    let needs = json!({ "dependencies": ["/moodvane/kafka-1", "/moodvane/kafka-2"] });
    let apps = [
        app("kafka-1", peers, labels.clone()),
        app("kafka-2", peers, labels),
        app("server", server, needs),
    ];
    let file = NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        json!({ "id": "/moodvane", "apps": apps }).to_string(),
    )
    .unwrap();
    RenderedGroup::read(file.path()).unwrap()
}

const SERVER: &str = "server:1";
const PEERS: &str = "kafka:1";

/// A fake in the state before the command.
async fn before(command: Command) -> Fake {
    let fake = Fake::start().await;
    fake.world().has_events = true;
    if command != Command::FirstUp {
        up(&fake.client(), &small(PEERS, SERVER), OPTIONS, &quiet)
            .await
            .unwrap();
    }
    match command {
        Command::UpWhileLocked => fake.world().lock("/moodvane/server", 3),
        Command::RollBack => drop(fake.world().failing.insert("server:2".to_owned())),
        _ => {}
    }
    fake.world().requests.clear();
    fake
}

async fn run(command: Command, marathon: &Arc<MarathonClient>) -> Result<(), FleetError> {
    let server: PathId = "/moodvane/server".parse().unwrap();
    let place = (&group(), &server);
    let up = async |rendered: RenderedGroup, options: UpOptions| {
        let report = up(marathon, &rendered, options, &quiet).await?;
        assert!(report.apps.iter().all(|app| app.stage == Stage::Ready));
        Ok(())
    };
    match command {
        Command::FirstUp | Command::UpOfUnchanged => up(small(PEERS, SERVER), OPTIONS).await,
        Command::UpOfPeers => up(small("kafka:2", SERVER), OPTIONS).await,
        Command::UpWhileLocked => up(small(PEERS, "server:2"), OPTIONS).await,
        Command::RollBack => {
            let options = UpOptions {
                rollback: true,
                ..OPTIONS
            };
            match up(small(PEERS, "server:2"), options).await {
                Err(FleetError::NotReady(report)) if report.reason.ends_with("; rolled back") => {
                    Ok(())
                }
                Err(error) => Err(error),
                Ok(()) => panic!("the failing app became ready"),
            }
        }
        Command::Scale => {
            let ids = [server.clone()];
            let scale = async |force| marathon.scale(&ids, 3, force).await;
            change_app(marathon, place, OPTIONS, &quiet, scale).await?;
            Ok(())
        }
        Command::Restart => {
            let restart = async |force| marathon.restart(&server, force).await;
            change_app(marathon, place, OPTIONS, &quiet, restart).await?;
            Ok(())
        }
        Command::Down => {
            let options = DownOptions {
                timeout: Duration::from_secs(60),
                remove: true,
            };
            down(marathon, &group(), options, &quiet).await?;
            Ok(())
        }
    }
}

/// The first of each kind of request of an undisturbed run.
async fn moments(command: Command) -> Vec<String> {
    let fake = before(command).await;
    let proxy = Proxy::start(&fake.address).await;
    run(command, &proxy.client()).await.unwrap();
    let mut seen = proxy.seen();
    // Logs are optional parts of a report.
    seen.retain(|request| !request.ends_with("/log"));
    seen.sort();
    seen.dedup();
    seen
}

/// The image and the scale of each app.
type State = BTreeMap<String, (String, String)>;

fn state(fake: &Fake) -> State {
    let apps = fake.world().apps();
    let one = |app: &Value| {
        let image = app["container"]["docker"]["image"].to_string();
        (app["id"].to_string(), (image, app["instances"].to_string()))
    };
    apps.iter().map(one).collect()
}

const FAILURES: [Failure; 3] = [
    Failure::NoLeader,
    Failure::LostRequest,
    Failure::LostResponse,
];

/// The outages at each moment of a command: of every kind at a change, of one kind at another
/// request.
async fn outages(command: Command) -> Vec<Outage> {
    let mut outages = Vec::new();
    for (index, moment) in moments(command).await.into_iter().enumerate() {
        let failures = match moment.starts_with("GET") {
            true => &FAILURES[index % 3..=index % 3],
            false => &FAILURES[..],
        };
        outages.extend(failures.iter().map(|failure| Outage {
            at: (moment.clone(), 0),
            failure: *failure,
        }));
    }
    outages
}

async fn survives(command: Command, outage: Outage, expected: &State) {
    let fake = before(command).await;
    let proxy = Proxy::start(&fake.address).await;
    let case = format!("{command:?}, {outage:?}");
    proxy.plan(Some(outage));
    let result = run(command, &proxy.client()).await;
    assert!(result.is_ok(), "{case}: {result:?}");
    assert_eq!(state(&fake), *expected, "{case}");
    let lines = proxy.lines.lock().unwrap().clone();
    let [first, last] = lines.as_slice() else {
        panic!("{case}: one line per outage and one at its end: {lines:?}");
    };
    assert!(
        first.starts_with("Marathon is unavailable: ")
            && first.ends_with("; retrying for up to 30 s"),
        "{first}"
    );
    assert!(last.starts_with("Marathon responds again after "), "{last}");
    let is_restart = |request: &&String| request.ends_with("/restart");
    let restarts = fake.world().requests.iter().filter(is_restart).count();
    assert!(restarts <= 1, "{case}: {restarts} restarts");
}

#[tokio::test]
async fn survives_outage_at_every_moment() {
    for command in COMMANDS {
        let expected = {
            let fake = before(command).await;
            run(command, &fake.client()).await.unwrap();
            state(&fake)
        };
        let cases = outages(command).await;
        assert!(cases.len() >= 4, "{command:?}: {cases:?}");
        let cases = cases
            .into_iter()
            .map(|outage| survives(command, outage, &expected));
        join_all(cases).await;
    }
}

#[tokio::test]
async fn names_apps_when_outage_exceeds_limit() {
    let fake = before(Command::Scale).await;
    let marathon = fake.client();
    let ids = ["/moodvane/server".parse::<PathId>().unwrap()];
    let scale = async |force| {
        let started = marathon.scale(&ids, 3, force).await;
        // From now on, without a retry: the fake's client allows no outage.
        fake.world().next_errors = vec![500];
        started
    };
    let place = (&group(), &ids[0]);
    let error = change_app(&marathon, place, OPTIONS, &quiet, scale)
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("lost Marathon after ") && text.contains("while waiting for server; "),
        "{text}"
    );
    assert!(
        text.contains("the same command completes it (--outage"),
        "{text}"
    );
}
