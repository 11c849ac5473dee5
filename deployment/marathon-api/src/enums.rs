//! The enumerations of the API, which are strings in JSON.
//!
//! Marathon accepts them in any case and writes them in one.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! string_enum {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$what])* $variant),+ }

        impl $name {
            /// The value as Marathon writes it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = String::deserialize(deserializer)?;
                $(if word.eq_ignore_ascii_case($word) { return Ok(Self::$variant); })+
                Err(de::Error::unknown_variant(&word, &[$($word),+]))
            }
        }
    };
}

string_enum! {
    /// Which task is killed first on scale-down.
    KillSelection {
        /// The youngest task.
        YoungestFirst = "YOUNGEST_FIRST",
        /// The oldest task.
        OldestFirst = "OLDEST_FIRST",
    }
}
string_enum! {
    /// The containerizer.
    EngineType {
        /// The Mesos containerizer.
        Mesos = "MESOS",
        /// The Docker engine.
        Docker = "DOCKER",
    }
}
string_enum! {
    /// The network mode of a task.
    NetworkMode {
        /// A named network with one address per task.
        Container = "container",
        /// A bridge on the host, with mapped ports.
        Bridge = "container/bridge",
        /// The host's network.
        Host = "host",
    }
}
string_enum! {
    /// The transport protocol of a port.
    PortProtocol {
        /// TCP.
        Tcp = "tcp",
        /// UDP.
        Udp = "udp",
        /// Both.
        Both = "udp,tcp",
    }
}
string_enum! {
    /// The protocol of a health check.
    HealthProtocol {
        /// By Marathon, over HTTP.
        Http = "HTTP",
        /// By Marathon, over HTTPS.
        Https = "HTTPS",
        /// By Marathon, by a TCP connection.
        Tcp = "TCP",
        /// By a command beside the task.
        Command = "COMMAND",
        /// By the agent, by a TCP connection.
        MesosTcp = "MESOS_TCP",
        /// By the agent, over HTTP.
        MesosHttp = "MESOS_HTTP",
        /// By the agent, over HTTPS.
        MesosHttps = "MESOS_HTTPS",
    }
}
string_enum! {
    /// The address family of a check.
    IpProtocol {
        /// IPv4.
        Ipv4 = "IPv4",
        /// IPv6.
        Ipv6 = "IPv6",
    }
}
string_enum! {
    /// The scheme of a readiness check.
    Scheme {
        /// Plain.
        Http = "HTTP",
        /// Over TLS; the certificate is not checked.
        Https = "HTTPS",
    }
}
string_enum! {
    /// The access mode of a volume.
    ReadMode {
        /// Read only.
        ReadOnly = "RO",
        /// Read and write.
        ReadWrite = "RW",
    }
}
string_enum! {
    /// The operator of a placement constraint.
    Operator {
        /// One task per value.
        Unique = "UNIQUE",
        /// All tasks on one value.
        Cluster = "CLUSTER",
        /// Evenly over the values.
        GroupBy = "GROUP_BY",
        /// Only values that match.
        Like = "LIKE",
        /// Only values that do not match.
        Unlike = "UNLIKE",
        /// At most this many per value.
        MaxPer = "MAX_PER",
        /// Only this value.
        Is = "IS",
    }
}
string_enum! {
    /// The Mesos state of a task.
    TaskState {
        /// Rejected before it ran.
        Error = "TASK_ERROR",
        /// Exited with an error.
        Failed = "TASK_FAILED",
        /// Exited with 0.
        Finished = "TASK_FINISHED",
        /// Killed on request.
        Killed = "TASK_KILLED",
        /// Being killed.
        Killing = "TASK_KILLING",
        /// Running.
        Running = "TASK_RUNNING",
        /// Being prepared.
        Staging = "TASK_STAGING",
        /// Being started.
        Starting = "TASK_STARTING",
        /// The agent is unreachable.
        Unreachable = "TASK_UNREACHABLE",
        /// Unknown to Mesos.
        Unknown = "TASK_UNKNOWN",
        /// The agent is gone.
        Gone = "TASK_GONE",
        /// Never reached the agent.
        Dropped = "TASK_DROPPED",
    }
}
string_enum! {
    /// The Marathon state of an instance.
    Condition {
        /// Waits for its launch.
        Scheduled = "Scheduled",
        /// Placed on an agent.
        Provisioned = "Provisioned",
        /// Rejected before it ran.
        Error = "Error",
        /// Exited with an error.
        Failed = "Failed",
        /// Exited with 0.
        Finished = "Finished",
        /// Killed on request.
        Killed = "Killed",
        /// Being killed.
        Killing = "Killing",
        /// Running.
        Running = "Running",
        /// Being prepared.
        Staging = "Staging",
        /// Being started.
        Starting = "Starting",
        /// The agent is unreachable.
        Unreachable = "Unreachable",
        /// The agent is unreachable and the instance is inactive.
        UnreachableInactive = "UnreachableInactive",
        /// The agent is gone.
        Gone = "Gone",
        /// Never reached the agent.
        Dropped = "Dropped",
        /// Unknown to Mesos.
        Unknown = "Unknown",
    }
}
string_enum! {
    /// The kind of a deployment action.
    ActionName {
        /// Adds a new app without tasks.
        Start = "StartApplication",
        /// Kills all tasks and removes the app.
        Stop = "StopApplication",
        /// Scales the app to its number of instances.
        Scale = "ScaleApplication",
        /// Replaces all tasks.
        Restart = "RestartApplication",
    }
}
