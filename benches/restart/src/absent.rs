//! A launch without the image: the app is scaled to nothing, its image is taken away, and it is scaled back.

use std::collections::BTreeSet;

use anyhow::{Context, bail, ensure};
use moodvane_fleet::client::AppState;
use moodvane_marathon_api::PathId;
use tokio::process::Command;
use tokio::time::Instant;

use crate::options::How;
use crate::others::Seen;
use crate::trial::{Bench, Trial, pace};

impl Bench<'_> {
    /// Takes all tasks of the app and their image away, and waits for the first that is back. The others are
    /// not watched: what depends on the app misses it.
    pub(crate) async fn without_image(&self, app: &PathId) -> anyhow::Result<Trial> {
        self.until_all_healthy().await?;
        let info = self.marathon.app(app).await?.context("the app is gone")?;
        let image = image(&info).with_context(|| format!("{app} has no image"))?;
        self.scale(app, 0).await?;
        let gone = match self.until_none(app).await {
            Ok(()) => forget(self.forget_image, image).await,
            Err(error) => Err(error),
        };
        let begun = Instant::now();
        self.scale(app, info.app.instances).await?;
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

fn image(info: &AppState) -> Option<&str> {
    let docker = info.app.container.as_ref()?.docker.as_ref()?;
    Some(&docker.image)
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
    use super::*;

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
