//! Whether a task answers, as a client sees it.
//!
//! Services of ours are asked over HTTP; Kafka and Cassandra in their own protocols, with the first
//! question of every client, so that an open port alone is no answer.

use std::time::Duration;

use moodvane_marathon_api::{App, EnvValue, Task};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A question that is not answered by then is asked again.
const PATIENCE: Duration = Duration::from_secs(2);

/// `ApiVersions`, version 0, of a client without a name.
const KAFKA_QUESTION: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff];
/// `OPTIONS` of version 4 of the native protocol.
const CASSANDRA_QUESTION: [u8; 9] = [4, 0, 0, 7, 5, 0, 0, 0, 0];
const SUPPORTED: u8 = 6;

/// How a task is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Probe {
    /// The weather, from the server itself.
    Weather(String),
    /// Readiness, of services that answer no clients.
    Ready(String),
    /// The versions of a broker's requests.
    Kafka(String),
    /// A node's options.
    Cassandra(String),
}

impl Probe {
    /// How this task of this app is asked; none where nobody knows.
    pub(crate) fn of(app: &App, task: &Task) -> Option<Self> {
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

    /// What is asked, for the report.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Weather(_) => "POST /weather",
            Self::Ready(_) => "GET /ready",
            Self::Kafka(_) => "ApiVersions",
            Self::Cassandra(_) => "OPTIONS",
        }
    }

    /// Whether the answer is a good one.
    pub(crate) async fn is_good(&self, http: &reqwest::Client) -> bool {
        let asked = async {
            match self {
                Self::Weather(address) => weather(http, &format!("http://{address}")).await,
                Self::Ready(address) => {
                    let response = http.get(format!("http://{address}/ready")).send().await;
                    response.is_ok_and(|response| response.status().is_success())
                }
                Self::Kafka(address) => kafka(address).await.unwrap_or(false),
                Self::Cassandra(address) => cassandra(address).await.unwrap_or(false),
            }
        };
        timeout(PATIENCE, asked).await.unwrap_or(false)
    }
}

/// Whether a server, or the load balancer before it, answers a request for an hour.
pub(crate) async fn weather(http: &reqwest::Client, base: &str) -> bool {
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

async fn kafka(address: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&KAFKA_QUESTION).await?;
    // Length, the number of the question, an error code.
    let mut answer = [0; 10];
    stream.read_exact(&mut answer).await?;
    Ok(answer[4..] == [0, 0, 0, 7, 0, 0])
}

async fn cassandra(address: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&CASSANDRA_QUESTION).await?;
    let mut answer = [0; 9];
    stream.read_exact(&mut answer).await?;
    Ok(answer[4] == SUPPORTED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodvane_marathon_api::{TaskState, parse_app};
    use tokio::net::TcpListener;

    /// Where a server answers every question with these bytes.
    async fn answering(answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut question = [0; 9];
                let _ = stream.read_exact(&mut question).await;
                let _ = stream.write_all(answer).await;
            }
        });
        address
    }

    #[tokio::test]
    async fn an_open_port_alone_is_no_good_answer() {
        let http = reqwest::Client::builder()
            .tls_certs_only([])
            .build()
            .unwrap();
        let kafka: [(&'static [u8], bool); 3] = [
            (&[0, 0, 0, 6, 0, 0, 0, 7, 0, 0], true),
            (&[0, 0, 0, 6, 0, 0, 0, 7, 0, 35], false),
            (&[], false),
        ];
        for (answer, good) in kafka {
            let probe = Probe::Kafka(answering(answer).await);
            assert_eq!(probe.is_good(&http).await, good, "{answer:?}");
        }
        let cassandra: [(&'static [u8], bool); 3] = [
            (&[0x84, 0, 0, 7, 6, 0, 0, 0, 0], true),
            (&[0x84, 0, 0, 7, 0, 0, 0, 0, 0], false),
            (&[], false),
        ];
        for (answer, good) in cassandra {
            let probe = Probe::Cassandra(answering(answer).await);
            assert_eq!(probe.is_good(&http).await, good, "{answer:?}");
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
            assert!(!probe.is_good(&http).await, "{probe:?}");
        }
    }

    #[test]
    fn each_part_of_the_fleet_is_asked_in_its_own_way() {
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
            assert_eq!(Probe::of(&app, &task), Some(probe), "{name}");
        }
    }
}
