//! `/v2/info`: without the settings of Mesos and ZooKeeper, which `fleet local` does not have.

use std::net::SocketAddr;

use moodvane_marathon_api::MarathonInfo;
use serde_json::json;

use crate::core::DEFAULT_ROLE;

/// The version of Marathon with this API.
const MARATHON_VERSION: &str = "1.11.0";

pub(super) fn info(address: SocketAddr) -> MarathonInfo {
    MarathonInfo {
        name: "fleet-local".to_owned(),
        version: MARATHON_VERSION.to_owned(),
        buildref: env!("CARGO_PKG_VERSION").to_owned(),
        elected: true,
        leader: Some(address.to_string()),
        framework_id: Some("fleet-local".to_owned()),
        marathon_config: json!({
            "features": [],
            "framework_name": "fleet-local",
            "ha": false,
            "hostname": address.ip().to_string(),
            "local_port_min": 10_000,
            "local_port_max": 20_000,
            "mesos_role": DEFAULT_ROLE,
        }),
        zookeeper_config: json!({}),
        http_config: json!({ "http_port": address.port() }),
    }
}
