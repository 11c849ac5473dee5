//! The services as HAProxy's configuration.
//!
//! A request that broke off is tried at another task, a POST too: the requests that go through here may
//! be repeated (POST /weather only reads). For that a body is read whole first, as far as it fits
//! HAProxy's buffer; `retry-on` of a label comes later in the file and wins.
//!
//! The socket in the folder is for operators, and lets HAProxy start while there is no service.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use super::slots::Slots;
use crate::core::Service;

/// Where services are reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) address: IpAddr,
    /// The common port, for services that are told apart by name.
    pub(super) hosts_port: u16,
}

const COMMON: &str = "    maxconn 4000
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

/// No line of a label begins a section of its own.
const SECTIONS: [&str; 16] = [
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

/// The whole file. A port is the first service's that wants it. The worker that takes it tells `generation`, as
/// the description that operators ask for by `show info`.
pub(super) fn configuration(
    generation: u64,
    services: &[Service],
    slots: &Slots,
    place: &Place,
) -> String {
    let mut text = format!(
        "# Written by fleet local from the running tasks; changes are lost.\nglobal\n    description {generation}\n{COMMON}"
    );
    let mut ports = BTreeSet::new();
    let mut hosts = String::new();
    for service in services {
        let name = &service.name;
        if !service.hosts.is_empty() && service.is_http {
            let list = service
                .hosts
                .iter()
                .filter(|host| is_host(host))
                .cloned()
                .collect::<Vec<_>>()
                .join(" ");
            let _ = writeln!(
                hosts,
                "    use_backend {name} if {{ hdr(host),field(1,:) -i {list} }}"
            );
        }
        if service.port == 0 || !ports.insert(service.port) {
            tracing::warn!(service = %name, port = service.port, "the port is another service's already");
        } else {
            let mode = if service.is_http { "http" } else { "tcp" };
            let _ = write!(
                text,
                "\nfrontend {name}\n    mode {mode}\n    bind {}\n    default_backend {name}\n",
                socket(place.address, service.port)
            );
        }
        backend(&mut text, service, slots);
    }
    if !hosts.is_empty() && !ports.contains(&place.hosts_port) {
        let _ = write!(
            text,
            "\nfrontend by_host\n    mode http\n    bind {}\n{hosts}",
            socket(place.address, place.hosts_port)
        );
    }
    text
}

fn backend(text: &mut String, service: &Service, slots: &Slots) {
    let _ = writeln!(text, "\nbackend {}", service.name);
    text.push_str(if service.is_http {
        HTTP_BACKEND
    } else {
        "    mode tcp\n"
    });
    let _ = writeln!(text, "    balance {}", word(&service.balance));
    for line in &service.lines {
        if SECTIONS.contains(&line.split_whitespace().next().unwrap_or_default()) {
            tracing::warn!(service = %service.name, %line, "a label's line begins a section; left out");
            continue;
        }
        let _ = writeln!(text, "    {line}");
    }
    for (name, server) in slots.places(&service.name) {
        let _ = match server {
            Some((_, host, port)) => writeln!(text, "    server {name} {host}:{port}"),
            None => writeln!(text, "    server {name} 127.0.0.1:1 disabled"),
        };
    }
}

fn socket(address: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(address, port).to_string()
}

fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
}

fn word(text: &str) -> &str {
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
            servers: vec![("a._app.1".to_owned(), "127.0.0.1".to_owned(), 31_001)],
        }
    }

    fn written(services: &[Service]) -> String {
        configuration(7, services, &Slots::of(services), &place())
    }

    fn place() -> Place {
        Place {
            address: IpAddr::from([127, 0, 0, 1]),
            hosts_port: 9080,
        }
    }

    #[test]
    fn a_service_is_a_frontend_and_a_backend_with_its_tasks() {
        let text = written(&[service("server_0", 10_080)]);
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
            text.split_once(COMMON).is_some_and(|(first, rest)| {
                first.ends_with("description 7\n") && rest.starts_with(expected)
            }),
            "{text}"
        );
    }

    #[test]
    fn a_port_is_the_first_ones() {
        let text = written(&[service("a_0", 10_080), service("b_0", 10_080)]);
        assert_eq!(text.matches("bind 127.0.0.1:10080").count(), 1);
        assert!(text.contains("backend b_0"));
    }

    #[test]
    fn a_label_begins_no_section() {
        let mut one = service("a_0", 10_080);
        one.lines = vec![
            "global".to_owned(),
            "frontend mine".to_owned(),
            "retries 9".to_owned(),
        ];
        let text = written(&[one]);
        assert_eq!(text.matches("global").count(), 1);
        assert!(!text.contains("frontend mine") && text.contains("    retries 9\n"));
    }

    #[test]
    fn names_share_a_port() {
        let mut one = service("a_0", 10_080);
        one.hosts = vec!["weather.example".to_owned(), "bad name".to_owned()];
        let text = written(&[one]);
        assert!(text.contains("bind 127.0.0.1:9080\n    use_backend a_0 if { hdr(host),field(1,:) -i weather.example }\n"), "{text}");
    }
}
