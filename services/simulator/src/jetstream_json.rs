//! Events in Jetstream's JSON format.

use std::borrow::Cow;

use moodvane_model::Timestamp;
use serde::Serialize;

use crate::feed::{Event, EventKind, PostContent, timestamp};

/// The collection of posts.
pub(crate) const POSTS: &str = "app.bsky.feed.post";
/// The collection of likes.
pub(crate) const LIKES: &str = "app.bsky.feed.like";

#[derive(Serialize)]
struct Message<'a> {
    did: &'a str,
    time_us: i64,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<Commit<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Account<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<Identity<'a>>,
}

#[derive(Serialize)]
struct Commit<'a> {
    rev: String,
    operation: &'static str,
    collection: &'static str,
    rkey: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<Record<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cid: Option<String>,
}

#[derive(Serialize)]
struct Record<'a> {
    #[serde(rename = "$type")]
    kind: &'static str,
    #[serde(rename = "createdAt")]
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    langs: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Subject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Subject {
    cid: String,
    uri: String,
}

#[derive(Serialize)]
struct Account<'a> {
    active: bool,
    did: &'a str,
    seq: i64,
    time: String,
}

#[derive(Serialize)]
struct Identity<'a> {
    did: &'a str,
    seq: i64,
    time: String,
}

/// The collection that an event changes; `None` for account and identity events.
pub(crate) fn collection(event: &Event) -> Option<&'static str> {
    match event.kind {
        EventKind::Post(_) | EventKind::Update { .. } | EventKind::Delete { .. } => Some(POSTS),
        EventKind::Like { .. } => Some(LIKES),
        EventKind::Identity | EventKind::Account => None,
    }
}

/// Encodes an event as a message of the stream.
///
/// # Errors
/// Never fails for these types.
pub(crate) fn message(event: &Event) -> Result<String, serde_json::Error> {
    let did = did(event.author);
    let time = || timestamp(event.time_us / 1_000).to_string();
    let mut message = Message {
        did: &did,
        time_us: event.time_us,
        kind: "commit",
        commit: commit(event),
        account: None,
        identity: None,
    };
    match event.kind {
        EventKind::Account => {
            message.kind = "account";
            message.account = Some(Account {
                active: true,
                did: &did,
                seq: event.time_us,
                time: time(),
            });
        }
        EventKind::Identity => {
            message.kind = "identity";
            message.identity = Some(Identity {
                did: &did,
                seq: event.time_us,
                time: time(),
            });
        }
        _ => {}
    }
    serde_json::to_string(&message)
}

fn commit(event: &Event) -> Option<Commit<'_>> {
    let (operation, record_us, record) = match &event.kind {
        EventKind::Post(content) => ("create", event.time_us, Some(post(content))),
        EventKind::Update { time_us, content } => ("update", *time_us, Some(post(content))),
        EventKind::Delete { time_us } => ("delete", *time_us, None),
        EventKind::Like { time_us, author } => {
            let at = timestamp(event.time_us / 1_000);
            ("create", event.time_us, Some(like(*time_us, *author, at)))
        }
        EventKind::Identity | EventKind::Account => return None,
    };
    Some(Commit {
        rev: record_key(event.time_us),
        operation,
        collection: collection(event)?,
        rkey: record_key(record_us),
        cid: record.as_ref().map(|_| content_id(event.time_us)),
        record,
    })
}

fn post(content: &PostContent) -> Record<'_> {
    Record {
        kind: POSTS,
        created_at: content.created_at.to_string(),
        langs: content.language_tag.map(|tag| [tag]),
        subject: None,
        text: Some(Cow::Borrowed(&content.text)),
    }
}

fn like(record_us: i64, author: u64, at: Timestamp) -> Record<'static> {
    Record {
        kind: LIKES,
        created_at: at.to_string(),
        langs: None,
        subject: Some(Subject {
            cid: content_id(record_us),
            uri: format!("at://{}/{POSTS}/{}", did(author), record_key(record_us)),
        }),
        text: None,
    }
}

/// An author's identifier: 24 characters of base 32.
fn did(author: u64) -> String {
    let mut did = String::from("did:plc:");
    did.push_str(&base32(author, b"abcdefghijklmnopqrstuvwxyz234567", 24));
    did
}

/// A record's key in AT Protocol's TID format: the time in microseconds and 10 bits of a clock
/// identifier, in sortable base 32.
fn record_key(time_us: i64) -> String {
    let key = (time_us as u64) << 10;
    base32(key, b"234567abcdefghijklmnopqrstuvwxyz", 13)
}

fn content_id(time_us: i64) -> String {
    let mut cid = String::from("bafyrei");
    cid.push_str(&base32(
        time_us as u64,
        b"abcdefghijklmnopqrstuvwxyz234567",
        52,
    ));
    cid
}

fn base32(mut value: u64, digits: &[u8; 32], length: usize) -> String {
    let mut reversed = Vec::with_capacity(length);
    for _ in 0..length {
        reversed.push(char::from(digits[(value & 31) as usize]));
        value >>= 5;
    }
    reversed.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind) -> Event {
        Event {
            time_us: 1_514_766_600_123_456,
            author: 77,
            kind,
        }
    }

    fn content() -> PostContent {
        PostContent {
            text: "\"Fine\",\nsaid NYC 🌆".to_owned(),
            language_tag: Some("en"),
            created_at: Timestamp::parse_rfc3339("2018-01-01T00:29:59Z").unwrap(),
            mood: Some(2),
        }
    }

    #[test]
    fn encodes_events_like_jetstream() {
        let earlier = 1_514_766_500_000_000;
        let encode = |kind| message(&event(kind)).unwrap();
        insta::assert_snapshot!(encode(EventKind::Post(content())), @r#"{"did":"did:plc:aaaaaaaaaaaaaaaaaaaaaacn","time_us":1514766600123456,"kind":"commit","commit":{"rev":"3f3pkelwh4222","operation":"create","collection":"app.bsky.feed.post","rkey":"3f3pkelwh4222","record":{"$type":"app.bsky.feed.post","createdAt":"2018-01-01T00:29:59.000Z","langs":["en"],"text":"\"Fine\",\nsaid NYC 🌆"},"cid":"bafyreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaablbvqkr4nca"}}"#);
        insta::assert_snapshot!(encode(EventKind::Update { time_us: earlier, content: content() }), @r#"{"did":"did:plc:aaaaaaaaaaaaaaaaaaaaaacn","time_us":1514766600123456,"kind":"commit","commit":{"rev":"3f3pkelwh4222","operation":"update","collection":"app.bsky.feed.post","rkey":"3f3pkbmgwc222","record":{"$type":"app.bsky.feed.post","createdAt":"2018-01-01T00:29:59.000Z","langs":["en"],"text":"\"Fine\",\nsaid NYC 🌆"},"cid":"bafyreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaablbvqkr4nca"}}"#);
        insta::assert_snapshot!(encode(EventKind::Delete { time_us: earlier }), @r#"{"did":"did:plc:aaaaaaaaaaaaaaaaaaaaaacn","time_us":1514766600123456,"kind":"commit","commit":{"rev":"3f3pkelwh4222","operation":"delete","collection":"app.bsky.feed.post","rkey":"3f3pkbmgwc222"}}"#);
        insta::assert_snapshot!(encode(EventKind::Like { time_us: earlier, author: 3 }), @r#"{"did":"did:plc:aaaaaaaaaaaaaaaaaaaaaacn","time_us":1514766600123456,"kind":"commit","commit":{"rev":"3f3pkelwh4222","operation":"create","collection":"app.bsky.feed.like","rkey":"3f3pkelwh4222","record":{"$type":"app.bsky.feed.like","createdAt":"2018-01-01T00:30:00.123Z","subject":{"cid":"bafyreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaablbvqhsm4ia","uri":"at://did:plc:aaaaaaaaaaaaaaaaaaaaaaad/app.bsky.feed.post/3f3pkbmgwc222"}},"cid":"bafyreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaablbvqkr4nca"}}"#);
        insta::assert_snapshot!(encode(EventKind::Identity), @r#"{"did":"did:plc:aaaaaaaaaaaaaaaaaaaaaacn","time_us":1514766600123456,"kind":"identity","identity":{"did":"did:plc:aaaaaaaaaaaaaaaaaaaaaacn","seq":1514766600123456,"time":"2018-01-01T00:30:00.123Z"}}"#);
        insta::assert_snapshot!(encode(EventKind::Account), @r#"{"did":"did:plc:aaaaaaaaaaaaaaaaaaaaaacn","time_us":1514766600123456,"kind":"account","account":{"active":true,"did":"did:plc:aaaaaaaaaaaaaaaaaaaaaacn","seq":1514766600123456,"time":"2018-01-01T00:30:00.123Z"}}"#);
    }

    #[test]
    fn record_keys_sort_by_time() {
        let keys = [1, 31, 32, 1_514_766_600_123_456, 1_514_766_600_123_457].map(record_key);
        assert!(keys.is_sorted());
        assert!(keys.iter().all(|key| key.len() == 13));
    }
}
