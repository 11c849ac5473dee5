//! One request: what it asks of which thing.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use moodvane_marathon_api::{
    AppList, AppResponse, BodyError, DryRunPlan, Event, Leader, PathId, TaskList, TaskResponse,
    TaskState, VersionList, Violation, parse_app, parse_app_update, parse_app_updates, parse_group,
    parse_task_ids,
};
use serde_json::json;

use super::answer::{created, deployed, error, ok, refused, with_deployment};
use super::fit::{misdirected, unfit};
use super::path::{Place, place};
use super::query::Query;
use super::{Api, events, info};
use crate::core::{Embed, Filter, RequestError};

/// A longer body is refused.
const LONGEST_BODY: usize = 4 << 20;
/// So much of a log is told unless more is asked for.
const LOG: usize = 16 << 10;

struct Asked<'a> {
    api: &'a Api,
    client: SocketAddr,
    uri: String,
    query: Query,
    body: Vec<u8>,
}

pub(super) async fn handle(api: &Api, client: SocketAddr, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let place = place(parts.uri.path());
    if let Some(refusal) =
        misdirected(api, &parts.headers).or_else(|| unfit(&parts.method, &parts.headers, &place))
    {
        return refusal;
    }
    let Ok(body) = to_bytes(body, LONGEST_BODY).await else {
        let message = format!("the body is not whole, or longer than {LONGEST_BODY} bytes");
        return refused(StatusCode::PAYLOAD_TOO_LARGE, &message);
    };
    let asked = Asked {
        api,
        client,
        uri: parts.uri.to_string(),
        query: Query::of(parts.uri.query()),
        body: body.to_vec(),
    };
    asked
        .answer(&parts.method, place)
        .await
        .unwrap_or_else(|why| error(&why))
}

type Answer = Result<Response, RequestError>;

impl Asked<'_> {
    async fn answer(&self, method: &Method, place: Place) -> Answer {
        let put = matches!(method, &Method::PUT | &Method::PATCH);
        match (method, place) {
            (_, Place::Pods) => Ok(refused(
                StatusCode::NOT_IMPLEMENTED,
                "fleet local does not do this: pods; use apps",
            )),
            (&Method::GET, Place::TaskLog(task)) => Ok(self.log(&task).await),
            (&Method::GET, place) => self.get(place),
            (&Method::POST, Place::Apps) => self.create_app(),
            (_, Place::Apps) if put => self.put_apps(),
            (_, Place::App(id)) if put => self.put_app(&id),
            (&Method::DELETE, Place::App(id)) => {
                self.change(|core, now| core.delete_app(&id, self.query.force(), now))
            }
            (&Method::POST, Place::AppRestart(id)) => {
                self.change(|core, now| core.restart_app(&id, self.query.force(), now))
            }
            (&Method::DELETE, Place::AppTasks(id)) => self.kill_all(&id),
            (&Method::DELETE, Place::AppTask(id, task)) => self.kill_one(&id, task),
            (&Method::POST, Place::TasksDelete) => self.kill_some(),
            (&Method::POST, Place::Groups) => self.create_group(&PathId::root()),
            (&Method::POST, Place::Group(id)) => self.create_group(&id),
            (_, Place::Groups) if put => self.put_group(&PathId::root()),
            (_, Place::Group(id)) if put => self.put_group(&id),
            (&Method::DELETE, Place::Groups) => {
                self.change(|core, now| core.delete_group(&PathId::root(), self.query.force(), now))
            }
            (&Method::DELETE, Place::Group(id)) => {
                self.change(|core, now| core.delete_group(&id, self.query.force(), now))
            }
            (&Method::DELETE, Place::Deployment(id)) => self.end_deployment(&id),
            (&Method::DELETE, Place::QueueDelay(id)) => {
                self.api.driver.with(|core, _| core.reset_delay(&id))?;
                Ok(StatusCode::NO_CONTENT.into_response())
            }
            (_, Place::Nothing) => Ok(refused(StatusCode::NOT_FOUND, "URI not found")),
            _ => Ok(refused(
                StatusCode::METHOD_NOT_ALLOWED,
                "Method Not Allowed",
            )),
        }
    }

    fn get(&self, place: Place) -> Answer {
        let driver = &self.api.driver;
        let address = self.api.address;
        Ok(match place {
            Place::Ping => ok(&"pong"),
            Place::Info => ok(&info::info(address)),
            Place::Leader => ok(&Leader {
                leader: address.to_string(),
            }),
            Place::Plugins => ok(&json!({ "plugins": [] })),
            Place::Events => {
                let wanted = self.query.all("event_type").map(str::to_owned).collect();
                events::stream(self.api, self.client, wanted)
            }
            Place::Apps => {
                let filter = Filter {
                    id: self.query.one("id"),
                    cmd: self.query.one("cmd"),
                    label: self.query.one("label"),
                };
                let apps = driver.look(|core, _| core.apps(&filter, self.embed("apps", false)));
                ok(&AppList { apps })
            }
            Place::App(id) => {
                let app = driver.look(|core, _| core.app(&id, self.embed("app", true)))?;
                ok(&AppResponse { app })
            }
            Place::AppTasks(id) => ok(&TaskList {
                tasks: driver.look(|core, _| core.app_tasks(&id))?,
            }),
            Place::AppVersions(id) => ok(&VersionList {
                versions: driver.look(|core, _| core.app_versions(&id))?,
            }),
            Place::AppVersion(id, version) => {
                ok(&driver.look(|core, _| core.app_version(&id, version))?)
            }
            Place::Tasks => ok(&TaskList {
                tasks: driver.look(|core, _| core.tasks(&self.states())),
            }),
            Place::Groups => ok(&driver.look(|core, _| core.group(&PathId::root()))?),
            Place::Group(id) => ok(&driver.look(|core, _| core.group(&id))?),
            Place::GroupVersions(id) => ok(&driver.look(|core, _| core.group_versions(&id))?),
            Place::Deployments => ok(&driver.look(|core, _| core.deployments())),
            Place::Queue => ok(&driver.look(|core, now| core.queue(now))),
            Place::AppTask(..)
            | Place::AppRestart(_)
            | Place::TasksDelete
            | Place::Deployment(_)
            | Place::QueueDelay(_) => refused(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"),
            Place::TaskLog(_) | Place::Pods | Place::Nothing => {
                refused(StatusCode::NOT_FOUND, "URI not found")
            }
        })
    }

    fn create_app(&self) -> Answer {
        let app = parse_app(&self.body)?;
        let driver = &self.api.driver;
        let (app, result) = driver.with(|core, now| {
            let (app, result) = core.create_app(app, self.query.force(), now)?;
            core.tell(|timestamp| self.posted(&app, timestamp), now);
            Ok::<_, RequestError>((app, result))
        })?;
        let id = app.id.clone();
        let mut info = driver.look(|core, _| core.app(&id, Embed::default()))?;
        // As it was before anything came of it.
        info.app.version_info = None;
        (info.tasks_staged, info.tasks_running) = (0, 0);
        let response = with_deployment(ok(&info), &result.deployment_id);
        Ok(created(response, self.api.address, &id.to_string()))
    }

    fn put_app(&self, id: &PathId) -> Answer {
        let update = parse_app_update(&self.body)?;
        let put = self.api.driver.with(|core, now| {
            let put = core.put_app(id, &update, self.whole(), self.query.force(), now)?;
            if let Some(app) = core.desired().apps.get(id).cloned() {
                core.tell(|timestamp| self.posted(&app, timestamp), now);
            }
            Ok::<_, RequestError>(put)
        })?;
        let response = deployed(&put.result);
        Ok(if put.created {
            created(response, self.api.address, &id.to_string())
        } else {
            response
        })
    }

    fn put_apps(&self) -> Answer {
        let updates = parse_app_updates(&self.body)?;
        self.change(|core, now| core.put_apps(&updates, self.whole(), self.query.force(), now))
    }

    fn create_group(&self, base: &PathId) -> Answer {
        let group = parse_group(&self.body)?;
        let id = group
            .id
            .as_ref()
            .map_or_else(|| base.clone(), |id| id.resolve(base));
        let exists = self
            .api
            .driver
            .look(|core, _| core.desired().groups.contains_key(&id));
        if exists && !id.is_root() {
            let message = format!("Group {id} is already created. Use PUT to change this group.");
            return Ok(refused(StatusCode::CONFLICT, &message));
        }
        let result = self
            .api
            .driver
            .with(|core, now| core.put_group(&id, &group, self.query.force(), now))?;
        Ok(created(
            deployed(&result),
            self.api.address,
            &id.to_string(),
        ))
    }

    fn put_group(&self, id: &PathId) -> Answer {
        let group = parse_group(&self.body)?;
        if let Some(named) = group
            .id
            .as_ref()
            .filter(|named| named.resolve(&id.parent()) != *id && named.resolve(id) != *id)
        {
            let wrong = Violation::new("/id", format!("'{named}' is not '{id}'"));
            return Err(BodyError::InvalidObject(vec![wrong]).into());
        }
        if self.query.is("dryRun") {
            let steps = self
                .api
                .driver
                .look(|core, now| core.try_group(id, &group, now))?;
            return Ok(ok(&DryRunPlan { steps }));
        }
        self.change(|core, now| core.put_group(id, &group, self.query.force(), now))
    }

    fn kill_all(&self, id: &PathId) -> Answer {
        let driver = &self.api.driver;
        if !driver.look(|core, _| core.desired().apps.contains_key(id)) {
            return Err(RequestError::app_not_found(id));
        }
        let tasks = driver.look(|core, _| core.tasks_of(id));
        self.kill(&tasks, |tasks| ok(&TaskList { tasks }))
    }

    fn kill_one(&self, id: &PathId, task: String) -> Answer {
        if !self
            .api
            .driver
            .look(|core, _| core.tasks_of(id))
            .contains(&task)
        {
            return Err(RequestError::NotFound(format!(
                "Task '{task}' does not exist"
            )));
        }
        let missing = RequestError::NotFound(format!("Task '{task}' does not exist"));
        if self.query.is("scale") {
            return self.kill(&[task], |_| StatusCode::OK.into_response());
        }
        let killed = self
            .api
            .driver
            .with(|core, now| core.kill(&[task], self.query.kill(), now));
        let task = killed.into_iter().next().ok_or(missing)?;
        Ok(ok(&TaskResponse { task }))
    }

    fn kill_some(&self) -> Answer {
        let tasks = parse_task_ids(&self.body)?;
        if let Some(wrong) = tasks.iter().find(|task| !task.contains(".instance-")) {
            let message =
                format!("Invalid task id '{wrong}'. [taskId {wrong} no valid identifier]");
            return Err(RequestError::BadRequest(message));
        }
        self.kill(&tasks, |tasks| ok(&TaskList { tasks }))
    }

    fn kill(
        &self,
        tasks: &[String],
        shown: impl FnOnce(Vec<moodvane_marathon_api::Task>) -> Response,
    ) -> Answer {
        if self.query.is("scale") {
            return self.change(|core, now| core.kill_and_scale(tasks, self.query.force(), now));
        }
        Ok(shown(self.api.driver.with(|core, now| {
            core.kill(tasks, self.query.kill(), now)
        })))
    }

    fn end_deployment(&self, id: &str) -> Answer {
        if self.query.is("force") {
            self.api
                .driver
                .with(|core, now| core.cancel_deployment(id, now))?;
            return Ok(StatusCode::ACCEPTED.into_response());
        }
        self.change(|core, now| core.roll_back(id, now))
    }

    async fn log(&self, task: &str) -> Response {
        let bytes = self
            .query
            .one("bytes")
            .and_then(|bytes| bytes.parse().ok())
            .unwrap_or(LOG);
        match self.api.driver.runtime().log(task, bytes).await {
            Some(text) => {
                ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
            }
            None => error(&RequestError::NotFound(format!(
                "Task '{task}' does not exist"
            ))),
        }
    }

    fn change(
        &self,
        change: impl FnOnce(
            &mut crate::core::Core,
            moodvane_marathon_api::Timestamp,
        ) -> Result<moodvane_marathon_api::DeploymentResult, RequestError>,
    ) -> Answer {
        self.api.driver.with(change).map(|result| deployed(&result))
    }

    fn posted(
        &self,
        app: &moodvane_marathon_api::App,
        timestamp: moodvane_marathon_api::Timestamp,
    ) -> Event {
        Event::ApiPostEvent {
            client_ip: self.client.ip().to_string(),
            uri: self.uri.clone(),
            app_definition: Box::new(app.clone()),
            timestamp,
        }
    }

    fn whole(&self) -> bool {
        self.query
            .all("partialUpdate")
            .any(|value| value == "false")
    }

    /// What is told of apps: for one app its tasks and last failure always, as in Marathon.
    fn embed(&self, of: &str, always: bool) -> Embed {
        let names: BTreeMap<&str, ()> = self.query.all("embed").map(|name| (name, ())).collect();
        let has = |what: &str| names.contains_key(format!("{of}.{what}").as_str());
        Embed {
            tasks: always || has("tasks") || has("failures"),
            last_failure: always || has("lastTaskFailure") || has("failures"),
            readiness: has("readiness"),
        }
    }

    fn states(&self) -> Vec<TaskState> {
        let state = |word: &str| match word {
            "running" => Some(TaskState::Running),
            "staging" => Some(TaskState::Staging),
            _ => None,
        };
        self.query
            .all("status")
            .chain(self.query.all("status[]"))
            .filter_map(state)
            .collect()
    }
}
