//! The part of Marathon's API that `fleet` calls, on one machine: a stand-in for a cluster.
