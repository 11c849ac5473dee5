//! The part of Marathon 1.11's API that `fleet` and `fleet local` use, as types.
//!
//! Terms: an *app* is a definition, an *instance* one slot of its scale, a *task* one attempt to run that
//! instance. A *group* contains apps and groups. A *version* is the time of a change.
//!
//! Guarantees: parsing follows Marathon 1.11 (its defaults, `null` as absent, enum values in any case);
//! serialization writes the keys that Marathon writes. An invalid request body is a [`BodyError`] with the
//! status and body of Marathon's response.
//!
//! Must not know: transports, container engines, the clock.
//!
//! ```
//! use moodvane_marathon_api::parse_app;
//!
//! let app = parse_app(br#"{"id": "/weather/server", "cmd": "exec server"}"#)?;
//! assert_eq!(app.instances, 1);
//! assert_eq!(app.id.parent().to_string(), "/weather");
//! # Ok::<(), moodvane_marathon_api::BodyError>(())
//! ```

mod app;
mod app_info;
mod app_parts;
mod app_update;
mod check;
mod compare;
mod container;
mod dependencies;
mod deployment;
mod enums;
mod error;
mod event;
mod group;
mod info;
mod normalize;
mod parse;
mod path_id;
mod queue;
mod task;
mod timestamp;
mod validate;

pub use app::App;
pub use app_info::{AppInfo, AppList, AppResponse, VersionList};
pub use app_parts::{
    Artifact, Constraint, EnvValue, SecretDefinition, UnreachableEnabled, UnreachableStrategy,
    UpgradeStrategy, VersionInfo,
};
pub use app_update::AppUpdate;
pub use check::{Command, HealthCheck, ReadinessCheck, ReadinessCheckResult, ReadinessResponse};
pub use compare::is_same_set;
pub use container::{
    Container, Docker, Network, Parameter, PersistentVolume, PortDefinition, PortMapping, Volume,
};
pub use dependencies::{CycleError, dependency_layers};
pub use deployment::{Action, ActionInfo, Deployment, DeploymentRef, DeploymentResult, Plan, Step};
pub use enums::{
    ActionName, Condition, EngineType, HealthProtocol, IpProtocol, KillSelection, NetworkMode,
    Operator, PortProtocol, ReadMode, Scheme, TaskState,
};
pub use error::{BodyError, ErrorBody, ErrorDetails, Violation};
pub use event::Event;
pub use group::{DryRunPlan, Group, GroupUpdate};
pub use info::{Leader, MarathonInfo};
pub use parse::{
    parse_app, parse_app_update, parse_app_updates, parse_group, parse_task_ids, to_json,
};
pub use path_id::{ParsePathIdError, PathId};
pub use queue::{OffersSummary, Queue, QueueDelay, QueueItem, RejectReason};
pub use task::{HealthCheckResult, IpAddress, Task, TaskFailure, TaskIds, TaskList, TaskResponse};
pub use timestamp::{ParseTimestampError, Timestamp};
pub use validate::{validate_app, validate_group};
