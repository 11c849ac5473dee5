//! `health` against a process that listens on loopback, as services do.

#![allow(clippy::unwrap_used)]

use std::net::{Ipv4Addr, SocketAddr};

use moodvane_launch::{HealthArgs, ProbeResult, ProbeState, serve_probes};
use moodvane_runtime::{Check, Readiness};
use prometheus::Registry;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const READY: HealthArgs = HealthArgs { alive: false };
const ALIVE: HealthArgs = HealthArgs { alive: true };

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Serves the probes of a process with one check, which `set_check` sets.
async fn probes(set_check: impl FnOnce(&Check, &CancellationToken)) -> SocketAddr {
    let (listener, address) = listener().await;
    let (readiness, stop) = (Readiness::new(), CancellationToken::new());
    set_check(&readiness.check("log"), &stop);
    let state = ProbeState {
        readiness,
        registry: Registry::new(),
        stop,
    };
    tokio::spawn(serve_probes(listener, state, CancellationToken::new()));
    address
}

/// A listener that sends `bytes` on each connection, and then nothing more.
async fn respond_with(bytes: Vec<u8>) -> SocketAddr {
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut client, _)) = listener.accept().await {
            // Fails if the client closes the connection early.
            let _ = client.write_all(&bytes).await;
            open.push(client);
        }
    });
    address
}

#[tokio::test]
async fn is_ok_on_status_200_only() {
    let waiting = r#"{"ready":false,"checks":[{"name":"accepting","ok":true},{"name":"log","ok":false,"reason":"no broker"}]}"#;
    let ready =
        r#"{"ready":true,"checks":[{"name":"accepting","ok":true},{"name":"log","ok":true}]}"#;
    let draining = r#"{"ready":false,"checks":[{"name":"accepting","ok":false,"reason":"draining"},{"name":"log","ok":true}]}"#;
    let alive = r#"{"status":"alive"}"#;
    let waits = probes(|log, _| log.fail("no broker")).await;
    let is_ready = probes(|log, _| log.ok()).await;
    let drains = probes(|log, stop| {
        log.ok();
        stop.cancel();
    })
    .await;
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, is_ready.port()));
    let cases = [
        (READY, is_ready, true, ready),
        (READY, everywhere, true, ready),
        (READY, waits, false, waiting),
        (READY, drains, false, draining),
        (ALIVE, waits, true, alive),
        (ALIVE, drains, true, alive),
    ];
    for (args, address, is_ok, body) in cases {
        let result = args.probe(address).await.unwrap();
        let body = body.to_owned();
        assert_eq!(result, ProbeResult { is_ok, body }, "{args:?}");
    }
}

#[tokio::test]
async fn reports_address_of_failed_probe() {
    let (closed, refusing) = listener().await;
    drop(closed);
    let no_http = respond_with(b"SSH-2.0-x\r\n\r\n".to_vec()).await;
    let mut long = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n".to_vec();
    long.resize(long.len() + 1_000_000, b'x');
    let too_long = respond_with(long).await;
    let cases = [
        (refusing, "Connection refused"),
        (no_http, "invalid HTTP version"),
        (too_long, "the response is longer than 65536 bytes"),
    ];
    for (address, expected) in cases {
        let error = format!("{:#}", READY.probe(address).await.unwrap_err());
        assert!(error.contains(expected), "{address}: {error}");
        let url = format!("http://{address}/ready");
        assert!(error.contains(&url), "{address}: {error}");
    }
}

#[tokio::test]
async fn rejects_port_0() {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let error = READY.probe(any).await.unwrap_err().to_string();
    assert!(error.contains("configure a fixed port"), "{error}");
}

/// The paused clock of tokio advances at once.
#[tokio::test(start_paused = true)]
async fn times_out_without_response() {
    let silent = respond_with(Vec::new()).await;
    let error = format!("{:#}", READY.probe(silent).await.unwrap_err());
    assert!(error.contains("within 2 s"), "{error}");
}
