//! The enumerations of the API: each is a word in JSON.
//!
//! Marathon reads them in any case and writes them in one.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$what])* $variant),+ }

        impl $name {
            /// The word as Marathon writes it.
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

words! {
    /// Which of an app's tasks is killed first when it shrinks.
    KillSelection {
        /// The one started last.
        YoungestFirst = "YOUNGEST_FIRST",
        /// The one started first.
        OldestFirst = "OLDEST_FIRST",
    }
}
words! {
    /// What runs a container.
    EngineType {
        /// Mesos' own containerizer.
        Mesos = "MESOS",
        /// A Docker engine.
        Docker = "DOCKER",
    }
}
words! {
    /// The network that a task is in.
    NetworkMode {
        /// A named network with an address per task.
        Container = "container",
        /// A bridge on the host, with mapped ports.
        Bridge = "container/bridge",
        /// The host's own.
        Host = "host",
    }
}
words! {
    /// What is spoken on a port.
    PortProtocol {
        /// TCP alone.
        Tcp = "tcp",
        /// UDP alone.
        Udp = "udp",
        /// Both.
        Both = "udp,tcp",
    }
}
words! {
    /// How a task's health is asked for.
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
words! {
    /// The address family of a check.
    IpProtocol {
        /// IPv4.
        Ipv4 = "IPv4",
        /// IPv6.
        Ipv6 = "IPv6",
    }
}
words! {
    /// The scheme of a readiness check.
    Scheme {
        /// Plain.
        Http = "HTTP",
        /// Over TLS; the certificate is not checked.
        Https = "HTTPS",
    }
}
words! {
    /// Whether a volume may be written.
    ReadMode {
        /// Read only.
        ReadOnly = "RO",
        /// Read and write.
        ReadWrite = "RW",
    }
}
words! {
    /// How tasks are spread over hosts.
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
        /// At most so many per value.
        MaxPer = "MAX_PER",
        /// Only this value.
        Is = "IS",
    }
}
words! {
    /// The state of a task, in Mesos' words.
    TaskState {
        /// Refused before it ran.
        Error = "TASK_ERROR",
        /// Ended with an error.
        Failed = "TASK_FAILED",
        /// Ended by itself without an error.
        Finished = "TASK_FINISHED",
        /// Ended because it was asked to.
        Killed = "TASK_KILLED",
        /// Asked to end.
        Killing = "TASK_KILLING",
        /// Runs.
        Running = "TASK_RUNNING",
        /// Being prepared.
        Staging = "TASK_STAGING",
        /// Being started.
        Starting = "TASK_STARTING",
        /// Its agent is away.
        Unreachable = "TASK_UNREACHABLE",
        /// Nobody knows.
        Unknown = "TASK_UNKNOWN",
        /// Its agent is gone.
        Gone = "TASK_GONE",
        /// Never reached its agent.
        Dropped = "TASK_DROPPED",
    }
}
words! {
    /// The state of an instance, in Marathon's words.
    Condition {
        /// Waits for its launch.
        Scheduled = "Scheduled",
        /// Has been given a place.
        Provisioned = "Provisioned",
        /// Refused before it ran.
        Error = "Error",
        /// Ended with an error.
        Failed = "Failed",
        /// Ended by itself without an error.
        Finished = "Finished",
        /// Ended because it was asked to.
        Killed = "Killed",
        /// Asked to end.
        Killing = "Killing",
        /// Runs.
        Running = "Running",
        /// Being prepared.
        Staging = "Staging",
        /// Being started.
        Starting = "Starting",
        /// Its agent is away.
        Unreachable = "Unreachable",
        /// Its agent is away for long.
        UnreachableInactive = "UnreachableInactive",
        /// Its agent is gone.
        Gone = "Gone",
        /// Never reached its agent.
        Dropped = "Dropped",
        /// Nobody knows.
        Unknown = "Unknown",
    }
}
words! {
    /// What a deployment does to one app.
    ActionName {
        /// A new app is made known; no task yet.
        Start = "StartApplication",
        /// All its tasks are ended and it is forgotten.
        Stop = "StopApplication",
        /// Its number of instances is reached.
        Scale = "ScaleApplication",
        /// Its tasks are replaced.
        Restart = "RestartApplication",
    }
}
