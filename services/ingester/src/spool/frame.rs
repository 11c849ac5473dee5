//! One item of the spool as bytes: the length and the checksum of a body, then the body.

use std::io::{self, Read};

use moodvane_eventlog::{MAX_KEY_BYTES, MAX_VALUE_BYTES, NewRecord};
use moodvane_model::{SourceId, Topic};
use xxhash_rust::xxh3::xxh3_64;

/// Length (4 bytes) and checksum (8 bytes), both little-endian.
const HEAD_BYTES: usize = 12;
/// Two texts, each of at most 255 bytes with its length before it, a kind, and a key's length.
const MAX_BODY_BYTES: usize = 1 + 2 * 256 + 2 + MAX_KEY_BYTES + MAX_VALUE_BYTES;

const RECORD: u8 = 1;
const CURSOR: u8 = 2;

/// What waits for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    /// A record of a source.
    Record {
        topic: Topic,
        source: SourceId,
        record: NewRecord,
    },
    /// Where a source stands once the log has what lies before.
    Cursor {
        source: SourceId,
        name: String,
        cursor: String,
    },
}

/// Appends the item's bytes. What is over a record's limits must not come here.
pub(super) fn encode(item: &Item, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + HEAD_BYTES, 0);
    match item {
        Item::Record {
            topic,
            source,
            record,
        } => {
            out.push(RECORD);
            put(source.as_str().as_bytes(), out);
            put(topic.name().as_bytes(), out);
            put_long(&record.key, out);
            out.extend_from_slice(&record.value);
        }
        Item::Cursor {
            source,
            name,
            cursor,
        } => {
            out.push(CURSOR);
            put(source.as_str().as_bytes(), out);
            put(b"", out);
            put_long(name.as_bytes(), out);
            out.extend_from_slice(cursor.as_bytes());
        }
    }
    let body = start + HEAD_BYTES;
    let len = (out.len() - body) as u32;
    let sum = xxh3_64(&out[body..]);
    out[start..start + 4].copy_from_slice(&len.to_le_bytes());
    out[start + 4..body].copy_from_slice(&sum.to_le_bytes());
}

fn put(part: &[u8], out: &mut Vec<u8>) {
    out.push(part.len() as u8);
    out.extend_from_slice(part);
}

fn put_long(part: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(part.len() as u16).to_le_bytes());
    out.extend_from_slice(part);
}

/// The next item, and how many bytes it took; `None` where what follows is no whole, sound one.
/// At most `left` bytes are read.
pub(super) fn read(from: &mut impl Read, left: u64) -> io::Result<Option<(Item, u64)>> {
    let mut head = [0; HEAD_BYTES];
    if left < HEAD_BYTES as u64 || !fill(from, &mut head)? {
        return Ok(None);
    }
    let (len, sum) = head.split_at(4);
    let len = u32::from_le_bytes(len.try_into().unwrap_or_default()) as usize;
    let sum = u64::from_le_bytes(sum.try_into().unwrap_or_default());
    let bytes = (HEAD_BYTES + len) as u64;
    if len > MAX_BODY_BYTES || bytes > left {
        return Ok(None);
    }
    let mut body = vec![0; len];
    if !fill(from, &mut body)? || xxh3_64(&body) != sum {
        return Ok(None);
    }
    Ok(decode(&body).map(|item| (item, bytes)))
}

/// Whether there was enough to fill it.
fn fill(from: &mut impl Read, into: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(into) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn decode(body: &[u8]) -> Option<Item> {
    let (&kind, rest) = body.split_first()?;
    let (source, rest) = take(rest)?;
    let (topic, rest) = take(rest)?;
    let (key, value) = take_long(rest)?;
    let source = SourceId::parse(text(source)?).ok()?;
    match kind {
        RECORD => Some(Item::Record {
            topic: text(topic)?.parse().ok()?,
            source,
            record: NewRecord {
                key: key.to_vec(),
                value: value.to_vec(),
            },
        }),
        CURSOR => Some(Item::Cursor {
            source,
            name: text(key)?.to_owned(),
            cursor: text(value)?.to_owned(),
        }),
        _ => None,
    }
}

fn take(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&len, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(len))
}

fn take_long(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
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

    fn items() -> impl Strategy<Value = Item> {
        let bytes = |most| proptest::collection::vec(any::<u8>(), 0..most);
        let source = "[a-z0-9][a-z0-9-]{0,30}".prop_map(|id| SourceId::parse(&id).unwrap());
        let topic = proptest::sample::select(Topic::ALL.to_vec());
        let record = (
            topic,
            source.clone(),
            bytes(MAX_KEY_BYTES + 1),
            bytes(4_000),
        );
        let record = record.prop_map(|(topic, source, key, value)| Item::Record {
            topic,
            source,
            record: NewRecord { key, value },
        });
        let cursor = (source, ".{0,40}", ".{0,80}");
        let cursor = cursor.prop_map(|(source, name, cursor)| Item::Cursor {
            source,
            name,
            cursor,
        });
        prop_oneof![record, cursor]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(item in items()) {
            let mut bytes = Vec::new();
            encode(&item, &mut bytes);
            let read = read(&mut &bytes[..], bytes.len() as u64).unwrap();
            prop_assert_eq!(read, Some((item, bytes.len() as u64)));
        }

        #[test]
        fn no_part_of_an_item_is_taken_for_one(item in items(), cut in 0.0..1.0_f64) {
            let mut bytes = Vec::new();
            encode(&item, &mut bytes);
            bytes.truncate((bytes.len() as f64 * cut) as usize);
            prop_assert_eq!(read(&mut &bytes[..], bytes.len() as u64).unwrap(), None);
            prop_assert_eq!(read(&mut &bytes[..], u64::MAX).unwrap(), None);
        }

        #[test]
        fn a_changed_bit_is_noticed(item in items(), at in 0.0..1.0_f64, bit in 0..8_u8) {
            let mut bytes = Vec::new();
            encode(&item, &mut bytes);
            let at = (bytes.len() as f64 * at) as usize;
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(read(&mut &bytes[..], bytes.len() as u64).unwrap(), None);
        }
    }

    #[test]
    fn zeros_are_no_item() {
        assert_eq!(read(&mut &[0; 64][..], 64).unwrap(), None);
    }
}
