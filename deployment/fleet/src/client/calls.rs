//! The calls of Marathon's API that the fleet needs.

use moodvane_marathon_api::{
    AppInfo, AppList, AppResponse, Deployment, DeploymentRef, DeploymentResult, DryRunPlan, Group,
    MarathonInfo, PathId, Queue, QueueItem, Task, TaskList, Timestamp,
};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::response::parse_json;
use super::{ClientError, MarathonClient, Request, none_if_not_found};

const EMBED: &str = "embed=apps.tasks&embed=apps.counts&embed=apps.deployments&embed=apps.lastTaskFailure&embed=apps.readiness";

/// The number of times a change is sent whose response is lost.
const MAX_RESENDS: usize = 5;

/// The deployment that a change started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedDeployment {
    /// The id; empty if there was nothing to do.
    pub id: String,
    /// The version that the deployment creates.
    pub version: Option<Timestamp>,
}

/// The response to a change: the deployment alone, or the app with its deployments.
#[derive(Deserialize)]
#[serde(untagged)]
enum ChangeResponse {
    Deployment(DeploymentResult),
    App {
        deployments: Vec<DeploymentRef>,
        version: Option<Timestamp>,
    },
}

impl From<ChangeResponse> for StartedDeployment {
    fn from(response: ChangeResponse) -> Self {
        match response {
            ChangeResponse::Deployment(result) => Self {
                id: result.deployment_id,
                version: Some(result.version),
            },
            ChangeResponse::App {
                deployments,
                version,
            } => Self {
                id: first_id(deployments),
                version,
            },
        }
    }
}

fn first_id(deployments: Vec<DeploymentRef>) -> String {
    let first = deployments.into_iter().next();
    first.map(|deployment| deployment.id).unwrap_or_default()
}

fn force_query(force: bool) -> &'static str {
    if force { "?force=true" } else { "" }
}

impl MarathonClient {
    /// Marathon's version and configuration.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn info(&self) -> Result<MarathonInfo, ClientError> {
        self.get("/v2/info").await
    }

    /// All apps below a group, sorted by id.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn apps(&self, group: &PathId) -> Result<Vec<AppInfo>, ClientError> {
        let list: AppList = self.get(&format!("/v2/apps?id={group}&{EMBED}")).await?;
        // Marathon's filter matches the text anywhere in an id.
        let mut apps: Vec<AppInfo> = list
            .apps
            .into_iter()
            .filter(|info| info.app.id.is_below(group))
            .collect();
        apps.sort_by(|a, b| a.app.id.cmp(&b.app.id));
        Ok(apps)
    }

    /// One app.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn app(&self, id: &PathId) -> Result<Option<AppInfo>, ClientError> {
        let path = format!("/v2/apps/{id}?{}", EMBED.replace("apps.", "app."));
        let answer: Option<AppResponse> = self.get_optional(&path).await?;
        Ok(answer.map(|answer| answer.app))
    }

    /// The tasks of one app; none if there is no such app.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn tasks(&self, id: &PathId) -> Result<Vec<Task>, ClientError> {
        let list: Option<TaskList> = self.get_optional(&format!("/v2/apps/{id}/tasks")).await?;
        Ok(list.map(|list| list.tasks).unwrap_or_default())
    }

    /// All tasks of all apps.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn all_tasks(&self) -> Result<Vec<Task>, ClientError> {
        Ok(self.get::<TaskList>("/v2/tasks").await?.tasks)
    }

    /// A task's log, if Marathon itself serves it, which only `fleet local` does.
    pub(crate) async fn task_log(&self, task: &str) -> Option<String> {
        let path = format!("/v2/tasks/{task}/log?bytes=65536");
        // Without retries: Marathon answers an unknown path with 500.
        let request = Request::new(Method::GET, &path, None);
        let bytes = self.fetch_once(&request).await.ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The running deployments.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn deployments(&self) -> Result<Vec<Deployment>, ClientError> {
        self.get("/v2/deployments").await
    }

    /// The launch queue.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn queue(&self) -> Result<Vec<QueueItem>, ClientError> {
        Ok(self
            .get::<Queue>("/v2/queue?embed=lastUnusedOffers")
            .await?
            .queue)
    }

    /// Replaces a group.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn put_group(
        &self,
        id: &PathId,
        body: &Value,
        force: bool,
    ) -> Result<StartedDeployment, ClientError> {
        let path = format!("/v2/groups/{id}{}", force_query(force));
        self.start_deployment(Method::PUT, &path, Some(body)).await
    }

    /// A group with its apps and groups; `None` if there is no such group.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn group(&self, id: &PathId) -> Result<Option<Group>, ClientError> {
        self.get_optional(&format!("/v2/groups/{id}")).await
    }

    /// Returns the steps of replacing a group, without doing it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn dry_run_group(
        &self,
        id: &PathId,
        body: &Value,
    ) -> Result<DryRunPlan, ClientError> {
        let path = format!("/v2/groups/{id}?dryRun=true");
        self.request(Method::PUT, &path, Some(body)).await
    }

    /// Replaces an app; absent fields get their defaults.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn put_app(
        &self,
        id: &PathId,
        body: &Value,
        force: bool,
    ) -> Result<StartedDeployment, ClientError> {
        let path = format!("/v2/apps/{id}?partialUpdate=false&force={force}");
        self.start_deployment(Method::PUT, &path, Some(body)).await
    }

    /// Scales some apps in one deployment.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn scale(
        &self,
        apps: &[PathId],
        instances: u32,
        force: bool,
    ) -> Result<StartedDeployment, ClientError> {
        let one = |id: &PathId| json!({ "id": id, "instances": instances });
        let body: Vec<Value> = apps.iter().map(one).collect();
        let path = format!("/v2/apps{}", force_query(force));
        self.start_deployment(Method::PUT, &path, Some(&Value::Array(body)))
            .await
    }

    /// Replaces all tasks of an app. If the response is lost, the version of the app shows whether
    /// Marathon has started to.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn restart(
        &self,
        id: &PathId,
        force: bool,
    ) -> Result<StartedDeployment, ClientError> {
        let path = format!("/v2/apps/{id}/restart{}", force_query(force));
        let before = self.app(id).await?.and_then(|info| info.app.version);
        for _ in 1..MAX_RESENDS {
            match self.send_once(Method::POST, &path).await {
                Err(error) if error.has_unknown_outcome() => {}
                result => return result,
            }
            // Waits until Marathon is back.
            let Some(info) = self.app(id).await? else {
                continue;
            };
            if info.app.version != before {
                let version = info.app.version;
                let id = first_id(info.deployments);
                return Ok(StartedDeployment { id, version });
            }
        }
        self.send_once(Method::POST, &path).await
    }

    /// Removes a group with all apps and their data. Returns `None` if there is no such group.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delete_group(
        &self,
        id: &PathId,
    ) -> Result<Option<StartedDeployment>, ClientError> {
        let path = format!("/v2/groups/{id}?force=true");
        none_if_not_found(self.start_deployment(Method::DELETE, &path, None).await)
    }

    /// Starts the deployment that reverts another one. Returns `None` if that one has finished. If
    /// the response is lost, the running deployments show whether Marathon has started to.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn roll_back(
        &self,
        deployment: &str,
    ) -> Result<Option<StartedDeployment>, ClientError> {
        let path = format!("/v2/deployments/{deployment}");
        for _ in 1..MAX_RESENDS {
            match self.send_once(Method::DELETE, &path).await {
                Err(error) if error.has_unknown_outcome() => {}
                result => return none_if_not_found(result),
            }
            let running = self.deployments().await?;
            if running.iter().any(|one| one.id == deployment) {
                continue;
            }
            // Marathon has cancelled it for its roll-back, which is the latest one.
            let latest = running.into_iter().max_by_key(|one| one.version);
            return Ok(latest.map(|one| StartedDeployment {
                id: one.id,
                version: Some(one.version),
            }));
        }
        none_if_not_found(self.send_once(Method::DELETE, &path).await)
    }

    /// Kills one task; Marathon launches a replacement.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn kill_task(&self, app: &PathId, task: &str) -> Result<(), ClientError> {
        let path = format!("/v2/apps/{app}/tasks/{task}");
        self.delete(&path).await
    }

    /// Resets the launch delay of an app. Returns false if the app is not queued; then Marathon resets
    /// nothing.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn reset_launch_delay(&self, app: &PathId) -> Result<bool, ClientError> {
        let path = format!("/v2/queue/{app}/delay");
        match self.delete(&path).await {
            Err(error) if error.is_not_found() => Ok(false),
            result => result.map(|()| true),
        }
    }

    /// Sends a DELETE and ignores the response body.
    async fn delete(&self, path: &str) -> Result<(), ClientError> {
        let request = Request::new(Method::DELETE, path, None);
        self.fetch(&request).await.map(drop)
    }

    /// Starts a deployment by a request that has another effect when it is sent twice.
    async fn send_once(
        &self,
        method: Method,
        path: &str,
    ) -> Result<StartedDeployment, ClientError> {
        let request = Request {
            is_idempotent: false,
            ..Request::new(method, path, None)
        };
        let bytes = self.fetch(&request).await?;
        let response: ChangeResponse = parse_json(&request.name(), &bytes)?;
        Ok(response.into())
    }

    async fn start_deployment(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<StartedDeployment, ClientError> {
        let response: ChangeResponse = self.request(method, path, body).await?;
        Ok(response.into())
    }
}
