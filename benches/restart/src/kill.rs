//! Kills a task through Marathon's API or by SIGKILL.
//!
//! SIGKILL goes to the task's process and not to its container, because a container engine treats the
//! kill of a container as intended and the end of a process as a crash. Marathon puts the task's id into
//! the environment of its process, which identifies the process.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use moodvane_fleet::client::MarathonClient;
use moodvane_marathon_api::Task;

use crate::options::KillMethod;

const TASK_ID_PREFIX: &str = "MESOS_TASK_ID=";

pub(crate) async fn kill(
    marathon: &MarathonClient,
    task: &Task,
    method: KillMethod,
) -> anyhow::Result<()> {
    match method {
        KillMethod::Sigkill => sigkill(&task.id).await,
        // `Absent` stops all tasks of the app by scaling, so a single kill uses the API.
        KillMethod::Api | KillMethod::Absent => {
            Ok(marathon.kill_task(&task.app_id, &task.id).await?)
        }
    }
}

/// Whether the task's process runs on this machine.
pub(crate) fn is_local(task: &Task) -> bool {
    !processes(Path::new("/proc"), &task.id).is_empty()
}

async fn sigkill(task: &str) -> anyhow::Result<()> {
    let pids = processes(Path::new("/proc"), task);
    ensure!(
        !pids.is_empty(),
        "no visible process of {task} on this machine"
    );
    let status = tokio::process::Command::new("kill")
        .arg("-KILL")
        .args(pids.iter().map(ToString::to_string))
        .status()
        .await
        .context("cannot run kill")?;
    // `kill` also fails if a process ended with its parent before its turn, which is no failure here.
    let alive: Vec<u32> = processes(Path::new("/proc"), task)
        .intersection(&pids)
        .copied()
        .collect();
    ensure!(
        status.success() || alive.is_empty(),
        "kill -KILL failed, still running: {alive:?}"
    );
    Ok(())
}

/// The processes with the task's id in their environment.
fn processes(proc: &Path, task: &str) -> BTreeSet<u32> {
    let variable = format!("{TASK_ID_PREFIX}{task}");
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let belongs_to_task = |pid: &u32| {
        // The read fails for a process that has ended or belongs to another user.
        let environ = fs::read(proc.join(pid.to_string()).join("environ")).unwrap_or_default();
        environ
            .split(|byte| *byte == 0)
            .any(|entry| entry == variable.as_bytes())
    };
    pids.filter(belongs_to_task).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn kills_process_with_task_id_in_environment() {
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
        assert!(sigkill(&name).await.is_err(), "the process has ended");
    }
}
