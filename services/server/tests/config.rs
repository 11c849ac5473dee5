//! The section `[server]` of the configuration.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use moodvane_runtime::Settings;
use moodvane_server::ServerConfig;

#[test]
fn default_configuration_is_valid() {
    let config = ServerConfig::read(&Settings::new()).unwrap();
    assert_eq!(config.address.to_string(), "127.0.0.1:8080");
    assert_eq!(config.default_city.as_str(), "new-york");
    assert_eq!(config.max_body_bytes, 16_384);
    assert_eq!(config.max_range_hours, 8_784);
    assert_eq!(config.max_page_hours, 1_000);
    assert_eq!(config.cors_origins.len(), 0);
    assert_eq!(config.cities.len(), 1);
    assert_eq!(config.request_timeout, Duration::from_secs(10));
    assert_eq!(config.max_concurrent_requests, 256);
    assert_eq!(config.max_concurrent_relations, 4);
    assert_eq!(config.effect.max_cities, 50);
    assert_eq!(config.effect.max_hours, 440_000);
    assert_eq!(config.effect.max_concurrent, 1);
    assert_eq!(config.effect.timeout, Duration::from_secs(60));
    assert_eq!(config.effect.cache_entries, 16);
    assert_eq!(config.connections.max_connections, 16_384);
    assert_eq!(config.rate_limit, None);
    assert_eq!(config.trusted_proxies.len(), 0);
    assert_eq!(config.stray_bound.celsius(), 5.0);
    assert_eq!(config.drain_timeout, Duration::from_secs(5));
}

#[test]
fn accepts_ipv6_address_and_free_port() {
    let mut settings = Settings::new();
    settings.set("server.address", "::1");
    settings.set("server.port", "0");
    let config = ServerConfig::read(&settings).unwrap();
    assert_eq!(config.address.to_string(), "[::1]:0");
}

#[test]
fn accepts_rate_and_proxies() {
    let mut settings = Settings::new();
    settings.set("server.rate_per_s", "20");
    settings.set("server.trusted_proxies", "10.0.0.1,fd00::/8");
    let config = ServerConfig::read(&settings).unwrap();
    let rate = config.rate_limit.unwrap();
    assert_eq!((rate.per_second.get(), rate.burst.get()), (20, 100));
    let proxies: Vec<String> = config
        .trusted_proxies
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(proxies, ["10.0.0.1/32", "fd00::/8"]);
}

#[test]
fn reports_all_errors_at_once() {
    let wrong = [
        ("server.address", "localhost"),
        ("server.port", "65536"),
        ("server.city", "atlantis"),
        ("server.max_body_bytes", "0"),
        ("server.max_range_hours", "0"),
        ("server.max_page_hours", "0"),
        ("server.cors_origins", "https://example.org/path"),
        ("server.request_timeout_ms", "0"),
        ("server.max_concurrent_requests", "0"),
        ("server.max_concurrent_relations", "0"),
        ("server.max_effect_cities", "101"),
        ("server.max_effect_hours", "0"),
        ("server.max_concurrent_effects", "0"),
        ("server.effect_timeout_ms", "0"),
        ("server.effect_cache_entries", "-1"),
        ("server.max_connections", "0"),
        ("server.head_timeout_ms", "0"),
        ("server.write_timeout_ms", "0"),
        ("server.rate_per_s", "-1"),
        ("server.rate_burst", "0"),
        ("server.trusted_proxies", "10.0.0.0/33"),
        ("server.stray_bound_c", "-1.0"),
        ("server.drain_ms", "-1"),
    ];
    let mut settings = Settings::new();
    for (key, value) in wrong {
        settings.set(key, value);
    }
    assert_eq!(ServerConfig::read(&settings), None);
    let faults = settings.finish().unwrap_err().to_string();
    for (key, value) in wrong {
        let named = faults
            .lines()
            .any(|line| line.contains(key) && line.contains(value));
        assert!(named, "{key} in\n{faults}");
    }
    assert!(faults.contains("new-york"), "{faults}");
}
