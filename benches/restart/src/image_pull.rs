//! A launch with an image pull: scales every app of the image to zero, removes the image, and scales
//! the apps back.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use moodvane_marathon_api::{App, PathId};
use tokio::process::Command;
use tokio::time::Instant;

use crate::availability::Availability;
use crate::options::KillMethod;
use crate::trial::{Recovery, Trial, TrialRunner, poll_interval};

/// Limit for retries of the removal: an agent removes a container shortly after its task has ended.
const CONTAINER_CLEANUP: Duration = Duration::from_secs(10);

impl TrialRunner<'_> {
    /// Stops all tasks of the app's image, removes the image, and waits for the first new task.
    /// Does not monitor other tasks: those that depend on the app fail meanwhile.
    pub(crate) async fn run_image_pull(&self, app: &PathId) -> anyhow::Result<Trial> {
        self.wait_until_healthy().await?;
        let apps = self.marathon.apps(self.group).await?;
        let apps: Vec<_> = apps.into_iter().map(|info| info.app).collect();
        let measured = apps.iter().find(|candidate| candidate.id == *app);
        let image = measured
            .and_then(image)
            .with_context(|| format!("{app} has no image"))?;
        let users = image_users(&apps, app, image);
        let removed = self.stop_and_remove(&users, image).await;
        let started = Instant::now();
        for (user, instances) in &users {
            self.scale(user, *instances).await?;
        }
        removed?;
        let Recovery { probe, times } = self
            .wait_for_replacement(app, &BTreeSet::new(), started)
            .await?;
        Ok(Trial {
            app: app.last().to_owned(),
            method: KillMethod::Absent,
            probe,
            times,
            availability: Availability::default(),
        })
    }

    async fn stop_and_remove(&self, users: &[(PathId, u32)], image: &str) -> anyhow::Result<()> {
        for (user, _) in users {
            self.scale(user, 0).await?;
        }
        for (user, _) in users {
            self.wait_until_stopped(user).await?;
        }
        self.remove_with_retry(image).await
    }

    async fn remove_with_retry(&self, image: &str) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut interval = poll_interval();
        loop {
            interval.tick().await;
            match remove_image(self.forget_image, image).await {
                Err(_) if started.elapsed() < CONTAINER_CLEANUP => {}
                result => return result,
            }
        }
    }

    async fn scale(&self, app: &PathId, instances: u32) -> anyhow::Result<()> {
        let apps = std::slice::from_ref(app);
        self.marathon.scale(apps, instances, true).await?;
        Ok(())
    }

    async fn wait_until_stopped(&self, app: &PathId) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut interval = poll_interval();
        while !self.marathon.tasks(app).await?.is_empty() {
            interval.tick().await;
            if started.elapsed() > self.timeout {
                bail!("{app} still has tasks after {:?}", self.timeout);
            }
        }
        Ok(())
    }
}

fn image(app: &App) -> Option<&str> {
    let docker = app.container.as_ref()?.docker.as_ref()?;
    Some(&docker.image)
}

/// The apps with this image and their instances; `first` comes first, so that it is launched first.
fn image_users(apps: &[App], first: &PathId, image: &str) -> Vec<(PathId, u32)> {
    let users = apps.iter().filter(|app| self::image(app) == Some(image));
    let mut users: Vec<_> = users.map(|app| (app.id.clone(), app.instances)).collect();
    users.sort_by_key(|(id, _)| id != first);
    users
}

async fn remove_image(command: &str, image: &str) -> anyhow::Result<()> {
    let mut words = command.split_whitespace();
    let program = words.next().context("--forget-image names no program")?;
    let output = Command::new(program)
        .args(words)
        .arg(image)
        .output()
        .await
        .with_context(|| format!("cannot run {program}"))?;
    ensure!(
        output.status.success(),
        "{command} {image} failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use moodvane_marathon_api::parse_app;

    use super::*;

    #[test]
    fn lists_all_apps_of_image_with_measured_app_first() {
        let app = |id: &str, image: &str, instances: u32| {
            let text = format!(
                r#"{{"id": "{id}", "instances": {instances}, "container": {{"type": "DOCKER", "docker": {{"image": "{image}"}}}}}}"#
            );
            parse_app(text.as_bytes()).unwrap()
        };
        let apps = [
            app("/g/a", "r/processor:1", 3),
            app("/g/b", "r/server:1", 2),
            app("/g/c", "r/processor:1", 1),
        ];
        let id = |text: &str| text.parse::<PathId>().unwrap();
        let users = image_users(&apps, &id("/g/c"), "r/processor:1");
        assert_eq!(users, [(id("/g/c"), 1), (id("/g/a"), 3)]);
    }

    #[tokio::test]
    async fn reports_reason_of_failed_image_removal() {
        assert!(remove_image("test -n", "a/b:1").await.is_ok());
        for (command, expected) in [
            ("", "--forget-image names no program"),
            ("/no/such program", "cannot run /no/such"),
            ("cat --", "cat -- a/b:1 failed: cat: "),
        ] {
            let error = remove_image(command, "a/b:1").await.unwrap_err();
            assert!(error.to_string().contains(expected), "{command}: {error}");
        }
    }
}
