//! TLS and login against a real Cassandra: accepted and rejected connections.
//!
//! The node requires a login, so the test starts its own.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use moodvane_model::RunId;
use moodvane_store::{
    CassandraConfig, CassandraStore, Credentials, Secret, Store, StoreError, TlsRoots,
};
use tempfile::TempDir;

const PORT: u16 = 25_142;

struct OwnCluster(TempDir);

impl OwnCluster {
    fn up() -> Self {
        let own = Self(TempDir::new().unwrap());
        assert!(own.run("up", &["--kafka", "0", "--cassandra", "1"]), "up");
        own
    }

    fn run(&self, script: &str, args: &[&str]) -> bool {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deployment/servers");
        let done = Command::new(folder.join(script))
            .args(args)
            .env("MOODVANE_SERVERS_DIR", self.0.path())
            .env("MOODVANE_SERVERS_CASSANDRA_PORT", PORT.to_string())
            .env(
                "MOODVANE_SERVERS_CASSANDRA_PEER_PORT",
                (PORT + 5).to_string(),
            )
            .env("MOODVANE_SERVERS_CASSANDRA_LOGIN", "1")
            .status();
        done.is_ok_and(|status| status.success())
    }

    fn roots(&self) -> Option<TlsRoots> {
        Some(TlsRoots::read(&self.0.path().join("tls/ca.pem")).unwrap())
    }
}

impl Drop for OwnCluster {
    fn drop(&mut self) {
        if !self.run("down", &[]) {
            eprintln!("the node in {} may still be up", self.0.path().display());
        }
    }
}

fn config(tls: Option<TlsRoots>, password: Option<&str>) -> CassandraConfig {
    let node = format!("127.0.0.1:{PORT}").parse().unwrap();
    let mut config = CassandraConfig::new(vec![node], "secure".parse().unwrap());
    config.tls = tls;
    config.credentials = password.map(|password| Credentials {
        user: "cassandra".to_owned(),
        password: Secret::new(password.to_owned()),
    });
    config.connect_timeout = Duration::from_secs(10);
    config
}

/// A CA that did not sign the node's certificate.
fn foreign_ca() -> TlsRoots {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nodes/stranger.pem");
    TlsRoots::read(&file).unwrap()
}

#[tokio::test]
async fn accepts_login_over_tls_and_rejects_others_permanently() {
    let own = OwnCluster::up();
    for tls in [own.roots(), None] {
        let store = CassandraStore::connect(&config(tls, Some("cassandra"))).await;
        let run = RunId::new("r".to_owned());
        store.unwrap().register_run(&run).await.unwrap();
    }
    let wrong = [
        (config(own.roots(), Some("guessed")), "bad credentials"),
        (config(own.roots(), None), "Authentication is required"),
        (
            config(Some(foreign_ca()), Some("cassandra")),
            "UnknownIssuer",
        ),
    ];
    for (config, words) in wrong {
        let error = CassandraStore::connect(&config).await.err().unwrap();
        assert!(matches!(error, StoreError::Rejected(_)), "{error:?}");
        let text = format!("{error:#}");
        assert!(text.contains(words), "{text}");
        assert!(!text.contains("guessed"), "{text}");
    }
}
