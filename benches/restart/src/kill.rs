//! Killing a task.
//!
//! SIGKILL goes to the task's own process and not to its container: an engine takes the kill of a
//! container for somebody's wish, and the end of a process for a crash. The process is known by the
//! task's name in its environment, which Marathon puts there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use moodvane_fleet::client::MarathonClient;
use moodvane_marathon_api::Task;

use crate::options::How;

const VARIABLE: &str = "MESOS_TASK_ID=";

/// Kills the task in this way.
pub(crate) async fn kill(marathon: &MarathonClient, task: &Task, how: How) -> anyhow::Result<()> {
    match how {
        How::Sigkill => sigkill(&task.id).await,
        // Absent is not a kill of one; its tasks go by the API.
        How::Api | How::Absent => Ok(marathon.kill_task(&task.app_id, &task.id).await?),
    }
}

/// Whether the task's process is on this machine, where it can be killed.
pub(crate) fn is_here(task: &Task) -> bool {
    !processes(Path::new("/proc"), &task.id).is_empty()
}

async fn sigkill(task: &str) -> anyhow::Result<()> {
    let pids = processes(Path::new("/proc"), task);
    ensure!(
        !pids.is_empty(),
        "no process of {task} is on this machine, or it may not be seen"
    );
    let status = tokio::process::Command::new("kill")
        .arg("-KILL")
        .args(pids.iter().map(ToString::to_string))
        .status()
        .await
        .context("cannot run kill")?;
    // One that ended by its parent's end is no failure; that none was killed is.
    let left: Vec<u32> = processes(Path::new("/proc"), task)
        .intersection(&pids)
        .copied()
        .collect();
    ensure!(
        status.success() || left.is_empty(),
        "kill -KILL {left:?} failed"
    );
    Ok(())
}

/// Every process that has the task's name in its environment.
fn processes(proc: &Path, task: &str) -> BTreeSet<u32> {
    let wanted = format!("{VARIABLE}{task}");
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_of = |pid: &u32| {
        // Of a process that has ended, or is somebody else's, nothing can be read.
        let environ = fs::read(proc.join(pid.to_string()).join("environ")).unwrap_or_default();
        environ
            .split(|byte| *byte == 0)
            .any(|variable| variable == wanted.as_bytes())
    };
    pids.filter(is_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_tasks_process_is_found_by_its_name_and_killed() {
        let name = format!("bench_test.instance-{}._app.1", std::process::id());
        let mut child = std::process::Command::new("sleep")
            .arg("600")
            .env("MESOS_TASK_ID", &name)
            .spawn()
            .unwrap();
        assert_eq!(
            processes(Path::new("/proc"), &name),
            BTreeSet::from([child.id()])
        );
        assert!(processes(Path::new("/proc"), &name[..name.len() - 1]).is_empty());
        sigkill(&name).await.unwrap();
        let status = child.wait().unwrap();
        assert!(!status.success());
        assert!(
            sigkill(&name).await.is_err(),
            "nothing is left to be killed"
        );
    }
}
