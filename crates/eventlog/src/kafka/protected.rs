//! Properties of librdkafka that the operator cannot set, and properties with secret values.

const OURS: &str = "it has its own configuration key";
const DURABLE: &str = "an acknowledged record must not be lost";
const ONCE: &str = "a retry must neither duplicate nor reorder records";
const PLACE: &str = "all producers must write records with equal keys to one partition";
const POSITION: &str = "positions are stored with the rows, not by the group";
const READING: &str = "the consumer depends on this behaviour";

/// Properties that the operator cannot set, with the reason.
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
    ("group.id", "the group is named after the fold run"),
    ("message.max.bytes", "the limits of a record are fixed"),
    (
        "allow.auto.create.topics",
        "the log creates the topics, with its own settings",
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

/// Why the operator cannot set a property; `None` where it can.
pub(super) fn protection_reason(key: &str) -> Option<&'static str> {
    let found = PROTECTED.iter().find(|(name, _)| *name == key);
    found.map(|(_, reason)| *reason)
}

/// Whether the value of a property is a secret.
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
