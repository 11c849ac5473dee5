//! Properties of the client library that cannot be set, and those that must not be shown.

const OURS: &str = "it has a setting of its own";
const DURABLE: &str = "an acknowledged record must not be lost";
const ONCE: &str = "a retry must neither double nor reorder records";
const PLACE: &str = "records of equal keys must lie in one partition, whoever wrote them";
const POSITION: &str = "where to read is stored with the rows, not by the group";
const READING: &str = "the consumer is written for exactly this behaviour";

/// Properties that cannot be set, with the reason.
const PROTECTED: &[(&str, &str)] = &[
    ("acks", DURABLE),
    ("request.required.acks", DURABLE),
    ("enable.idempotence", ONCE),
    ("enable.gapless.guarantee", ONCE),
    ("max.in.flight", ONCE),
    ("max.in.flight.requests.per.connection", ONCE),
    ("message.send.max.retries", ONCE),
    ("retries", ONCE),
    ("transactional.id", ONCE),
    ("partitioner", PLACE),
    ("auto.offset.reset", POSITION),
    ("enable.auto.commit", POSITION),
    ("auto.commit.enable", POSITION),
    ("enable.auto.offset.store", POSITION),
    ("offset.store.method", POSITION),
    ("isolation.level", READING),
    ("enable.partition.eof", READING),
    ("partition.assignment.strategy", READING),
    ("group.protocol", READING),
    ("group.id", "groups are named after the run that they fold"),
    ("message.max.bytes", "the limits of a record are fixed"),
    (
        "allow.auto.create.topics",
        "topics are made by the log, with its own settings",
    ),
    ("bootstrap.servers", OURS),
    ("metadata.broker.list", OURS),
    ("security.protocol", OURS),
    ("sasl.mechanism", OURS),
    ("sasl.mechanisms", OURS),
    ("sasl.username", OURS),
    ("sasl.password", OURS),
    ("ssl.ca.location", OURS),
    ("compression.codec", OURS),
    ("compression.type", OURS),
    ("group.instance.id", OURS),
    ("session.timeout.ms", OURS),
    ("max.poll.interval.ms", OURS),
    ("message.timeout.ms", OURS),
    ("delivery.timeout.ms", OURS),
];

/// Why a property cannot be set, if it cannot.
pub(super) fn why_protected(key: &str) -> Option<&'static str> {
    let found = PROTECTED.iter().find(|(name, _)| *name == key);
    found.map(|(_, why)| *why)
}

/// Whether the value of a property must not be shown.
pub(super) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    [
        "password",
        "secret",
        "key",
        "token",
        "pem",
        "oauthbearer.config",
        "jaas",
    ]
    .iter()
    .any(|part| key.contains(part))
}
