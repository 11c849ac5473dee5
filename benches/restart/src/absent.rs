//! A launch without the image: every app that has it is scaled to nothing, it is taken away, and they are scaled
//! back.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use moodvane_marathon_api::{App, PathId};
use tokio::process::Command;
use tokio::time::Instant;

use crate::options::How;
use crate::others::Seen;
use crate::trial::{Bench, Trial, pace};

/// An agent removes a container a moment after its task has ended.
const LEFTOVERS: Duration = Duration::from_secs(10);

impl Bench<'_> {
    /// Takes all tasks of the app and their image away, and waits for the first that is back. The others are
    /// not watched: what depends on the app misses it.
    pub(crate) async fn without_image(&self, app: &PathId) -> anyhow::Result<Trial> {
        self.until_all_healthy().await?;
        let apps = self.marathon.apps(self.group).await?;
        let apps: Vec<_> = apps.into_iter().map(|info| info.app).collect();
        let it = apps.iter().find(|one| one.id == *app);
        let image = it.and_then(image).context("it has no image")?;
        let sharers = sharers(&apps, app, image);
        let gone = self.take_away(&sharers, image).await;
        let begun = Instant::now();
        for (sharer, instances) in &sharers {
            self.scale(sharer, *instances).await?;
        }
        gone?;
        let (asked, [launched, healthy, answered]) =
            self.until_back(app, &BTreeSet::new(), begun).await?;
        Ok(Trial {
            app: app.last().to_owned(),
            how: How::Absent,
            asked,
            launched,
            healthy,
            answered,
            others: Seen::default(),
        })
    }

    async fn take_away(&self, sharers: &[(PathId, u32)], image: &str) -> anyhow::Result<()> {
        for (sharer, _) in sharers {
            self.scale(sharer, 0).await?;
        }
        for (sharer, _) in sharers {
            self.until_none(sharer).await?;
        }
        self.forget(image).await
    }

    async fn forget(&self, image: &str) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut pace = pace();
        loop {
            pace.tick().await;
            match forget(self.forget_image, image).await {
                Err(_) if begun.elapsed() < LEFTOVERS => {}
                forgotten => return forgotten,
            }
        }
    }

    async fn scale(&self, app: &PathId, instances: u32) -> anyhow::Result<()> {
        let apps = std::slice::from_ref(app);
        self.marathon.scale(apps, instances, true).await?;
        Ok(())
    }

    async fn until_none(&self, app: &PathId) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut pace = pace();
        while !self.marathon.tasks(app).await?.is_empty() {
            pace.tick().await;
            if begun.elapsed() > self.timeout {
                bail!("{app} still runs after {:?}", self.timeout);
            }
        }
        Ok(())
    }
}

fn image(app: &App) -> Option<&str> {
    let docker = app.container.as_ref()?.docker.as_ref()?;
    Some(&docker.image)
}

/// The apps of an image and their instances; `first` is the first of them, so that it is launched first.
fn sharers(apps: &[App], first: &PathId, image: &str) -> Vec<(PathId, u32)> {
    let own = apps.iter().filter(|app| self::image(app) == Some(image));
    let mut sharers: Vec<_> = own.map(|app| (app.id.clone(), app.instances)).collect();
    sharers.sort_by_key(|(id, _)| id != first);
    sharers
}

async fn forget(command: &str, image: &str) -> anyhow::Result<()> {
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
    fn every_app_of_the_image_goes_and_the_measured_one_comes_first() {
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
        let found = sharers(&apps, &id("/g/c"), "r/processor:1");
        assert_eq!(found, [(id("/g/c"), 1), (id("/g/a"), 3)]);
    }

    #[tokio::test]
    async fn an_image_that_cannot_be_taken_away_is_told_with_the_reason() {
        assert!(forget("test -n", "a/b:1").await.is_ok());
        for (command, told) in [
            ("", "--forget-image names no program"),
            ("/no/such program", "cannot run /no/such"),
            ("cat --", "cat -- a/b:1 failed: cat: "),
        ] {
            let error = forget(command, "a/b:1").await.unwrap_err();
            assert!(error.to_string().contains(told), "{command}: {error}");
        }
    }
}
