//! Probes: whether a task answers a client.
//!
//! The services are probed over HTTP, Kafka and Cassandra by the first request of their protocols. An
//! open port alone is not a success.

use std::time::Duration;

use moodvane_marathon_api::{App, EnvValue, Task};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Limit for one probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// `ApiVersions`, version 0, correlation id 7, without a client id.
const KAFKA_REQUEST: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff];
/// `OPTIONS` of version 4 of the native protocol.
const CASSANDRA_REQUEST: [u8; 9] = [4, 0, 0, 7, 5, 0, 0, 0, 0];
/// The opcode of the response to `OPTIONS`.
const SUPPORTED: u8 = 6;

/// The request that shows whether a task answers, with the task's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Probe {
    /// `POST /weather`, for a server.
    Weather(String),
    /// `GET /ready`, for services without clients.
    Ready(String),
    /// `ApiVersions`, for a broker.
    Kafka(String),
    /// `OPTIONS`, for a Cassandra node.
    Cassandra(String),
}

impl Probe {
    /// Chooses the probe by the app's environment; `None` if the task has no port.
    pub(crate) fn new(app: &App, task: &Task) -> Option<Self> {
        let variable = |name: &str| match app.env.get(name) {
            Some(EnvValue::Plain(value)) => Some(value.as_str()),
            _ => None,
        };
        if let Some(listener) = variable("KAFKA_ADVERTISED_LISTENERS") {
            let address = listener.split(',').next()?.rsplit("://").next()?;
            return Some(Self::Kafka(address.to_owned()));
        }
        if let Some(host) = variable("CASSANDRA_BROADCAST_RPC_ADDRESS") {
            let port = variable("JVM_EXTRA_OPTS")
                .and_then(|options| options.split("cassandra.native_transport_port=").nth(1))
                .and_then(|rest| rest.split_whitespace().next())
                .unwrap_or("9042");
            return Some(Self::Cassandra(format!("{host}:{port}")));
        }
        let port = task.ports.first()?;
        let address = format!("{}:{port}", task.host);
        match app.env.contains_key("MOODVANE_SERVER__PORT") {
            true => Some(Self::Weather(address)),
            false => Some(Self::Ready(address)),
        }
    }

    /// The request's name in the report.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Weather(_) => "POST /weather",
            Self::Ready(_) => "GET /ready",
            Self::Kafka(_) => "ApiVersions",
            Self::Cassandra(_) => "OPTIONS",
        }
    }

    /// Whether the task answers successfully within the limit.
    pub(crate) async fn succeeds(&self, http: &reqwest::Client) -> bool {
        let answer = async {
            match self {
                Self::Weather(address) => {
                    is_weather_served(http, &format!("http://{address}")).await
                }
                Self::Ready(address) => {
                    let response = http.get(format!("http://{address}/ready")).send().await;
                    response.is_ok_and(|response| response.status().is_success())
                }
                Self::Kafka(address) => probe_kafka(address).await.unwrap_or(false),
                Self::Cassandra(address) => probe_cassandra(address).await.unwrap_or(false),
            }
        };
        timeout(PROBE_TIMEOUT, answer).await.unwrap_or(false)
    }
}

/// Whether a server, or the load balancer in front of it, answers a request for one hour.
pub(crate) async fn is_weather_served(http: &reqwest::Client, base: &str) -> bool {
    const HOUR: &str = r#"{"begin":"2018-01-01 02","end":"2018-01-01 03"}"#;
    let request = http
        .post(format!("{}/weather", base.trim_end_matches('/')))
        .body(HOUR);
    let response = request
        .header("content-type", "application/json")
        .send()
        .await;
    response.is_ok_and(|response| response.status().is_success())
}

async fn probe_kafka(address: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&KAFKA_REQUEST).await?;
    // Length, correlation id, error code.
    let mut answer = [0; 10];
    stream.read_exact(&mut answer).await?;
    Ok(answer[4..] == [0, 0, 0, 7, 0, 0])
}

async fn probe_cassandra(address: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&CASSANDRA_REQUEST).await?;
    let mut answer = [0; 9];
    stream.read_exact(&mut answer).await?;
    Ok(answer[4] == SUPPORTED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodvane_marathon_api::{TaskState, parse_app};
    use tokio::net::TcpListener;

    /// Starts a server that answers every request with these bytes; returns its address.
    async fn start_server(answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 9];
                let _ = stream.read_exact(&mut request).await;
                let _ = stream.write_all(answer).await;
            }
        });
        address
    }

    #[tokio::test]
    async fn fails_without_valid_response() {
        let http = reqwest::Client::builder()
            .tls_certs_only([])
            .build()
            .unwrap();
        let kafka: [(&'static [u8], bool); 3] = [
            (&[0, 0, 0, 6, 0, 0, 0, 7, 0, 0], true),
            (&[0, 0, 0, 6, 0, 0, 0, 7, 0, 35], false),
            (&[], false),
        ];
        for (answer, expected) in kafka {
            let probe = Probe::Kafka(start_server(answer).await);
            assert_eq!(probe.succeeds(&http).await, expected, "{answer:?}");
        }
        let cassandra: [(&'static [u8], bool); 3] = [
            (&[0x84, 0, 0, 7, 6, 0, 0, 0, 0], true),
            (&[0x84, 0, 0, 7, 0, 0, 0, 0, 0], false),
            (&[], false),
        ];
        for (answer, expected) in cassandra {
            let probe = Probe::Cassandra(start_server(answer).await);
            assert_eq!(probe.succeeds(&http).await, expected, "{answer:?}");
        }
        let closed = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        for probe in [
            Probe::Ready(closed.to_string()),
            Probe::Weather(closed.to_string()),
        ] {
            assert!(!probe.succeeds(&http).await, "{probe:?}");
        }
    }

    #[test]
    fn chooses_probe_by_app() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../marathon/local");
        for (name, probe) in [
            ("kafka-2", Probe::Kafka("127.0.0.2:19092".to_owned())),
            (
                "cassandra-3",
                Probe::Cassandra("127.0.0.3:19042".to_owned()),
            ),
            (
                "processor-tweets",
                Probe::Ready("127.0.0.1:31007".to_owned()),
            ),
            ("server", Probe::Weather("127.0.0.1:31007".to_owned())),
        ] {
            let app = parse_app(&std::fs::read(format!("{folder}/{name}.json")).unwrap()).unwrap();
            let task = Task {
                app_id: app.id.clone(),
                health_check_results: Vec::new(),
                host: "127.0.0.1".to_owned(),
                id: "t".to_owned(),
                ip_addresses: Vec::new(),
                ports: vec![31_007],
                service_ports: Vec::new(),
                slave_id: None,
                state: TaskState::Running,
                staged_at: None,
                started_at: None,
                version: None,
                local_volumes: Vec::new(),
                role: String::new(),
            };
            assert_eq!(Probe::new(&app, &task), Some(probe), "{name}");
        }
    }
}
