//! The calls of Marathon's API that the fleet needs.

use moodvane_marathon_api::{
    AppInfo, AppList, AppResponse, Deployment, DeploymentResult, DryRunPlan, Group, MarathonInfo,
    PathId, Queue, QueueItem, Task, TaskList, Timestamp,
};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{collect, read};
use super::{ClientError, MarathonClient, bare};

const EMBED: &str = "embed=apps.tasks&embed=apps.counts&embed=apps.deployments&embed=apps.lastTaskFailure&embed=apps.readiness";

/// What a change began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedDeployment {
    /// The deployment; none where there was nothing to do.
    pub deployment: String,
    /// The version that it leads to.
    pub version: Option<Timestamp>,
}

/// What a change is answered with: the deployment alone, or the app with its deployments.
#[derive(Deserialize)]
#[serde(untagged)]
enum Began {
    Result(DeploymentResult),
    App {
        deployments: Vec<moodvane_marathon_api::DeploymentRef>,
        version: Option<Timestamp>,
    },
}

impl From<Began> for StartedDeployment {
    fn from(began: Began) -> Self {
        match began {
            Began::Result(result) => Self {
                deployment: result.deployment_id,
                version: Some(result.version),
            },
            Began::App {
                deployments,
                version,
            } => Self {
                deployment: deployments
                    .into_iter()
                    .next()
                    .map(|one| one.id)
                    .unwrap_or_default(),
                version,
            },
        }
    }
}

fn forced(force: bool) -> &'static str {
    if force { "?force=true" } else { "" }
}

impl MarathonClient {
    /// What it says of itself.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn info(&self) -> Result<MarathonInfo, ClientError> {
        self.get("/v2/info").await
    }

    /// All apps below a group, in the order of their names.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn apps(&self, group: &PathId) -> Result<Vec<AppInfo>, ClientError> {
        let list: AppList = self.get(&format!("/v2/apps?id={group}&{EMBED}")).await?;
        // The filter is of names that contain the text anywhere.
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
        let answer: Option<AppResponse> = self.find(&path).await?;
        Ok(answer.map(|answer| answer.app))
    }

    /// The tasks of one app; none where there is no such app.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn tasks(&self, id: &PathId) -> Result<Vec<Task>, ClientError> {
        let list: Option<TaskList> = self.find(&format!("/v2/apps/{id}/tasks")).await?;
        Ok(list.map(|list| list.tasks).unwrap_or_default())
    }

    /// All tasks of everything.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn all_tasks(&self) -> Result<Vec<Task>, ClientError> {
        Ok(self.get::<TaskList>("/v2/tasks").await?.tasks)
    }

    /// A task's log, where Marathon itself has it, which only `fleet local` does.
    pub(crate) async fn task_log(&self, task: &str) -> Option<String> {
        let path = format!("/v2/tasks/{task}/log?bytes=65536");
        let response = self.change(Method::GET, &path, None).await.ok()?;
        let bytes = collect(&path, response).await.ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Deployments under way.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn deployments(&self) -> Result<Vec<Deployment>, ClientError> {
        self.get("/v2/deployments").await
    }

    /// What waits to be launched.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn queue(&self) -> Result<Vec<QueueItem>, ClientError> {
        Ok(self
            .get::<Queue>("/v2/queue?embed=lastUnusedOffers")
            .await?
            .queue)
    }

    /// Makes a group be as `body` says.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn put_group(
        &self,
        id: &PathId,
        body: &Value,
        force: bool,
    ) -> Result<StartedDeployment, ClientError> {
        let path = format!("/v2/groups/{id}{}", forced(force));
        self.began(Method::PUT, &path, Some(body)).await
    }

    /// The version that a group is at; `None` where there is no such group.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn group_version(&self, id: &PathId) -> Result<Option<Timestamp>, ClientError> {
        let group: Option<Group> = self.find(&format!("/v2/groups/{id}")).await?;
        Ok(group.and_then(|group| group.version))
    }

    /// What making a group be as `body` says would do.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn dry_run_group(
        &self,
        id: &PathId,
        body: &Value,
    ) -> Result<DryRunPlan, ClientError> {
        let path = format!("/v2/groups/{id}?dryRun=true");
        let response = self.change(Method::PUT, &path, Some(body)).await?;
        read(&path, response).await
    }

    /// Makes one app be as `body` says, and what `body` does not say be as by default.
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
        self.began(Method::PUT, &path, Some(body)).await
    }

    /// Sets the scale of some apps at once.
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
        let path = format!("/v2/apps{}", forced(force));
        self.began(Method::PUT, &path, Some(&Value::Array(body)))
            .await
    }

    /// Replaces all tasks of an app by new ones.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn restart(
        &self,
        id: &PathId,
        force: bool,
    ) -> Result<StartedDeployment, ClientError> {
        let path = format!("/v2/apps/{id}/restart{}", forced(force));
        self.began(Method::POST, &path, None).await
    }

    /// Removes a group and everything below it, data included. `None` where there is none.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delete_group(
        &self,
        id: &PathId,
    ) -> Result<Option<StartedDeployment>, ClientError> {
        let path = format!("/v2/groups/{id}?force=true");
        match self.began(Method::DELETE, &path, None).await {
            Ok(sent) => Ok(Some(sent)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes a deployment back: what it did is undone by another. `None` where it has ended already.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn roll_back(
        &self,
        deployment: &str,
    ) -> Result<Option<StartedDeployment>, ClientError> {
        let path = format!("/v2/deployments/{deployment}");
        match self.began(Method::DELETE, &path, None).await {
            Ok(sent) => Ok(Some(sent)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Kills one task; Marathon starts another.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn kill_task(&self, app: &PathId, task: &str) -> Result<(), ClientError> {
        let path = format!("/v2/apps/{app}/tasks/{task}");
        self.change(Method::DELETE, &path, None).await.map(drop)
    }

    /// Forgets how often an app failed, so that its next launch does not wait. False where none of it
    /// waits: then Marathon forgets nothing.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn reset_launch_delay(&self, app: &PathId) -> Result<bool, ClientError> {
        let path = format!("/v2/queue/{app}/delay");
        match self.change(Method::DELETE, &path, None).await {
            Err(error) if error.is_not_found() => Ok(false),
            other => other.map(|_| true),
        }
    }

    async fn began(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<StartedDeployment, ClientError> {
        let what = format!("{method} {}", bare(path));
        let response = self.change(method, path, body).await?;
        read::<Began>(&what, response)
            .await
            .map(StartedDeployment::from)
    }
}
