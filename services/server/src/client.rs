//! Who asks, and how often that client may.
//!
//! Terms: the *peer* is the address at the other end of the connection; the *client* is the peer,
//! or, where the peer is a proxy that the configuration trusts, the address that the proxy names. Of
//! an IPv6 address the first 64 bits count: one household has all the rest.
//!
//! Guarantee: a client cannot make itself another by a header; what is remembered of clients is
//! bounded. The rate is that of the generic cell rate algorithm: so many requests a second, and so
//! many at once before (ITU-T I.371, as the crate governor has it).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use axum::extract::{self, Request};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use ipnet::IpNet;

use crate::problem::{Kind, Problem};
use crate::state::State;

const FORWARDED: &str = "x-forwarded-for";
/// Beyond so many clients, those that have been quiet are forgotten, and networks stand for clients.
const MOST_CLIENTS: usize = 65_536;
/// How often it is looked how many there are, in requests.
const LOOK_EVERY: u32 = 1024;

/// The address at the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// How often a client may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests a second, in the long run.
    pub per_second: NonZeroU32,
    /// Requests at once, after a pause.
    pub burst: NonZeroU32,
}

/// Counts what clients ask.
pub(crate) struct Clients {
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>,
    proxies: Vec<IpNet>,
    asked: AtomicU32,
    crowded: AtomicBool,
}

impl Clients {
    pub(crate) fn new(rate: RateLimit, proxies: Vec<IpNet>) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        Self {
            limiter: RateLimiter::hashmap(quota),
            proxies,
            asked: AtomicU32::new(0),
            crowded: AtomicBool::new(false),
        }
    }

    /// Whether a request is within the rate; else after how many seconds the next one is.
    fn admit(&self, peer: IpAddr, headers: &HeaderMap) -> Result<(), u64> {
        self.look();
        let client = client(peer, headers, &self.proxies);
        let key = network(client, self.crowded.load(Ordering::Relaxed));
        self.limiter.check_key(&key).map_err(|early| {
            let wait = early.wait_time_from(DefaultClock::default().now());
            wait.as_secs() + 1
        })
    }

    fn look(&self) {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        if !asked.is_multiple_of(LOOK_EVERY) || self.limiter.len() < MOST_CLIENTS {
            return;
        }
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
        let crowded = self.limiter.len() >= MOST_CLIENTS;
        self.crowded.store(crowded, Ordering::Relaxed);
    }
}

/// Lets a request in that is within its client's rate.
pub(crate) async fn limit(
    extract::State(state): extract::State<State>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if let Some(clients) = &state.clients {
        let peer = request.extensions().get::<Peer>();
        // Who comes from nowhere is one client, not none.
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0);
        let admitted = clients.admit(peer, request.headers());
        admitted.map_err(|wait_s| {
            let detail =
                format!("this client asks more often than it may; again in {wait_s} seconds");
            Problem::new(Kind::TooManyRequests, detail).after(wait_s)
        })?;
    }
    Ok(next.run(request).await)
}

/// The last address that no trusted proxy has: each proxy adds that of its own peer at the end.
fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let trusted = |address: &IpAddr| proxies.iter().any(|net| net.contains(address));
    if !trusted(&peer) {
        return peer;
    }
    let named = headers.get_all(FORWARDED).iter();
    let named = named.filter_map(|value| value.to_str().ok());
    let named: Vec<&str> = named.flat_map(|value| value.split(',')).collect();
    let mut client = peer;
    for text in named.iter().rev() {
        let Ok(address) = text.trim().parse::<IpAddr>() else {
            break;
        };
        client = address.to_canonical();
        if !trusted(&client) {
            break;
        }
    }
    client
}

/// The network that counts as one client; a larger one where there are too many.
fn network(address: IpAddr, crowded: bool) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let kept = if crowded { 16 } else { 32 };
            IpAddr::V4(Ipv4Addr::from_bits(
                v4.to_bits() & (u32::MAX << (32 - kept)),
            ))
        }
        IpAddr::V6(v6) => {
            let kept = if crowded { 32 } else { 64 };
            IpAddr::V6(Ipv6Addr::from_bits(
                v6.to_bits() & (u128::MAX << (128 - kept)),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(values: &[&str]) -> HeaderMap {
        let headers = values.iter().map(|value| {
            let name = axum::http::HeaderName::from_static(FORWARDED);
            (name, value.parse().unwrap())
        });
        headers.collect()
    }

    #[test]
    fn a_header_is_believed_of_a_trusted_proxy_alone() {
        let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let cases: [(&str, &[&str], &str); 8] = [
            ("192.0.2.1", &[], "192.0.2.1"),
            ("192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
            ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            // The client made the first one up; the proxy added the second.
            ("10.0.0.1", &["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            (
                "10.0.0.1",
                &["198.51.100.7, 10.0.0.2", "10.0.0.3"],
                "198.51.100.7",
            ),
            ("fd00::1", &["2001:db8::7"], "2001:db8::7"),
            ("10.0.0.1", &["nonsense"], "10.0.0.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
        ];
        for (peer, named, expected) in cases {
            let found = client(peer.parse().unwrap(), &forwarded(named), &proxies);
            assert_eq!(found.to_string(), expected, "{peer} {named:?}");
        }
    }

    #[test]
    fn a_household_is_one_client_and_a_crowd_is_counted_by_networks() {
        let cases = [
            ("192.0.2.1", false, "192.0.2.1"),
            ("::ffff:192.0.2.1", false, "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", false, "2001:db8:1:2::"),
            ("192.0.2.1", true, "192.0.0.0"),
            ("2001:db8:1:2:3:4:5:6", true, "2001:db8::"),
        ];
        for (address, crowded, expected) in cases {
            let found = network(address.parse().unwrap(), crowded);
            assert_eq!(found.to_string(), expected, "{address} {crowded}");
        }
    }

    #[test]
    fn what_is_remembered_of_clients_is_bounded() {
        let one = NonZeroU32::MIN;
        let rate = RateLimit {
            per_second: one,
            burst: one,
        };
        let clients = Clients::new(rate, Vec::new());
        let nobody = HeaderMap::new();
        // Ten times as many clients as are remembered, all within a second.
        for index in 0..(10 * MOST_CLIENTS as u32) {
            let client = IpAddr::V4(Ipv4Addr::from_bits(index));
            let _ = clients.admit(client, &nobody);
        }
        let most = MOST_CLIENTS + LOOK_EVERY as usize + 65_536;
        assert!(clients.limiter.len() <= most, "{}", clients.limiter.len());
    }
}
