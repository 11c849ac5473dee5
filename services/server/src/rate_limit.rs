//! The rate limit of a client.
//!
//! Terms: the *peer* is the remote address of the connection. The *client* is the peer or, if the
//! peer is a trusted proxy, the address that the proxy forwards. Only the first 64 bits of an IPv6
//! address count, because one site owns all addresses below them.
//!
//! Guarantee: a client cannot change its identity with a header, and the memory for clients is
//! bounded. The algorithm is the generic cell rate algorithm (ITU-T I.371) of the crate governor:
//! a sustained rate and a burst.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use ipnet::IpNet;

use crate::problem::{Kind, Problem};

const FORWARDED_FOR: &str = "x-forwarded-for";
/// Above this number of clients the limiter drops idle ones and counts networks instead of addresses.
const MAX_CLIENTS: usize = 65_536;
/// The number of requests between two checks of the number of clients.
const CHECK_INTERVAL: u32 = 1024;

/// The remote address of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// How many requests a client may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// The sustained rate, in requests per second.
    pub per_second: NonZeroU32,
    /// The number of requests at once after a pause.
    pub burst: NonZeroU32,
}

/// Limits the requests of each client. Cheap to clone; without a limit it accepts every request.
#[derive(Clone)]
pub(crate) struct ClientRateLimiter(Option<Arc<ClientBuckets>>);

struct ClientBuckets {
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>,
    trusted_proxies: Vec<IpNet>,
    request_count: AtomicU32,
    is_crowded: AtomicBool,
}

impl ClientRateLimiter {
    pub(crate) fn new(limit: Option<RateLimit>, trusted_proxies: Vec<IpNet>) -> Self {
        Self(limit.map(|limit| Arc::new(ClientBuckets::new(limit, trusted_proxies))))
    }
}

impl ClientBuckets {
    fn new(limit: RateLimit, trusted_proxies: Vec<IpNet>) -> Self {
        let quota = Quota::per_second(limit.per_second).allow_burst(limit.burst);
        Self {
            limiter: RateLimiter::hashmap(quota),
            trusted_proxies,
            request_count: AtomicU32::new(0),
            is_crowded: AtomicBool::new(false),
        }
    }

    /// Accepts a request within the limit. Otherwise returns after how many seconds to retry.
    fn check(&self, peer: IpAddr, headers: &HeaderMap) -> Result<(), u64> {
        self.evict_idle_clients();
        let client = client(peer, headers, &self.trusted_proxies);
        let key = network(client, self.is_crowded.load(Ordering::Relaxed));
        self.limiter.check_key(&key).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            wait.as_secs() + 1
        })
    }

    /// Drops idle clients now and then.
    fn evict_idle_clients(&self) {
        let count = self.request_count.fetch_add(1, Ordering::Relaxed);
        if !count.is_multiple_of(CHECK_INTERVAL) || self.limiter.len() < MAX_CLIENTS {
            return;
        }
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
        let is_crowded = self.limiter.len() >= MAX_CLIENTS;
        self.is_crowded.store(is_crowded, Ordering::Relaxed);
    }
}

/// Rejects requests over the rate limit of their client.
pub(crate) async fn limit(
    State(limiter): State<ClientRateLimiter>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if let Some(buckets) = &limiter.0 {
        let peer = request.extensions().get::<Peer>();
        // All requests without a peer count as one client.
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0);
        let checked = buckets.check(peer, request.headers());
        checked.map_err(|wait_s| {
            let detail = format!("this client is over its rate limit; retry in {wait_s} seconds");
            Problem::new(Kind::TooManyRequests, detail).with_retry_after(wait_s)
        })?;
    }
    Ok(next.run(request).await)
}

/// The last address that is not a trusted proxy: each proxy appends the address of its peer.
fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let trusted = |address: &IpAddr| proxies.iter().any(|net| net.contains(address));
    if !trusted(&peer) {
        return peer;
    }
    let forwarded = headers.get_all(FORWARDED_FOR).iter();
    let forwarded = forwarded.filter_map(|value| value.to_str().ok());
    let forwarded: Vec<&str> = forwarded.flat_map(|value| value.split(',')).collect();
    let mut client = peer;
    for text in forwarded.iter().rev() {
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

/// The network that counts as one client; a larger one if there are too many clients.
fn network(address: IpAddr, is_crowded: bool) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let kept = if is_crowded { 16 } else { 32 };
            IpAddr::V4(Ipv4Addr::from_bits(
                v4.to_bits() & (u32::MAX << (32 - kept)),
            ))
        }
        IpAddr::V6(v6) => {
            let kept = if is_crowded { 32 } else { 64 };
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
            let name = axum::http::HeaderName::from_static(FORWARDED_FOR);
            (name, value.parse().unwrap())
        });
        headers.collect()
    }

    #[test]
    fn accepts_forwarded_address_of_trusted_proxy_only() {
        let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let cases: [(&str, &[&str], &str); 8] = [
            ("192.0.2.1", &[], "192.0.2.1"),
            ("192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
            ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            // The client invented the first address; the proxy appended the second.
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
        for (peer, values, expected) in cases {
            let found = client(peer.parse().unwrap(), &forwarded(values), &proxies);
            assert_eq!(found.to_string(), expected, "{peer} {values:?}");
        }
    }

    #[test]
    fn counts_sites_and_larger_networks_when_crowded() {
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
    fn bounds_memory_for_clients() {
        let one = NonZeroU32::MIN;
        let limit = RateLimit {
            per_second: one,
            burst: one,
        };
        let buckets = ClientBuckets::new(limit, Vec::new());
        let headers = HeaderMap::new();
        // Ten times the maximum of clients, all within a second.
        for index in 0..(10 * MAX_CLIENTS as u32) {
            let client = IpAddr::V4(Ipv4Addr::from_bits(index));
            let _ = buckets.check(client, &headers);
        }
        let max = MAX_CLIENTS + CHECK_INTERVAL as usize + 65_536;
        assert!(buckets.limiter.len() <= max, "{}", buckets.limiter.len());
    }
}
