//! The part of Marathon 1.11's API that `fleet` and `fleet local` speak, as types.
//!
//! Words: an *app* is a definition, an *instance* one place in its scale, a *task* one attempt to run
//! that instance. A *group* holds apps and groups. A *version* is the time of a change.
//!
//! Guarantee: what is read here is what Marathon 1.11 reads (its defaults, `null` as absent, names of
//! enumerations in any case), and what is written has the keys that Marathon writes. What cannot be
//! read, or is not allowed, is a [`Refused`] with the status and body that Marathon answers.
//!
//! This crate must not know any transport, container engine or clock.
//!
//! ```
//! use moodvane_marathon_api::read_app;
//!
//! let app = read_app(br#"{"id": "/weather/server", "cmd": "exec server"}"#)?;
//! assert_eq!(app.instances, 1);
//! assert_eq!(app.id.parent().to_string(), "/weather");
//! # Ok::<(), moodvane_marathon_api::Refused>(())
//! ```

mod app;
mod app_info;
mod app_parts;
mod app_update;
mod check;
mod container;
mod deployment;
mod event;
mod group;
mod info;
mod normal;
mod order;
mod path_id;
mod queue;
mod read;
mod refused;
mod task;
mod timestamp;
mod validate;
mod words;

pub use app::App;
pub use app_info::{AppAnswer, AppInfo, AppList, VersionList};
pub use app_parts::{
    Artifact, Constraint, EnvValue, SecretDefinition, UnreachableStrategy, UnreachableTimes,
    UpgradeStrategy, VersionInfo,
};
pub use app_update::AppUpdate;
pub use check::{Command, HealthCheck, ReadinessCheck, ReadinessResponse, ReadinessResult};
pub use container::{
    Container, Docker, Network, Parameter, PersistentVolume, PortDefinition, PortMapping, Volume,
};
pub use deployment::{Action, ActionInfo, Deployment, DeploymentResult, Identified, Plan, Step};
pub use event::Event;
pub use group::{Group, GroupUpdate, Steps};
pub use info::{Info, Leader};
pub use order::{Cycle, layers};
pub use path_id::{BadPathId, PathId};
pub use queue::{Delay, OffersSummary, Queue, QueueItem, RejectReason};
pub use read::{read_app, read_app_update, read_app_updates, read_group, read_task_ids, value_of};
pub use refused::{Details, ErrorBody, Refused, Violation};
pub use task::{Health, IpAddress, Task, TaskAnswer, TaskFailure, TaskIds, TaskList};
pub use timestamp::{BadTimestamp, Timestamp};
pub use validate::{validate_app, validate_group};
pub use words::{
    ActionName, Condition, EngineType, HealthProtocol, IpProtocol, KillSelection, NetworkMode,
    Operator, PortProtocol, ReadMode, Scheme, TaskState,
};
