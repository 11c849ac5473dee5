//! Changes as Marathon treats them: dry runs, sets, versions, and their events.

use moodvane_marathon_api::{Event, parse_app_update, parse_group, to_json};
use serde_json::{Value, json};

use super::deployments::group;
use super::simulation::{Simulation, app, path};
use crate::core::{Embed, Force};

#[test]
fn dry_run_restarts_every_app_of_an_unchanged_group() {
    let mut sim = Simulation::new();
    sim.put_group("/g", group()).unwrap();
    sim.finish_deployments();
    let plan = |group: Value| {
        let update = parse_group(group.to_string().as_bytes()).unwrap();
        let steps = sim.core.plan_group(&path("/g"), &update, sim.now).unwrap();
        let actions = steps.into_iter().flat_map(|step| step.actions);
        actions
            .map(|action| format!("{} {}", action.action, action.app))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        plan(group()),
        [
            "RestartApplication /g/store/db",
            "RestartApplication /g/s/back",
            "RestartApplication /g/front"
        ]
    );
    let mut stopped = group();
    stopped["apps"][0]["instances"] = json!(0);
    stopped["groups"].take();
    assert_eq!(plan(stopped), ["ScaleApplication /g/front"]);
    // The same change without dryRun does nothing.
    sim.put_group("/g", group()).unwrap();
    assert!(sim.deployments().is_empty());
}

#[test]
fn returns_sets_in_another_order() {
    let mut sim = Simulation::new();
    let needs = json!(["/b", "/a", "/d", "/c"]);
    for id in ["/a", "/b", "/c", "/d"] {
        sim.create(app(id, json!({}))).unwrap();
    }
    sim.create(app("/e", json!({ "dependencies": needs })))
        .unwrap();
    sim.finish_deployments();
    let stored = sim.core.desired().apps[&path("/e")].clone();
    let mut sorted = stored.dependencies.clone();
    sorted.sort();
    assert_eq!(sorted, ["/a", "/b", "/c", "/d"].map(path));
    assert_ne!(json!(stored.dependencies), needs);
    sim.put("/e", json!({ "dependencies": needs }), Force::No)
        .unwrap();
    assert!(sim.deployments().is_empty(), "the order means nothing");
    assert_eq!(sim.core.desired().apps[&path("/e")], stored);
}

#[test]
fn rejects_update_with_version_and_other_fields() {
    let mut sim = Simulation::new();
    sim.create(app("/a", json!({ "env": { "V": "1" } })))
        .unwrap();
    sim.finish_deployments();
    let mut body = to_json(&sim.core.app(&path("/a"), Embed::default()).unwrap());
    body["env"]["V"] = json!("2");
    let error = sim.put("/a", body.clone(), Force::No).unwrap_err();
    assert_eq!(error.status(), 422);
    let text = json!(error.body()).to_string();
    let expected = "The 'version' field may only be combined with the 'id' field.";
    assert!(text.contains(expected), "{text}");
    let update = parse_app_update(body.to_string().as_bytes()).unwrap();
    sim.request(|core, now| core.put_app(&path("/a"), &update, true, Force::No, now))
        .unwrap();
    sim.finish_deployments();
    assert_eq!(sim.versions("/a"), ["2"]);
}

#[test]
fn change_reports_its_result_after_its_deployment() {
    let mut sim = Simulation::new();
    sim.create(app("/g/a", json!({}))).unwrap();
    let names: Vec<&str> = sim.events.iter().map(Event::name).collect();
    let place = |name: &str| names.iter().position(|one| *one == name).unwrap();
    assert!(
        place("deployment_info") < place("group_change_success"),
        "{names:?}"
    );
    let group = sim.events.iter().find_map(|event| match event {
        Event::GroupChangeSuccess { group_id, .. } => Some(group_id.to_string()),
        _ => None,
    });
    assert_eq!(group.as_deref(), Some("/g"), "the group of the app");

    sim.events.clear();
    sim.put("/g/a", json!({ "instances": 2 }), Force::No)
        .unwrap_err();
    let names: Vec<&str> = sim.events.iter().map(Event::name).collect();
    assert_eq!(
        names,
        ["deployment_failed", "group_change_failed"],
        "locked"
    );

    sim.events.clear();
    sim.request(|core, now| core.delete_app(&path("/g/none"), Force::No, now))
        .unwrap_err();
    let names: Vec<&str> = sim.events.iter().map(Event::name).collect();
    assert_eq!(names, ["group_change_failed"]);
}
