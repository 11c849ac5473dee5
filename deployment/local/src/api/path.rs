//! Which thing a path names.

use moodvane_marathon_api::{PathId, Timestamp};

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Ping,
    Info,
    Leader,
    Plugins,
    Events,
    Apps,
    App(PathId),
    AppRestart(PathId),
    AppTasks(PathId),
    AppTask(PathId, String),
    AppVersions(PathId),
    AppVersion(PathId, Timestamp),
    Groups,
    Group(PathId),
    GroupVersions(PathId),
    Tasks,
    TasksDelete,
    TaskLog(String),
    Deployments,
    Deployment(String),
    Queue,
    QueueDelay(PathId),
    Pods,
    Nothing,
}

/// The place that `path` names. Names of apps are absolute, with or without the slash.
pub(super) fn place(path: &str) -> Place {
    let rest = match path {
        "/ping" => return Place::Ping,
        _ => match path.strip_prefix("/v2/") {
            Some(rest) => rest.strip_suffix('/').unwrap_or(rest),
            None => return Place::Nothing,
        },
    };
    let (kind, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let found = match (kind, rest) {
        ("info", "") => Some(Place::Info),
        ("leader", "") => Some(Place::Leader),
        ("plugins", "") => Some(Place::Plugins),
        ("events", "") => Some(Place::Events),
        ("apps", "") => Some(Place::Apps),
        ("apps", rest) => app(rest),
        ("groups", "") => Some(Place::Groups),
        ("groups", "versions") => Some(Place::GroupVersions(PathId::root())),
        ("groups", rest) => match rest.strip_suffix("/versions") {
            Some(id) => absolute(id).map(Place::GroupVersions),
            None => absolute(rest).map(Place::Group),
        },
        ("tasks", "") => Some(Place::Tasks),
        ("tasks", "delete") => Some(Place::TasksDelete),
        ("tasks", rest) => rest
            .strip_suffix("/log")
            .map(|task| Place::TaskLog(task.to_owned())),
        ("deployments", "") => Some(Place::Deployments),
        ("deployments", id) => Some(Place::Deployment(id.to_owned())),
        ("queue", "") => Some(Place::Queue),
        ("queue", rest) => rest
            .strip_suffix("/delay")
            .and_then(absolute)
            .map(Place::QueueDelay),
        ("pods", _) => Some(Place::Pods),
        _ => None,
    };
    found.unwrap_or(Place::Nothing)
}

fn app(rest: &str) -> Option<Place> {
    for (word, of) in [
        ("/restart", Place::AppRestart as fn(PathId) -> Place),
        ("/tasks", Place::AppTasks),
        ("/versions", Place::AppVersions),
    ] {
        if let Some(id) = rest.strip_suffix(word) {
            return absolute(id).map(of);
        }
    }
    if let Some((id, task)) = rest.rsplit_once("/tasks/") {
        return Some(Place::AppTask(absolute(id)?, task.to_owned()));
    }
    if let Some((id, version)) = rest.rsplit_once("/versions/") {
        return Some(Place::AppVersion(absolute(id)?, version.parse().ok()?));
    }
    absolute(rest).map(Place::App)
}

fn absolute(id: &str) -> Option<PathId> {
    if id.chars().all(|c| c == '/') {
        return Some(PathId::root());
    }
    id.parse::<PathId>()
        .ok()
        .map(|id| id.resolve(&PathId::root()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_one_place() {
        let id = |text: &str| text.parse::<PathId>().unwrap();
        let version = "2026-11-21T03:29:36.924Z";
        for (path, expected) in [
            ("/ping", Place::Ping),
            ("/v2/apps", Place::Apps),
            ("/v2/apps/", Place::Apps),
            ("/v2/apps//tr/a", Place::App(id("/tr/a"))),
            ("/v2/apps/tr/a", Place::App(id("/tr/a"))),
            ("/v2/apps//tr/a/tasks", Place::AppTasks(id("/tr/a"))),
            (
                "/v2/apps//tr/a/tasks/tr_a.x._app.1",
                Place::AppTask(id("/tr/a"), "tr_a.x._app.1".to_owned()),
            ),
            ("/v2/apps//tr/a/restart", Place::AppRestart(id("/tr/a"))),
            ("/v2/apps//tr/a/versions", Place::AppVersions(id("/tr/a"))),
            (
                &format!("/v2/apps//tr/a/versions/{version}"),
                Place::AppVersion(id("/tr/a"), version.parse().unwrap()),
            ),
            ("/v2/groups", Place::Groups),
            ("/v2/groups//", Place::Groups),
            ("/v2/groups//tr/versions", Place::GroupVersions(id("/tr"))),
            ("/v2/queue//tr/a/delay", Place::QueueDelay(id("/tr/a"))),
            ("/v2/deployments/nope", Place::Deployment("nope".to_owned())),
            ("/v2/tasks/delete", Place::TasksDelete),
            ("/v2/pods//x::status", Place::Pods),
            ("/v2/nope", Place::Nothing),
            ("/v2/apps//Tr", Place::Nothing),
            ("/", Place::Nothing),
        ] {
            assert_eq!(place(path), expected, "{path}");
        }
    }
}
