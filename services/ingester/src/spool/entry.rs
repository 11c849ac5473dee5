//! The bytes of a spool entry: a record of a source, or a cursor to save after the records before
//! it.
//!
//! Format: kind (1 byte); source and topic, each with its length in 1 byte; record key or cursor
//! name with its length in 2 bytes, little-endian; record value or cursor value.

use moodvane_eventlog::{MAX_KEY_BYTES, MAX_VALUE_BYTES, NewRecord};
use moodvane_model::{SourceId, Topic};
use moodvane_spool::MAX_ENTRY_BYTES;

const RECORD: u8 = 1;
const CURSOR: u8 = 2;

const _: () = {
    let largest = 1 + 2 * (1 + u8::MAX as usize) + 2 + MAX_KEY_BYTES + MAX_VALUE_BYTES;
    assert!(largest <= MAX_ENTRY_BYTES);
};

/// A decoded entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpoolEntry<'a> {
    /// A record to publish.
    Record {
        source: SourceId,
        topic: Topic,
        key: &'a [u8],
        value: &'a [u8],
    },
    /// A cursor to save once the log has all records before it.
    Cursor {
        source: SourceId,
        name: &'a str,
        value: &'a str,
    },
}

impl<'a> SpoolEntry<'a> {
    pub(crate) fn record(source: SourceId, topic: Topic, record: &'a NewRecord) -> Self {
        Self::Record {
            source,
            topic,
            key: &record.key,
            value: &record.value,
        }
    }

    /// Encodes the entry. The caller checks the size limits of records first.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (kind, source, topic, key, value) = match self {
            Self::Record {
                source,
                topic,
                key,
                value,
            } => (RECORD, source, topic.name(), *key, *value),
            Self::Cursor {
                source,
                name,
                value,
            } => (CURSOR, source, "", name.as_bytes(), value.as_bytes()),
        };
        let mut bytes = vec![kind];
        for short in [source.as_str(), topic] {
            bytes.push(short.len() as u8);
            bytes.extend_from_slice(short.as_bytes());
        }
        bytes.extend_from_slice(&(key.len() as u16).to_le_bytes());
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value);
        bytes
    }

    /// Decodes an entry; `None` if the bytes are not an entry of a known kind, source and topic.
    pub(crate) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (&kind, rest) = bytes.split_first()?;
        let (source, rest) = split_short(rest)?;
        let (topic, rest) = split_short(rest)?;
        let (key, value) = split_long(rest)?;
        let source = SourceId::parse(text(source)?).ok()?;
        match kind {
            RECORD => Some(Self::Record {
                source,
                topic: text(topic)?.parse().ok()?,
                key,
                value,
            }),
            CURSOR => Some(Self::Cursor {
                source,
                name: text(key)?,
                value: text(value)?,
            }),
            _ => None,
        }
    }

    /// The record with its source and topic; `None` for a cursor.
    pub(crate) fn to_record(self) -> Option<(SourceId, Topic, NewRecord)> {
        match self {
            Self::Record {
                source,
                topic,
                key,
                value,
            } => {
                let (key, value) = (key.to_vec(), value.to_vec());
                Some((source, topic, NewRecord { key, value }))
            }
            Self::Cursor { .. } => None,
        }
    }
}

fn split_short(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&len, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(len))
}

fn split_long(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_le_bytes(*len)))
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(limit: usize) -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(any::<u8>(), 0..limit)
    }

    proptest! {
        #[test]
        fn decodes_encoded_record(
            id in "[a-z0-9][a-z0-9-]{0,30}",
            topic in proptest::sample::select(Topic::ALL.to_vec()),
            key in bytes(MAX_KEY_BYTES + 1),
            value in bytes(4_000),
        ) {
            let source = SourceId::parse(&id).unwrap();
            let record = NewRecord { key, value };
            let encoded = SpoolEntry::record(source, topic, &record).encode();
            let decoded = SpoolEntry::decode(&encoded).and_then(SpoolEntry::to_record);
            prop_assert_eq!(decoded, Some((source, topic, record)));
        }

        #[test]
        fn decodes_encoded_cursor(
            id in "[a-z0-9][a-z0-9-]{0,30}", name in ".{0,40}", value in ".{0,80}",
        ) {
            let source = SourceId::parse(&id).unwrap();
            let cursor = SpoolEntry::Cursor { source, name: &name, value: &value };
            let encoded = cursor.encode();
            prop_assert_eq!(SpoolEntry::decode(&encoded), Some(cursor));
        }

        #[test]
        fn decodes_arbitrary_bytes_without_panic(bytes in bytes(64)) {
            if let Some(entry) = SpoolEntry::decode(&bytes) {
                let encoded = entry.encode();
                prop_assert_eq!(SpoolEntry::decode(&encoded), Some(entry));
            }
        }
    }

    #[test]
    fn keeps_format_of_earlier_versions() {
        let (weather, posts) = ("open-meteo", "mastodon");
        let [weather, posts] = [weather, posts].map(|id| SourceId::parse(id).unwrap());
        let value = b"\x00\xff\n";
        let record = SpoolEntry::Record {
            source: posts,
            topic: Topic::Tweet,
            key: b"mastodon:7",
            value,
        };
        let cursor = SpoolEntry::Cursor {
            source: weather,
            name: "open-meteo:new-york",
            value: "1714731600000",
        };
        for (entry, bytes) in [
            (
                record,
                &b"\x01\x08mastodon\x05tweet\x0a\x00mastodon:7\x00\xff\n"[..],
            ),
            (
                cursor,
                b"\x02\x0aopen-meteo\x00\x13\x00open-meteo:new-york1714731600000",
            ),
        ] {
            assert_eq!(entry.encode(), bytes);
            assert_eq!(SpoolEntry::decode(bytes), Some(entry));
        }
    }

    #[test]
    fn rejects_unknown_kind() {
        let source = SourceId::parse("x").unwrap();
        let cursor = SpoolEntry::Cursor {
            source,
            name: "x",
            value: "1",
        };
        let mut bytes = cursor.encode();
        bytes[0] = 3;
        assert_eq!(SpoolEntry::decode(&bytes), None);
    }
}
