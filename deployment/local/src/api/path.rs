//! Parses paths of the API.

use moodvane_marathon_api::{PathId, Timestamp};

/// An endpoint of the API, with the ids in its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
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
    Unknown,
}

/// Parses `path`. Ids of apps are absolute, with or without the leading slash.
pub(super) fn parse_endpoint(path: &str) -> Endpoint {
    let rest = match path {
        "/ping" => return Endpoint::Ping,
        _ => match path.strip_prefix("/v2/") {
            Some(rest) => rest.strip_suffix('/').unwrap_or(rest),
            None => return Endpoint::Unknown,
        },
    };
    let (kind, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let found = match (kind, rest) {
        ("info", "") => Some(Endpoint::Info),
        ("leader", "") => Some(Endpoint::Leader),
        ("plugins", "") => Some(Endpoint::Plugins),
        ("events", "") => Some(Endpoint::Events),
        ("apps", "") => Some(Endpoint::Apps),
        ("apps", rest) => app_endpoint(rest),
        ("groups", "") => Some(Endpoint::Groups),
        ("groups", "versions") => Some(Endpoint::GroupVersions(PathId::root())),
        ("groups", rest) => match rest.strip_suffix("/versions") {
            Some(id) => absolute_id(id).map(Endpoint::GroupVersions),
            None => absolute_id(rest).map(Endpoint::Group),
        },
        ("tasks", "") => Some(Endpoint::Tasks),
        ("tasks", "delete") => Some(Endpoint::TasksDelete),
        ("tasks", rest) => rest
            .strip_suffix("/log")
            .map(|task| Endpoint::TaskLog(task.to_owned())),
        ("deployments", "") => Some(Endpoint::Deployments),
        ("deployments", id) => Some(Endpoint::Deployment(id.to_owned())),
        ("queue", "") => Some(Endpoint::Queue),
        ("queue", rest) => rest
            .strip_suffix("/delay")
            .and_then(absolute_id)
            .map(Endpoint::QueueDelay),
        ("pods", _) => Some(Endpoint::Pods),
        _ => None,
    };
    found.unwrap_or(Endpoint::Unknown)
}

fn app_endpoint(rest: &str) -> Option<Endpoint> {
    for (suffix, endpoint) in [
        ("/restart", Endpoint::AppRestart as fn(PathId) -> Endpoint),
        ("/tasks", Endpoint::AppTasks),
        ("/versions", Endpoint::AppVersions),
    ] {
        if let Some(id) = rest.strip_suffix(suffix) {
            return absolute_id(id).map(endpoint);
        }
    }
    if let Some((id, task)) = rest.rsplit_once("/tasks/") {
        return Some(Endpoint::AppTask(absolute_id(id)?, task.to_owned()));
    }
    if let Some((id, version)) = rest.rsplit_once("/versions/") {
        return Some(Endpoint::AppVersion(
            absolute_id(id)?,
            version.parse().ok()?,
        ));
    }
    absolute_id(rest).map(Endpoint::App)
}

fn absolute_id(id: &str) -> Option<PathId> {
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
    fn parses_every_path_to_its_endpoint() {
        let id = |text: &str| text.parse::<PathId>().unwrap();
        let version = "2026-11-21T03:29:36.924Z";
        for (path, expected) in [
            ("/ping", Endpoint::Ping),
            ("/v2/apps", Endpoint::Apps),
            ("/v2/apps/", Endpoint::Apps),
            ("/v2/apps//tr/a", Endpoint::App(id("/tr/a"))),
            ("/v2/apps/tr/a", Endpoint::App(id("/tr/a"))),
            ("/v2/apps//tr/a/tasks", Endpoint::AppTasks(id("/tr/a"))),
            (
                "/v2/apps//tr/a/tasks/tr_a.x._app.1",
                Endpoint::AppTask(id("/tr/a"), "tr_a.x._app.1".to_owned()),
            ),
            ("/v2/apps//tr/a/restart", Endpoint::AppRestart(id("/tr/a"))),
            (
                "/v2/apps//tr/a/versions",
                Endpoint::AppVersions(id("/tr/a")),
            ),
            (
                &format!("/v2/apps//tr/a/versions/{version}"),
                Endpoint::AppVersion(id("/tr/a"), version.parse().unwrap()),
            ),
            ("/v2/groups", Endpoint::Groups),
            ("/v2/groups//", Endpoint::Groups),
            (
                "/v2/groups//tr/versions",
                Endpoint::GroupVersions(id("/tr")),
            ),
            ("/v2/queue//tr/a/delay", Endpoint::QueueDelay(id("/tr/a"))),
            (
                "/v2/deployments/nope",
                Endpoint::Deployment("nope".to_owned()),
            ),
            ("/v2/tasks/delete", Endpoint::TasksDelete),
            ("/v2/pods//x::status", Endpoint::Pods),
            ("/v2/nope", Endpoint::Unknown),
            ("/v2/apps//Tr", Endpoint::Unknown),
            ("/", Endpoint::Unknown),
        ] {
            assert_eq!(parse_endpoint(path), expected, "{path}");
        }
    }
}
