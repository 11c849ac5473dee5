//! Converges the instances of each app to its target definition.
//!
//! Replaces old versions within the upgrade strategy: at least `minimumHealthCapacity` of the instances stay
//! available, and at most `maximumOverCapacity` more exist.

use std::sync::Arc;

use moodvane_marathon_api::{App, KillSelection, Timestamp};

use super::Core;
use super::instance::{Goal, Instance, State, is_resident};

/// Limits of the upgrade strategy, in instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct UpgradeLimits {
    min_available: usize,
    max_total: usize,
}

impl UpgradeLimits {
    // Both shares are at most 1; a cast of a float saturates.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn new(app: &App) -> Self {
        let instances = f64::from(app.instances);
        let strategy = app.upgrade_strategy;
        let mut min_available = (instances * strategy.minimum_health_capacity).ceil() as usize;
        let mut max_total = (instances * (1.0 + strategy.maximum_over_capacity)).floor() as usize;
        if is_resident(app) {
            // A persistent volume has one user: the old task ends before the new one starts.
            max_total = app.instances as usize;
            min_available = min_available.min(max_total.saturating_sub(1));
        } else if min_available >= max_total {
            // A strategy without any slack would block; Marathon starts one more instance.
            max_total = min_available + 1;
        }
        Self {
            min_available,
            max_total,
        }
    }
}

impl Core {
    pub(super) fn converge(&mut self, now: Timestamp) {
        for app in self.targets.values().cloned().collect::<Vec<_>>() {
            self.adopt_version(&app);
            self.replace_old(&app, now);
            self.stop_surplus(&app, now);
            self.add_missing(&app, now);
        }
    }

    /// A waiting resident instance adopts the new definition.
    fn adopt_version(&mut self, app: &Arc<App>) {
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
        let limits = UpgradeLimits::new(app);
        loop {
            let all: Vec<&Instance> = self
                .instances_of(&app.id)
                .filter(|instance| !instance.is_being_removed() && !instance.is_killing())
                .collect();
            let old: Vec<&Instance> = all
                .iter()
                .copied()
                .filter(|instance| !instance.is_current(app))
                .collect();
            // As in Marathon, running tasks of old versions count, healthy or not.
            let available = all.iter().filter(|instance| {
                if instance.is_current(app) {
                    instance.is_available()
                } else {
                    instance.state == State::Running
                }
            });
            let available = available.count();
            let idle = old
                .iter()
                .find(|instance| instance.state != State::Running)
                .map(|instance| instance.id.clone());
            let can_spare = available > limits.min_available || app.instances == 0;
            let Some(next) = idle.or_else(|| kill_candidate(&old, app).filter(|_| can_spare))
            else {
                return;
            };
            let goal = if is_resident(app) {
                Goal::Upgrade(Arc::clone(app))
            } else {
                Goal::Remove
            };
            self.stop_instance(&next, goal, now);
        }
    }

    fn stop_surplus(&mut self, app: &Arc<App>, now: Timestamp) {
        loop {
            let staying: Vec<&Instance> = self
                .instances_of(&app.id)
                .filter(|instance| {
                    !instance.is_being_removed() && (instance.is_current(app) || is_resident(app))
                })
                .collect();
            if staying.len() <= app.instances as usize {
                return;
            }
            let idle = staying
                .iter()
                .find(|instance| instance.state != State::Running)
                .map(|instance| instance.id.clone());
            let Some(next) = idle.or_else(|| kill_candidate(&staying, app)) else {
                return;
            };
            self.stop_instance(&next, Goal::Remove, now);
        }
    }

    fn add_missing(&mut self, app: &Arc<App>, now: Timestamp) {
        let limits = UpgradeLimits::new(app);
        loop {
            let all: Vec<&Instance> = self.instances_of(&app.id).collect();
            let resident = is_resident(app);
            let staying = all
                .iter()
                .filter(|instance| {
                    !instance.is_being_removed() && (instance.is_current(app) || resident)
                })
                .count();
            if staying >= app.instances as usize || all.len() >= limits.max_total {
                return;
            }
            let is_free = |slot: &u32| {
                all.iter().all(|instance| instance.slot != *slot)
                    && !self.wiped_slots.contains(&(app.id.clone(), *slot))
            };
            let slot = (0..).find(is_free).unwrap_or_default();
            let id = format!("{}.instance-{}", app.id.safe_path(), (self.config.new_id)());
            let instance = Instance::new(id.clone(), Arc::clone(app), slot, now);
            self.instances.insert(id.clone(), instance);
            self.emit_instance_changed(&id, moodvane_marathon_api::Condition::Scheduled, now);
        }
    }
}

fn kill_candidate(among: &[&Instance], app: &App) -> Option<String> {
    // The id breaks ties, for a deterministic choice.
    let key = |instance: &&&Instance| (instance.started_at, instance.id.clone());
    let chosen = match app.kill_selection {
        KillSelection::YoungestFirst => among.iter().max_by_key(key),
        KillSelection::OldestFirst => among.iter().min_by_key(key),
    };
    chosen.map(|instance| instance.id.clone())
}
