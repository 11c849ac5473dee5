//! Renders services as HAProxy's configuration.
//!
//! HAProxy retries an interrupted request on another task, also a POST, because requests through it are
//! idempotent (POST /weather only reads). Therefore it buffers request bodies, up to its buffer size. A
//! `retry-on` of a label comes later in the file and takes precedence.
//!
//! The socket in the folder is for operators. It also lets HAProxy start without any service.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use super::slots::Slots;
use crate::core::{Server, Service};

/// Addresses of the services.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bind {
    pub(super) address: IpAddr,
    /// The shared port of services with virtual hosts.
    pub(super) hosts_port: u16,
}

const GLOBAL_SECTION: &str = "    maxconn 4000
    hard-stop-after 60s
    stats socket unix@haproxy.sock mode 600 level admin expose-fd listeners

defaults
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout http-request 10s
    timeout http-keep-alive 30s
    timeout queue 10s
    retries 3
    option redispatch 1
    option idle-close-on-response
    default-server check inter 1s fall 2 rise 1
";

const HTTP_BACKEND: &str = concat!(
    "    mode http\n",
    "    option http-buffer-request\n",
    "    retry-on conn-failure empty-response junk-response response-timeout 502 503 504\n",
);

/// Keywords that start a section; lines of labels must not.
const SECTION_KEYWORDS: [&str; 16] = [
    "global",
    "defaults",
    "frontend",
    "backend",
    "listen",
    "peers",
    "program",
    "userlist",
    "resolvers",
    "mailers",
    "cache",
    "ring",
    "http-errors",
    "fcgi-app",
    "log-forward",
    "crt-store",
];

/// Renders the whole file. Of services with the same port, the first gets it. The worker reports
/// `generation` as its description in `show info`.
pub(super) fn configuration(
    generation: u64,
    services: &[Service],
    slots: &Slots,
    bind: &Bind,
) -> String {
    let mut text = format!(
        "# Written by fleet local from the running tasks; changes are lost.\nglobal\n    description {generation}\n{GLOBAL_SECTION}"
    );
    let mut ports = BTreeSet::new();
    let mut hosts = String::new();
    for service in services {
        let name = &service.name;
        if !service.hosts.is_empty() && service.is_http {
            let list = service
                .hosts
                .iter()
                .filter(|host| is_host_name(host))
                .cloned()
                .collect::<Vec<_>>()
                .join(" ");
            let _ = writeln!(
                hosts,
                "    use_backend {name} if {{ hdr(host),field(1,:) -i {list} }}"
            );
        }
        if service.port == 0 || !ports.insert(service.port) {
            tracing::warn!(service = %name, port = service.port, "port is invalid or used by another service");
        } else {
            let mode = if service.is_http { "http" } else { "tcp" };
            let _ = write!(
                text,
                "\nfrontend {name}\n    mode {mode}\n    bind {}\n    default_backend {name}\n",
                socket_address(bind.address, service.port)
            );
        }
        write_backend(&mut text, service, slots);
    }
    if !hosts.is_empty() && !ports.contains(&bind.hosts_port) {
        let _ = write!(
            text,
            "\nfrontend by_host\n    mode http\n    bind {}\n{hosts}",
            socket_address(bind.address, bind.hosts_port)
        );
    }
    text
}

fn write_backend(text: &mut String, service: &Service, slots: &Slots) {
    let _ = writeln!(text, "\nbackend {}", service.name);
    text.push_str(if service.is_http {
        HTTP_BACKEND
    } else {
        "    mode tcp\n"
    });
    let _ = writeln!(text, "    balance {}", first_word(&service.balance));
    for line in &service.lines {
        if SECTION_KEYWORDS.contains(&line.split_whitespace().next().unwrap_or_default()) {
            tracing::warn!(service = %service.name, %line, "dropping line of label: it starts a section");
            continue;
        }
        let _ = writeln!(text, "    {line}");
    }
    for (name, server) in slots.servers(&service.name) {
        let _ = match server {
            Some(Server { host, port, .. }) => writeln!(text, "    server {name} {host}:{port}"),
            None => writeln!(text, "    server {name} 127.0.0.1:1 disabled"),
        };
    }
}

fn socket_address(address: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(address, port).to_string()
}

fn is_host_name(host: &str) -> bool {
    !host.is_empty()
        && host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or("roundrobin")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, port: u16) -> Service {
        Service {
            name: name.to_owned(),
            port,
            hosts: Vec::new(),
            is_http: true,
            balance: "leastconn".to_owned(),
            lines: vec!["option httpchk GET /ready".to_owned()],
            servers: vec![Server {
                task: "a._app.1".to_owned(),
                host: "127.0.0.1".to_owned(),
                port: 31_001,
            }],
        }
    }

    fn render(services: &[Service]) -> String {
        configuration(7, services, &Slots::new(services), &bind())
    }

    fn bind() -> Bind {
        Bind {
            address: IpAddr::from([127, 0, 0, 1]),
            hosts_port: 9080,
        }
    }

    #[test]
    fn renders_frontend_and_backend_of_service() {
        let text = render(&[service("server_0", 10_080)]);
        let expected = "
frontend server_0
    mode http
    bind 127.0.0.1:10080
    default_backend server_0

backend server_0
    mode http
    option http-buffer-request
    retry-on conn-failure empty-response junk-response response-timeout 502 503 504
    balance leastconn
    option httpchk GET /ready
    server task1 127.0.0.1:31001
    server task2 127.0.0.1:1 disabled
";
        assert!(
            text.split_once(GLOBAL_SECTION)
                .is_some_and(|(first, rest)| {
                    first.ends_with("description 7\n") && rest.starts_with(expected)
                }),
            "{text}"
        );
    }

    #[test]
    fn gives_contended_port_to_first_service() {
        let text = render(&[service("a_0", 10_080), service("b_0", 10_080)]);
        assert_eq!(text.matches("bind 127.0.0.1:10080").count(), 1);
        assert!(text.contains("backend b_0"));
    }

    #[test]
    fn drops_label_lines_starting_section() {
        let mut labelled = service("a_0", 10_080);
        labelled.lines = vec![
            "global".to_owned(),
            "frontend mine".to_owned(),
            "retries 9".to_owned(),
        ];
        let text = render(&[labelled]);
        assert_eq!(text.matches("global").count(), 1);
        assert!(!text.contains("frontend mine") && text.contains("    retries 9\n"));
    }

    #[test]
    fn routes_virtual_hosts_on_common_port() {
        let mut labelled = service("a_0", 10_080);
        labelled.hosts = vec!["weather.example".to_owned(), "bad name".to_owned()];
        let text = render(&[labelled]);
        assert!(text.contains("bind 127.0.0.1:9080\n    use_backend a_0 if { hdr(host),field(1,:) -i weather.example }\n"), "{text}");
    }
}
