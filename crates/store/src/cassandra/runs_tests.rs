//! Tests of the journal of runs.

use super::*;

fn hour(text: &str) -> HourSlot {
    text.parse().unwrap()
}

fn journal(steps: &[(&str, Option<&str>)]) -> Vec<Event> {
    let mut events = Vec::new();
    for (run, from) in steps {
        let run = RunId::new(*run);
        let event = match from {
            Some(from) => switch(&events, &run, hour(from)).unwrap(),
            None => registration(&events, &run).unwrap(),
        };
        events.extend(event);
    }
    events
}

#[test]
fn first_run_serves_from_start_and_latest_switch_leads() {
    let events = journal(&[
        ("a", None),
        ("b", None),
        ("c", None),
        ("b", Some("2018-01-01 00")),
        ("a", Some("2019-01-01 00")),
    ]);
    let serving = serving(&events);
    let serving: Vec<_> = serving
        .iter()
        .map(|s| (s.run.as_str(), s.from.to_string()))
        .collect();
    let at = |run, from: &str| (run, from.to_owned());
    assert_eq!(
        serving,
        [at("a", "2019-01-01 00"), at("b", "2018-01-01 00")]
    );
    let names: Vec<_> = runs(&events).iter().map(|r| r.id.to_string()).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn appends_no_event_without_change() {
    let events = journal(&[("a", None), ("b", None), ("b", Some("2018-01-01 00"))]);
    assert_eq!(registration(&events, &RunId::new("b")).unwrap(), None);
    let b = RunId::new("b");
    assert_eq!(switch(&events, &b, hour("2018-01-01 00")).unwrap(), None);
    let other = switch(&events, &b, hour("2018-01-01 01")).unwrap();
    assert_eq!(other.unwrap().number, 4);
}

#[test]
fn deleted_run_returns_under_new_stored_name() {
    let a = RunId::new("a");
    let mut events = journal(&[("a", None), ("b", None)]);
    let serving = deletion(&events, &a).unwrap_err();
    assert!(
        matches!(serving, StoreError::RunServing { .. }),
        "{serving}"
    );

    // After a switch the previous run still serves the earlier hours.
    events.extend(switch(&events, &RunId::new("b"), hour("2018-01-01 00")).unwrap());
    assert!(deletion(&events, &a).is_err());
    events.extend(switch(&events, &RunId::new("b"), hour("1970-01-01 00")).unwrap());
    events.extend(deletion(&events, &a).unwrap());
    assert_eq!(runs(&events).len(), 1);
    assert_eq!(deleted_names(&events, &a), [StoredRun::new(&a, 0)]);
    assert_eq!(deletion(&events, &a).unwrap(), None, "already deleted");
    assert!(switch(&events, &a, hour("2018-01-01 00")).is_err());

    events.extend(registration(&events, &a).unwrap());
    let names: Vec<_> = registered_runs(&events)
        .iter()
        .map(|k| k.stored.as_str().to_owned())
        .collect();
    assert_eq!(names, ["b", "a~1"]);
    let never = deletion(&events, &RunId::new("c")).unwrap_err();
    assert!(matches!(never, StoreError::UnknownRun(_)));
}
