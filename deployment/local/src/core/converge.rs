//! Brings the instances of each app to what the app has come to.
//!
//! Old versions go and new ones come within the upgrade strategy: never fewer that run than
//! `minimumHealthCapacity` says, never more instances than `maximumOverCapacity` says.

use std::sync::Arc;

use moodvane_marathon_api::{App, KillSelection, Timestamp};

use super::Core;
use super::instance::{Goal, Instance, State, is_resident};

/// How many may be missing, and how many may be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Room {
    least_good: usize,
    most: usize,
}

impl Room {
    // Both shares are at most 1, so nothing is cut; a cast of a float saturates.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn of(app: &App) -> Self {
        let instances = f64::from(app.instances);
        let strategy = app.upgrade_strategy;
        let mut least_good = (instances * strategy.minimum_health_capacity).ceil() as usize;
        let mut most = (instances * (1.0 + strategy.maximum_over_capacity)).floor() as usize;
        if is_resident(app) {
            // What is kept is kept once: the old task goes before the new one comes.
            most = app.instances as usize;
            least_good = least_good.min(most.saturating_sub(1));
        } else if least_good >= most {
            // Neither may one be missing nor one be extra: Marathon takes one extra.
            most = least_good + 1;
        }
        Self { least_good, most }
    }
}

impl Core {
    pub(super) fn converge(&mut self, now: Timestamp) {
        for app in self.actual.values().cloned().collect::<Vec<_>>() {
            self.adopt(&app);
            self.replace_old(&app, now);
            self.end_extra(&app, now);
            self.add_missing(&app, now);
        }
    }

    /// What differs in scale and version alone is the new version already.
    fn adopt(&mut self, app: &Arc<App>) {
        for instance in self.instances.values_mut() {
            if instance.app.id == app.id
                && instance.is_scheduled()
                && !instance.is_current(app)
                && instance.is_resident()
            {
                instance.app = Arc::clone(app);
            }
        }
    }

    fn replace_old(&mut self, app: &Arc<App>, now: Timestamp) {
        let room = Room::of(app);
        loop {
            let all: Vec<&Instance> = self
                .of_app(&app.id)
                .filter(|one| !one.is_leaving() && !one.is_killing())
                .collect();
            let old: Vec<&Instance> = all
                .iter()
                .copied()
                .filter(|one| !one.is_current(app))
                .collect();
            // The old ones count while they run, healthy or not, as in Marathon.
            let up = all.iter().filter(|one| {
                if one.is_current(app) {
                    one.is_good()
                } else {
                    one.state == State::Running
                }
            });
            let up = up.count();
            let idle = old
                .iter()
                .find(|one| one.state != State::Running)
                .map(|one| one.id.clone());
            let can_spare = up > room.least_good || app.instances == 0;
            let Some(next) = idle.or_else(|| first_to_go(&old, app).filter(|_| can_spare)) else {
                return;
            };
            let goal = if is_resident(app) {
                Goal::Become(Arc::clone(app))
            } else {
                Goal::Remove
            };
            self.end_instance(&next, goal, now);
        }
    }

    fn end_extra(&mut self, app: &Arc<App>, now: Timestamp) {
        loop {
            let stays: Vec<&Instance> = self
                .of_app(&app.id)
                .filter(|one| !one.is_leaving() && (one.is_current(app) || is_resident(app)))
                .collect();
            if stays.len() <= app.instances as usize {
                return;
            }
            let idle = stays
                .iter()
                .find(|one| one.state != State::Running)
                .map(|one| one.id.clone());
            let Some(next) = idle.or_else(|| first_to_go(&stays, app)) else {
                return;
            };
            self.end_instance(&next, Goal::Remove, now);
        }
    }

    fn add_missing(&mut self, app: &Arc<App>, now: Timestamp) {
        let room = Room::of(app);
        loop {
            let all: Vec<&Instance> = self.of_app(&app.id).collect();
            let resident = is_resident(app);
            let comes = all
                .iter()
                .filter(|one| !one.is_leaving() && (one.is_current(app) || resident))
                .count();
            if comes >= app.instances as usize || all.len() >= room.most {
                return;
            }
            let is_free = |slot: &u32| {
                all.iter().all(|one| one.slot != *slot)
                    && !self.spent.contains(&(app.id.clone(), *slot))
            };
            let slot = (0..).find(is_free).unwrap_or_default();
            let id = format!("{}.instance-{}", app.id.safe_path(), (self.config.new_id)());
            let instance = Instance::new(id.clone(), Arc::clone(app), slot, now);
            self.instances.insert(id.clone(), instance);
            self.tell_instance(&id, moodvane_marathon_api::Condition::Scheduled, now);
        }
    }
}

fn first_to_go(among: &[&Instance], app: &App) -> Option<String> {
    // The names break ties, so that the choice is the same each time.
    let key = |one: &&&Instance| (one.started_at, one.id.clone());
    let chosen = match app.kill_selection {
        KillSelection::YoungestFirst => among.iter().max_by_key(key),
        KillSelection::OldestFirst => among.iter().min_by_key(key),
    };
    chosen.map(|one| one.id.clone())
}
