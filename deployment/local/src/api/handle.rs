//! Dispatches one request to the state machine.

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

use super::guards::{reject_foreign_host, reject_unsupported_media};
use super::methods::reject_method;
use super::path::{Endpoint, parse_endpoint};
use super::query::Query;
use super::response::{created, deployed, error, error_message, ok, with_deployment};
use super::{Api, events, info};
use crate::core::{AppFilter, Embed, RequestError};

/// Larger request bodies are rejected with 413.
const MAX_BODY_BYTES: usize = 4 << 20;
/// Length of a task's log without `bytes` in the query.
const DEFAULT_LOG_BYTES: usize = 16 << 10;

struct ApiRequest<'a> {
    api: &'a Api,
    client: SocketAddr,
    uri: String,
    query: Query,
    body: Vec<u8>,
}

pub(super) async fn handle(api: &Api, client: SocketAddr, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let endpoint = parse_endpoint(parts.uri.path());
    if let Some(refusal) = reject_foreign_host(api, &parts.headers)
        .or_else(|| reject_method(&parts.method, &endpoint))
        .or_else(|| reject_unsupported_media(&parts.method, &parts.headers, &endpoint))
    {
        return refusal;
    }
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        let message = format!("body is incomplete or larger than {MAX_BODY_BYTES} bytes");
        return error_message(StatusCode::PAYLOAD_TOO_LARGE, &message);
    };
    let request = ApiRequest {
        api,
        client,
        uri: parts.uri.to_string(),
        query: Query::parse(parts.uri.query()),
        body: body.to_vec(),
    };
    request
        .dispatch(&parts.method, endpoint)
        .await
        .unwrap_or_else(|failure| error(&failure))
}

type ApiResult = Result<Response, RequestError>;

impl ApiRequest<'_> {
    async fn dispatch(&self, method: &Method, endpoint: Endpoint) -> ApiResult {
        let put = matches!(method, &Method::PUT | &Method::PATCH);
        match (method, endpoint) {
            (_, Endpoint::Pods) => Ok(error_message(
                StatusCode::NOT_IMPLEMENTED,
                "fleet local does not support pods; use apps",
            )),
            (&Method::GET, Endpoint::TaskLog(task)) => Ok(self.log(&task).await),
            (&Method::GET, endpoint) => self.get(endpoint),
            (&Method::POST, Endpoint::Apps) => self.create_app(),
            (_, Endpoint::Apps) if put => self.put_apps(),
            (_, Endpoint::App(id)) if put => self.put_app(&id),
            (&Method::DELETE, Endpoint::App(id)) => {
                self.change(|core, now| core.delete_app(&id, self.query.force(), now))
            }
            (&Method::POST, Endpoint::AppRestart(id)) => {
                self.change(|core, now| core.restart_app(&id, self.query.force(), now))
            }
            (&Method::DELETE, Endpoint::AppTasks(id)) => self.kill_app_tasks(&id),
            (&Method::DELETE, Endpoint::AppTask(id, task)) => self.kill_app_task(&id, task),
            (&Method::POST, Endpoint::TasksDelete) => self.kill_tasks(),
            (&Method::POST, Endpoint::Groups) => self.create_group(&PathId::root()),
            (&Method::POST, Endpoint::Group(id)) => self.create_group(&id),
            (_, Endpoint::Groups) if put => self.put_group(&PathId::root()),
            (_, Endpoint::Group(id)) if put => self.put_group(&id),
            (&Method::DELETE, Endpoint::Groups) => {
                self.change(|core, now| core.delete_group(&PathId::root(), self.query.force(), now))
            }
            (&Method::DELETE, Endpoint::Group(id)) => {
                self.change(|core, now| core.delete_group(&id, self.query.force(), now))
            }
            (&Method::DELETE, Endpoint::Deployment(id)) => self.delete_deployment(&id),
            (&Method::DELETE, Endpoint::QueueDelay(id)) => {
                self.api.driver.update(|core, _| core.reset_delay(&id))?;
                Ok(StatusCode::NO_CONTENT.into_response())
            }
            (_, Endpoint::Unknown) => Ok(error_message(StatusCode::NOT_FOUND, "URI not found")),
            _ => Ok(error_message(
                StatusCode::METHOD_NOT_ALLOWED,
                "Method Not Allowed",
            )),
        }
    }

    fn get(&self, endpoint: Endpoint) -> ApiResult {
        let driver = &self.api.driver;
        let address = self.api.address;
        Ok(match endpoint {
            Endpoint::Ping => ok(&"pong"),
            Endpoint::Info => ok(&info::info(address)),
            Endpoint::Leader => ok(&Leader {
                leader: address.to_string(),
            }),
            Endpoint::Plugins => ok(&json!({ "plugins": [] })),
            Endpoint::Events => {
                let event_types = self.query.all("event_type").map(str::to_owned).collect();
                events::stream(self.api, self.client, event_types)
            }
            Endpoint::Apps => {
                let filter = AppFilter {
                    id: self.query.first("id"),
                    cmd: self.query.first("cmd"),
                    label: self.query.first("label"),
                };
                let apps = driver.read(|core, _| core.apps(&filter, self.embed("apps", false)));
                ok(&AppList { apps })
            }
            Endpoint::App(id) => {
                let app = driver.read(|core, _| core.app(&id, self.embed("app", true)))?;
                ok(&AppResponse { app })
            }
            Endpoint::AppTasks(id) => ok(&TaskList {
                tasks: driver.read(|core, _| core.app_tasks(&id))?,
            }),
            Endpoint::AppVersions(id) => ok(&VersionList {
                versions: driver.read(|core, _| core.app_versions(&id))?,
            }),
            Endpoint::AppVersion(id, version) => {
                ok(&driver.read(|core, _| core.app_version(&id, version))?)
            }
            Endpoint::Tasks => ok(&TaskList {
                tasks: driver.read(|core, _| core.tasks(&self.states())),
            }),
            Endpoint::Groups => ok(&driver.read(|core, _| core.group(&PathId::root()))?),
            Endpoint::Group(id) => ok(&driver.read(|core, _| core.group(&id))?),
            Endpoint::GroupVersions(id) => ok(&driver.read(|core, _| core.group_versions(&id))?),
            Endpoint::Deployments => ok(&driver.read(|core, _| core.deployments())),
            Endpoint::Queue => ok(&driver.read(|core, now| core.queue(now))),
            Endpoint::AppTask(..)
            | Endpoint::AppRestart(_)
            | Endpoint::TasksDelete
            | Endpoint::Deployment(_)
            | Endpoint::QueueDelay(_) => {
                error_message(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
            }
            Endpoint::TaskLog(_) | Endpoint::Pods | Endpoint::Unknown => {
                error_message(StatusCode::NOT_FOUND, "URI not found")
            }
        })
    }

    fn create_app(&self) -> ApiResult {
        let app = parse_app(&self.body)?;
        let driver = &self.api.driver;
        let (app, result) = driver.update(|core, now| {
            let (app, result) = core.create_app(app, self.query.force(), now)?;
            core.emit(|timestamp| self.post_event(&app, timestamp), now);
            Ok::<_, RequestError>((app, result))
        })?;
        let id = app.id.clone();
        let mut info = driver.read(|core, _| core.app(&id, Embed::default()))?;
        // The response has the app as it was before its deployment.
        info.app.version_info = None;
        (info.tasks_staged, info.tasks_running) = (0, 0);
        let response = with_deployment(ok(&info), &result.deployment_id);
        Ok(created(response, self.api.address, &id.to_string()))
    }

    fn put_app(&self, id: &PathId) -> ApiResult {
        let update = parse_app_update(&self.body)?;
        let put = self.api.driver.update(|core, now| {
            let put = core.put_app(id, &update, self.replaces_app(), self.query.force(), now)?;
            if let Some(app) = core.desired().apps.get(id).cloned() {
                core.emit(|timestamp| self.post_event(&app, timestamp), now);
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

    fn put_apps(&self) -> ApiResult {
        let updates = parse_app_updates(&self.body)?;
        self.change(|core, now| {
            core.put_apps(&updates, self.replaces_app(), self.query.force(), now)
        })
    }

    fn create_group(&self, base: &PathId) -> ApiResult {
        let group = parse_group(&self.body)?;
        let id = group
            .id
            .as_ref()
            .map_or_else(|| base.clone(), |id| id.resolve(base));
        let exists = self
            .api
            .driver
            .read(|core, _| core.desired().groups.contains_key(&id));
        if exists && !id.is_root() {
            let message = format!("Group {id} is already created. Use PUT to change this group.");
            return Ok(error_message(StatusCode::CONFLICT, &message));
        }
        let result = self
            .api
            .driver
            .update(|core, now| core.put_group(&id, &group, self.query.force(), now))?;
        Ok(created(
            deployed(&result),
            self.api.address,
            &id.to_string(),
        ))
    }

    fn put_group(&self, id: &PathId) -> ApiResult {
        let group = parse_group(&self.body)?;
        if let Some(named) = group
            .id
            .as_ref()
            .filter(|named| named.resolve(&id.parent()) != *id && named.resolve(id) != *id)
        {
            let invalid = Violation::new("/id", format!("'{named}' is not '{id}'"));
            return Err(BodyError::InvalidObject(vec![invalid]).into());
        }
        if self.query.is_true("dryRun") {
            let steps = self
                .api
                .driver
                .read(|core, now| core.plan_group(id, &group, now))?;
            return Ok(ok(&DryRunPlan { steps }));
        }
        self.change(|core, now| core.put_group(id, &group, self.query.force(), now))
    }

    fn kill_app_tasks(&self, id: &PathId) -> ApiResult {
        let driver = &self.api.driver;
        if !driver.read(|core, _| core.desired().apps.contains_key(id)) {
            return Err(RequestError::app_not_found(id));
        }
        let tasks = driver.read(|core, _| core.running_task_ids(id));
        self.kill(&tasks, |tasks| ok(&TaskList { tasks }))
    }

    fn kill_app_task(&self, id: &PathId, task: String) -> ApiResult {
        if !self
            .api
            .driver
            .read(|core, _| core.running_task_ids(id))
            .contains(&task)
        {
            return Err(RequestError::NotFound(format!(
                "Task '{task}' does not exist"
            )));
        }
        let missing = RequestError::NotFound(format!("Task '{task}' does not exist"));
        if self.query.is_true("scale") {
            return self.kill(&[task], |_| StatusCode::OK.into_response());
        }
        let killed = self
            .api
            .driver
            .update(|core, now| core.kill(&[task], self.query.kill_mode(), now));
        let task = killed.into_iter().next().ok_or(missing)?;
        Ok(ok(&TaskResponse { task }))
    }

    fn kill_tasks(&self) -> ApiResult {
        let tasks = parse_task_ids(&self.body)?;
        if let Some(invalid) = tasks.iter().find(|task| !task.contains(".instance-")) {
            let message =
                format!("Invalid task id '{invalid}'. [taskId {invalid} no valid identifier]");
            return Err(RequestError::BadRequest(message));
        }
        self.kill(&tasks, |tasks| ok(&TaskList { tasks }))
    }

    fn kill(
        &self,
        tasks: &[String],
        respond: impl FnOnce(Vec<moodvane_marathon_api::Task>) -> Response,
    ) -> ApiResult {
        if self.query.is_true("scale") {
            return self.change(|core, now| core.kill_and_scale(tasks, self.query.force(), now));
        }
        Ok(respond(self.api.driver.update(|core, now| {
            core.kill(tasks, self.query.kill_mode(), now)
        })))
    }

    fn delete_deployment(&self, id: &str) -> ApiResult {
        if self.query.is_true("force") {
            self.api
                .driver
                .update(|core, now| core.cancel_deployment(id, now))?;
            return Ok(StatusCode::ACCEPTED.into_response());
        }
        self.change(|core, now| core.roll_back(id, now))
    }

    async fn log(&self, task: &str) -> Response {
        let bytes = self
            .query
            .first("bytes")
            .and_then(|bytes| bytes.parse().ok())
            .unwrap_or(DEFAULT_LOG_BYTES);
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
    ) -> ApiResult {
        self.api
            .driver
            .update(change)
            .map(|result| deployed(&result))
    }

    fn post_event(
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

    fn replaces_app(&self) -> bool {
        self.query
            .all("partialUpdate")
            .any(|value| value == "false")
    }

    /// The parts of an app to include. For one app its tasks and last failure always, as in Marathon.
    fn embed(&self, prefix: &str, always: bool) -> Embed {
        let names: BTreeMap<&str, ()> = self.query.all("embed").map(|name| (name, ())).collect();
        let has = |part: &str| names.contains_key(format!("{prefix}.{part}").as_str());
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
