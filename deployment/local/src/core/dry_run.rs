//! The plan of a dry run.
//!
//! Marathon plans a dry run without the versions and service ports that it assigns to a real
//! change. So every app of the group appears to be changed, and the plan restarts it, even if the
//! same change without `dryRun` would do nothing.

use moodvane_marathon_api::{App, GroupUpdate, PathId, Step, Timestamp};

use super::change::{complete, set_version};
use super::desired::DesiredState;
use super::{Core, RequestError, plan};

impl Core {
    /// The steps of a dry run of [`Core::put_group`].
    pub(crate) fn plan_group(
        &self,
        id: &PathId,
        update: &GroupUpdate,
        now: Timestamp,
    ) -> Result<Vec<Step>, RequestError> {
        let version = self.next_version(now);
        let mut desired = self.desired_with_group(id, update, version)?;
        if update.scale_by.is_none() && update.version.is_none() {
            self.mark_changed(&mut desired, id, update, version);
        }
        Ok(plan::deployment_steps(&self.desired, &desired)?)
    }

    /// Marks every app of the group as changed that exists and does not change in its scale alone.
    fn mark_changed(
        &self,
        desired: &mut DesiredState,
        id: &PathId,
        update: &GroupUpdate,
        version: Timestamp,
    ) {
        let requested = update.apps.iter().flatten().map(|app| {
            let id = app.id.resolve(id);
            complete(App { id, ..app.clone() })
        });
        let requested: Vec<App> = requested.collect();
        let is_scaled = |before: &App| {
            let named = requested.iter().find(|app| app.id == before.id);
            named.is_some_and(|app| {
                before.has_same_run_spec(app) && before.instances != app.instances
            })
        };
        let members = self.desired.apps.values();
        let changed = members.filter(|app| app.id.parent() == *id && !is_scaled(app));
        for before in changed {
            if let Some(app) = desired.apps.get_mut(&before.id) {
                set_version(app, version, version);
            }
        }
        for inner in update.groups.iter().flatten() {
            if let Some(name) = &inner.id {
                self.mark_changed(desired, &name.resolve(id), inner, version);
            }
        }
    }
}
