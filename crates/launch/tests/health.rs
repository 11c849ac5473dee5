//! What `health` says of a process that listens on loopback, as services do.

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

/// The probes of a process with one check, which `settle` sets.
async fn probes(settle: impl FnOnce(&Check, &CancellationToken)) -> SocketAddr {
    let (listener, address) = listener().await;
    let (readiness, stop) = (Readiness::new(), CancellationToken::new());
    settle(&readiness.check("log"), &stop);
    let state = ProbeState {
        readiness,
        registry: Registry::new(),
        stop,
    };
    tokio::spawn(serve_probes(listener, state, CancellationToken::new()));
    address
}

/// A listener that answers each connection with `bytes`, whatever it is asked, and then says no more.
async fn says(bytes: Vec<u8>) -> SocketAddr {
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut client, _)) = listener.accept().await {
            // A client that has heard enough goes away.
            let _ = client.write_all(&bytes).await;
            open.push(client);
        }
    });
    address
}

#[tokio::test]
async fn it_is_good_where_the_probe_says_200() {
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
async fn what_is_no_answer_is_an_error_that_says_who_was_asked() {
    let (gone, nobody) = listener().await;
    drop(gone);
    let no_http = says(b"SSH-2.0-x\r\n\r\n".to_vec()).await;
    let mut long = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n".to_vec();
    long.resize(long.len() + 1_000_000, b'x');
    let too_long = says(long).await;
    let cases = [
        (nobody, "Connection refused"),
        (no_http, "invalid HTTP version"),
        (too_long, "it says more than 65536 bytes"),
    ];
    for (address, expected) in cases {
        let error = format!("{:#}", READY.probe(address).await.unwrap_err());
        assert!(error.contains(expected), "{address}: {error}");
        let asked = format!("http://{address}/ready");
        assert!(error.contains(&asked), "{address}: {error}");
    }
}

#[tokio::test]
async fn a_port_that_nobody_knows_cannot_be_asked() {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let error = READY.probe(any).await.unwrap_err().to_string();
    assert!(error.contains("configure another"), "{error}");
}

/// The clock is tokio's own: its two seconds pass at once.
#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_given_up() {
    let silent = says(Vec::new()).await;
    let error = format!("{:#}", READY.probe(silent).await.unwrap_err());
    assert!(error.contains("within 2 s"), "{error}");
}
