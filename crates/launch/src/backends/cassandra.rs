//! `[store.cassandra]`.

use std::num::NonZeroU8;
use std::path::Path;

use moodvane_model::ErrorChain;
use moodvane_runtime::{Section, Settings};
use moodvane_store::{CassandraConfig, ContactPoint, Credentials, Secret, TlsRoots};

/// Reads the section. Validates every key, even if the configuration selects another store.
pub(super) fn read(settings: &Settings) -> Option<CassandraConfig> {
    let section = settings.section("store.cassandra");
    let contact_points = read_contact_points(&section);
    let keyspace = section.parse("keyspace");
    let replication = section.number("replication_factor", 1..=9u8);
    let datacenter = section.text("datacenter");
    let credentials = read_credentials(&section);
    let tls = read_tls(&section);
    let request_timeout = section.millis("request_timeout_ms", 100..=600_000);
    let consistency = section.parse("consistency");
    let hours_consistency = section.parse("hours_consistency");
    let base = CassandraConfig::new(contact_points?, keyspace?);
    Some(CassandraConfig {
        replication_factor: NonZeroU8::new(replication?)?,
        datacenter: Some(datacenter?).filter(|name| !name.is_empty()),
        credentials: credentials?,
        tls: tls?,
        request_timeout: request_timeout?,
        consistency: consistency?,
        hours_consistency: hours_consistency?,
        ..base
    })
}

fn read_contact_points(section: &Section<'_>) -> Option<Vec<ContactPoint>> {
    let names = section.list("contact_points")?;
    if names.is_empty() {
        section.fault(
            "contact_points",
            "at least one node is required, such as 10.0.0.1:9042",
        );
        return None;
    }
    let read = |name: String| {
        let point = name.parse::<ContactPoint>();
        point
            .map_err(|error| section.fault("contact_points", error.to_string()))
            .ok()
    };
    let points: Vec<_> = names.into_iter().map(read).collect();
    points.into_iter().collect()
}

/// User and password: both or neither.
fn read_credentials(section: &Section<'_>) -> Option<Option<Credentials>> {
    let user = section.text("user");
    let password = section.secret("password");
    match (user?, password?) {
        (user, None) if user.is_empty() => Some(None),
        (user, Some(password)) if !user.is_empty() => Some(Some(Credentials {
            user,
            password: Secret::new(password),
        })),
        _ => {
            let both = "set both user and password, or neither";
            section.fault("user", both);
            None
        }
    }
}

fn read_tls(section: &Section<'_>) -> Option<Option<TlsRoots>> {
    let file = section.text("ca_file")?;
    if file.is_empty() {
        return Some(None);
    }
    let roots = TlsRoots::read(Path::new(&file));
    roots
        .map(Some)
        .map_err(|error| section.fault("ca_file", ErrorChain(&error).to_string()))
        .ok()
}
