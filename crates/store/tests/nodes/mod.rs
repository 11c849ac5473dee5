//! The Cassandra of the tests: its nodes, a keyspace for each test, and a proxy.

mod proxy;

use std::net::SocketAddr;
use std::num::NonZeroU8;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use moodvane_store::{CassandraConfig, CassandraStore};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;

use crate::conformance::StoreFixture;
pub(crate) use proxy::Proxy;

const NODES: &str = "MOODVANE_TEST_CASSANDRA";

/// The addresses of the nodes.
fn nodes() -> Vec<SocketAddr> {
    let Ok(listed) = std::env::var(NODES) else {
        panic!(
            "{NODES} is not set; start the servers: bash deployment/servers/run -- cargo test …"
        );
    };
    listed
        .split(',')
        .map(|node| node.trim().parse().expect("host:port"))
        .collect()
}

/// A unique keyspace, dropped with this value: the memory of a node holds few keyspaces.
pub(crate) struct TestKeyspace {
    keyspace: String,
}

pub(crate) async fn test_keyspace() -> TestKeyspace {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let (run, next) = (now.as_millis(), NEXT.fetch_add(1, Ordering::Relaxed));
    TestKeyspace::named(&format!("test_{}_{run:x}_{next}", std::process::id()))
}

impl TestKeyspace {
    pub(crate) fn named(keyspace: &str) -> Self {
        Self {
            keyspace: keyspace.to_owned(),
        }
    }

    pub(crate) fn config(&self) -> CassandraConfig {
        let nodes = nodes();
        let points = nodes.iter().map(|node| node.to_string().parse().unwrap());
        let mut config = CassandraConfig::new(points.collect(), self.keyspace.parse().unwrap());
        let replicas = if nodes.len() < 3 { 1 } else { 3 };
        config.replication_factor = NonZeroU8::new(replicas).unwrap();
        config.request_timeout = Duration::from_secs(20);
        config.connect_timeout = Duration::from_secs(30);
        config
    }

    /// The same through the proxy. The driver looks for the other nodes at the port of the contact
    /// point, where none listens: it uses the first node alone.
    pub(crate) fn config_through(&self, proxy: &Proxy) -> CassandraConfig {
        let mut config = self.config();
        config.contact_points = vec![proxy.address().to_string().parse().unwrap()];
        config
    }

    /// A plain session on the existing keyspace.
    pub(crate) async fn session(&self) -> Session {
        self.session_at(&nodes()).await
    }

    /// The same with these contact points.
    pub(crate) async fn session_at(&self, addresses: &[SocketAddr]) -> Session {
        let builder = SessionBuilder::new().known_nodes_addr(addresses);
        let builder = builder.use_keyspace(&self.keyspace, false);
        builder.build().await.unwrap()
    }
}

impl Drop for TestKeyspace {
    fn drop(&mut self) {
        let drop = format!("DROP KEYSPACE IF EXISTS {}", self.keyspace);
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let builder = SessionBuilder::new().known_nodes_addr(nodes());
                builder
                    .build()
                    .await
                    .unwrap()
                    .query_unpaged(drop, ())
                    .await
                    .unwrap();
            });
        });
        if dropped.join().is_err() {
            eprintln!("cannot drop keyspace {}", self.keyspace);
        }
    }
}

impl StoreFixture for TestKeyspace {
    type Store = CassandraStore;

    async fn open(&self) -> CassandraStore {
        CassandraStore::connect(&self.config()).await.unwrap()
    }
}
