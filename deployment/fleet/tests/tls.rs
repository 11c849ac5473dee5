//! Marathon behind TLS with authentication: a real HAProxy terminates TLS in front of the fake, with a
//! certificate of a private authority.

#![allow(clippy::unwrap_used)]

mod fake;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use moodvane_fleet::client::{ClientError, ClientOptions, Credentials, MarathonClient};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

use crate::fake::Fake;

const TOKEN: &str = "hunter2";

/// An HAProxy that terminates TLS; stopped on drop.
struct Gateway {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .current_dir(folder)
        .args(arguments.split(' '))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments}: {stderr}");
}

/// Creates an authority in ca.pem, another in other.pem, and a certificate with its key in server.pem.
fn certificates(folder: &Path) {
    let new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
    for name in ["ca", "other"] {
        let names = format!("-keyout {name}.key -out {name}.pem -subj /CN={name}");
        openssl(folder, &format!("{new} {names}"));
    }
    let names = "-keyout server.pem.key -out server.pem -subj /CN=marathon";
    let signed = "-CA ca.pem -CAkey ca.key -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE";
    openssl(folder, &format!("{new} {names} {signed}"));
}

impl Gateway {
    async fn start(behind: &str) -> Self {
        let folder = TempDir::new().unwrap();
        certificates(folder.path());
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let behind = behind.trim_start_matches("http://");
        let configuration = format!(
            "defaults\n mode http\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n\
             listen marathon\n bind 127.0.0.1:{port} ssl crt {}\n server fake {behind}\n",
            folder.path().join("server.pem").display()
        );
        let file = folder.path().join("haproxy.cfg");
        std::fs::write(&file, configuration).unwrap();
        let child = Command::new("haproxy")
            .args(["-db", "-f"])
            .arg(&file)
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("haproxy: {error}; deployment/servers/run --need haproxy installs it")
            });
        let mut gateway = Self {
            child,
            folder,
            port,
        };
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        while TcpStream::connect(address).await.is_err() {
            assert_eq!(gateway.child.try_wait().unwrap(), None, "haproxy exited");
            tokio::task::yield_now().await;
        }
        gateway
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn client(
        &self,
        host: &str,
        login: Credentials,
        ca: Option<&str>,
    ) -> Result<MarathonClient, ClientError> {
        let address = format!("https://{host}:{}", self.port);
        let ca = ca.map(|name| self.file(name));
        let options = ClientOptions::new(&[address], login, ca)?;
        MarathonClient::new(options.with_max_outage(Duration::from_secs(3)))
    }
}

fn token(text: &str) -> Credentials {
    Credentials::Token(text.to_owned())
}

#[tokio::test]
async fn sends_token_only_to_servers_with_trusted_certificate() {
    let fake = Fake::start().await;
    fake.world().authorization = Some(format!("token={TOKEN}"));
    let gateway = Gateway::start(&fake.address).await;
    let group = "/moodvane".parse().unwrap();

    let trusted = gateway
        .client("localhost", token(TOKEN), Some("ca.pem"))
        .unwrap();
    assert_eq!(trusted.apps(&group).await.unwrap(), []);

    for (host, ca, case) in [
        ("localhost", Some("other.pem"), "another authority"),
        ("localhost", None, "the system's authorities"),
        (
            "127.0.0.1",
            Some("ca.pem"),
            "a name that is not in the certificate",
        ),
    ] {
        let marathon = gateway.client(host, token(TOKEN), ca).unwrap();
        let error = marathon.apps(&group).await.unwrap_err();
        let text = format!("{error}");
        assert!(matches!(error, ClientError::Untrusted(_)), "{case}: {text}");
        assert!(text.contains("certificate"), "{case}: {text}");
        assert!(!text.contains(TOKEN), "{case}: {text}");
    }

    let wrong = gateway
        .client("localhost", token("hunter3"), Some("ca.pem"))
        .unwrap();
    let error = wrong.apps(&group).await.unwrap_err();
    assert!(
        matches!(error, ClientError::Unauthorized { status: 401, .. }),
        "{error}"
    );
}
