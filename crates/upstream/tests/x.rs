//! Parsing of X's messages and rules, with invented messages.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use common::{at, city, new_york, posts, rfc3339, source, with};
use moodvane_model::Language;
use moodvane_upstream::x::{self, ActiveRule, Rule, RuleChanges, RuleError, RuleSpec, XFormat};
use moodvane_upstream::{RawMessage, Selection};
use serde_json::{Value, json};

fn message() -> Value {
    json!({
        "data": {
            "id": "1212092628029698048",
            "text": "Rain over NYC again",
            "created_at": "2019-12-31T19:26:16.000Z",
            "lang": "en",
            "edit_history_tweet_ids": ["1212092628029698048"],
        },
        "matching_rules": [{ "id": "7", "tag": "moodvane:test" }],
    })
}

fn format() -> XFormat {
    let selection = Selection::for_cities(&[new_york()]).unwrap();
    let rules = BTreeSet::from(["7".to_owned()]);
    XFormat::new(source(), Arc::new(selection), rules)
}

fn reason(message: &Value) -> &'static str {
    let raw = RawMessage::Text(message.to_string());
    match posts(&format(), &raw) {
        Ok(_) => "kept",
        Err(dropped) => dropped.label(),
    }
}

#[test]
fn parses_message() {
    let raw = RawMessage::Text(message().to_string());
    let found = posts(&format(), &raw).unwrap();
    let post = &found[0];
    assert_eq!(post.identity(), "new-york:test:1212092628029698048");
    assert_eq!(post.text(), "Rain over NYC again");
    assert_eq!(post.created_at, rfc3339("2019-12-31T19:26:16Z"));
    assert_eq!(post.received_at, at(1000));
    assert_eq!(post.language.unwrap().as_str(), "en");
}

#[test]
fn reads_complete_text_of_long_post() {
    let long = format!("{} over Brooklyn &amp; the bay &lt;3", "rain ".repeat(100));
    let shown = format!("{}…", "rain ".repeat(50));
    let note = json!({ "text": long, "entities": { "hashtags": [] } });
    let mut message = with(message(), "/data/text", Some(json!(shown)));
    assert_eq!(reason(&message), "no_city");
    message["data"]["note_tweet"] = note;
    let found = posts(&format(), &RawMessage::Text(message.to_string())).unwrap();
    let expected = format!("{} over Brooklyn & the bay <3", "rain ".repeat(100));
    assert_eq!(found[0].text(), expected);
    for odd in [Value::Null, json!({}), json!({ "text": null })] {
        message["data"]["note_tweet"] = odd;
        message["data"]["text"] = json!("Rain over NYC");
        assert_eq!(reason(&message), "kept");
    }
    message["data"]["note_tweet"] = json!({ "text": "nyc ".repeat(5_000) });
    assert_eq!(reason(&message), "too_long");
}

#[test]
fn undoes_entities_of_x_only() {
    for (written, meant) in [
        ("NYC &lt;3 &amp; rain &gt;:(", "NYC <3 & rain >:("),
        ("how to write &amp;lt; in NYC", "how to write &lt; in NYC"),
        ("NYC &#39;today&#39;", "NYC &#39;today&#39;"),
    ] {
        let message = with(message(), "/data/text", Some(json!(written)));
        let found = posts(&format(), &RawMessage::Text(message.to_string())).unwrap();
        assert_eq!(found[0].text(), meant);
    }
}

#[test]
fn drops_other_messages_with_reason() {
    let table: [(&str, Value, &str); 14] = [
        ("/data/text", json!("Rain over Boston"), "no_city"),
        ("/data/text", json!("  "), "no_text"),
        ("/data/text", json!("x".repeat(16_385)), "too_long"),
        ("/data/text", json!(7), "malformed"),
        ("/data/text", Value::Null, "malformed"),
        ("/data/created_at", json!("yesterday"), "malformed"),
        ("/data/created_at", Value::Null, "kept"),
        ("/data/id", json!(7), "malformed"),
        ("/data/edit_history_tweet_ids", json!(["1", "2"]), "updated"),
        (
            "/data/referenced_tweets",
            json!([{ "type": "retweeted", "id": "1" }]),
            "repost",
        ),
        (
            "/data/referenced_tweets",
            json!([{ "type": "quoted", "id": "1" }]),
            "kept",
        ),
        ("/matching_rules", json!([{ "id": "8" }]), "other_rule"),
        ("/matching_rules", Value::Null, "kept"),
        ("/data", json!([]), "malformed"),
    ];
    for (path, value, expected) in table {
        let changed = with(message(), path, Some(value.clone()));
        assert_eq!(reason(&changed), expected, "{path} = {value}");
    }
    assert_eq!(reason(&json!({ "errors": [] })), "not_a_post");
    assert_eq!(reason(&json!({})), "malformed");
}

#[test]
fn ignores_non_languages() {
    for (tag, expected) in [
        (json!("en"), Some("en")),
        (json!("pt-BR"), Some("pt")),
        (json!("und"), None),
        (json!("zxx"), None),
        (json!("qme"), None),
        (json!("qu"), Some("qu")),
        (json!("1"), None),
    ] {
        let raw = RawMessage::Text(with(message(), "/data/lang", Some(tag)).to_string());
        let found = posts(&format(), &raw).unwrap();
        let language = found[0].language.map(|l| l.to_string());
        assert_eq!(language.as_deref(), expected);
    }
}

#[test]
fn accepts_places_up_to_city_size() {
    let elsewhere = with(message(), "/data/text", Some(json!("Rain again")));
    let placed = |bbox: Value| {
        let geo = json!({ "place_id": "p" });
        let mut message = with(elsewhere.clone(), "/data/geo", Some(geo));
        message["includes"] = json!({ "places": [{ "id": "p", "geo": { "bbox": bbox } }] });
        message
    };
    for (bbox, expected) in [
        (json!([-74.26, 40.48, -73.70, 40.92]), "kept"),
        (json!([-79.76, 40.48, -71.86, 45.01]), "no_city"),
        (json!([-71.19, 42.23, -70.92, 42.40]), "no_city"),
        (json!([-73.70, 40.48, -74.26, 40.92]), "no_city"),
        (json!([-474.26, 40.48, -73.70, 40.92]), "no_city"),
        (json!([]), "malformed"),
    ] {
        assert_eq!(reason(&placed(bbox.clone())), expected, "{bbox}");
    }
    for (point, expected) in [
        (json!([-74.0, 40.7]), "kept"),
        (json!([40.7, -74.0]), "no_city"),
        (json!([-74.0, 140.7]), "no_city"),
    ] {
        let geo = json!({ "coordinates": { "type": "Point", "coordinates": point } });
        let message = with(elsewhere.clone(), "/data/geo", Some(geo));
        assert_eq!(reason(&message), expected, "{point}");
    }
}

#[test]
fn reads_disconnect_reason() {
    let said = json!({ "errors": [{
        "title": "operational-disconnect",
        "disconnect_type": "UpstreamOperationalDisconnect",
        "detail": "This stream has been disconnected upstream for operational reasons.",
    }]});
    let expected = "operational-disconnect: This stream has been disconnected upstream for operational reasons.";
    assert_eq!(
        x::disconnect_reason(&said.to_string()).as_deref(),
        Some(expected)
    );
    let nothing = x::disconnect_reason("{\"errors\":[]}");
    assert_eq!(nothing.as_deref(), Some("no reason given"));
    let mut with_errors = message();
    with_errors["errors"] = said["errors"].clone();
    for line in [
        message().to_string(),
        with_errors.to_string(),
        "\"errors\"".to_owned(),
    ] {
        assert_eq!(x::disconnect_reason(&line), None, "{line}");
    }
}

fn spec<'a>(words: &'a [String], cities: &'a [moodvane_model::City]) -> RuleSpec<'a> {
    RuleSpec {
        words,
        cities,
        language: None,
        places: false,
        max_chars: 512,
    }
}

fn values(spec: &RuleSpec<'_>) -> Result<Vec<String>, RuleError> {
    let rules = x::build_rules(source(), spec)?;
    assert!(rules.iter().all(|rule| rule.tag == "moodvane:test"));
    assert!(
        rules
            .iter()
            .all(|r| r.value.chars().count() <= spec.max_chars)
    );
    Ok(rules.into_iter().map(|rule| rule.value).collect())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn builds_rules_from_words_language_and_places() {
    let cities = [new_york()];
    let by_name = "(\"new york\" OR nyc OR brooklyn) -is:retweet";
    assert_eq!(values(&spec(&[], &cities)).unwrap(), [by_name]);
    let odd = words(&["rain", "OR", "-snow", "say \"hi\"", "rain", "", "#nyc"]);
    let found = values(&spec(&odd, &cities)).unwrap();
    let expected = "(rain OR \"OR\" OR \"-snow\" OR \"say hi\" OR \"#nyc\") -is:retweet";
    assert_eq!(found, [expected]);
    let rain = words(&["rain"]);
    let all = RuleSpec {
        language: Language::parse("en").ok(),
        places: true,
        ..spec(&rain, &cities)
    };
    let expected = "(rain OR point_radius:[-74.006 40.7128 40km]) lang:en -is:retweet";
    assert_eq!(values(&all).unwrap(), [expected]);
}

#[test]
fn keeps_rules_within_plan_limits() {
    let cities = [new_york()];
    let short = RuleSpec {
        max_chars: 30,
        ..spec(&[], &cities)
    };
    let expected = [
        "(\"new york\") -is:retweet",
        "(nyc OR brooklyn) -is:retweet",
    ];
    assert_eq!(values(&short).unwrap(), expected);
    let shorter = RuleSpec {
        max_chars: 20,
        ..short
    };
    let error = values(&shorter).unwrap_err();
    assert!(error.to_string().contains("\"new york\""), "{error}");
    let nameless = [city("nowhere", (0.0, 0.0), &[])];
    assert_eq!(values(&spec(&[], &nameless)), Err(RuleError::NoTerms));
    let many: Vec<_> = (0..27).map(|n| format!("w{n:0>400}")).collect();
    let error = values(&spec(&many, &cities)).unwrap_err();
    assert_eq!(error, RuleError::TooMany { rules: 27 });
}

#[test]
fn deletes_only_own_rules() {
    let wanted = |value: &str| Rule {
        value: value.to_owned(),
        tag: "moodvane:test".to_owned(),
    };
    let listed = |id: &str, value: &str, tag: Option<&str>| ActiveRule {
        id: id.to_owned(),
        value: value.to_owned(),
        tag: tag.map(str::to_owned),
    };
    let there = [
        listed("1", "old", Some("moodvane:test")),
        listed("2", "kept", Some("moodvane:test")),
        listed("3", "theirs", Some("moodvane:test-2")),
        listed("4", "untagged", None),
        listed("5", "shared", Some("other")),
    ];
    let changes = x::rule_changes(
        source(),
        &[wanted("kept"), wanted("new"), wanted("shared")],
        &there,
    );
    let expected = RuleChanges {
        add: vec![wanted("new")],
        delete: vec!["1".to_owned()],
    };
    assert_eq!(changes, expected);
    let add = json!({ "add": [{ "value": "new", "tag": "moodvane:test" }] });
    assert_eq!(changes.add_body(), Some(add));
    assert_eq!(
        changes.delete_body(),
        Some(json!({ "delete": { "ids": ["1"] } }))
    );
    let nothing = x::rule_changes(source(), &[wanted("kept")], &there[1..]);
    assert_eq!((nothing.add_body(), nothing.delete_body()), (None, None));
}

#[test]
fn reports_rejected_rule() {
    let summary = |made: u8, not: u8| json!({ "meta": { "summary": { "created": made, "not_created": not } } });
    for (answer, expected) in [
        (summary(1, 0), Ok(0)),
        (
            json!({ "meta": {}, "data": [{ "id": "1", "value": "a" }] }),
            Ok(1),
        ),
        (summary(1, 2), Err("2 rules not added")),
        (
            json!({ "errors": [{ "title": "UnprocessableRule", "details": ["no such operator"] }] }),
            Err("UnprocessableRule: no such operator"),
        ),
        (
            json!({ "errors": [{ "title": "DuplicateRule", "value": "a" }] }),
            Err("DuplicateRule: a"),
        ),
        (
            json!({ "errors": [{ "title": "Unauthorized", "detail": "no" }] }),
            Err("Unauthorized: no"),
        ),
        (json!({ "data": [{ "id": 1 }] }), Err("not JSON")),
        (json!([]), Err("not JSON")),
        (json!({}), Err("missing field `meta`")),
    ] {
        let found = x::parse_rule_changes(answer.to_string().as_bytes());
        match (found, expected) {
            (Ok(rules), Ok(n)) => assert_eq!(rules.len(), n),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, _) => panic!("{answer}: {found:?}"),
        }
    }
}

#[test]
fn requests_fields_used_by_parser() {
    let base = "https://api.x.com".parse().unwrap();
    let url = x::stream_url(&base, 0).to_string();
    assert!(url.starts_with("https://api.x.com/2/tweets/search/stream?tweet.fields="));
    assert!(url.contains("note_tweet"), "{url}");
    assert!(!url.contains("backfill"), "{url}");
    assert!(
        x::stream_url(&base, 9)
            .to_string()
            .ends_with("backfill_minutes=5")
    );
    let url = x::rules_url(&base).to_string();
    assert_eq!(url, "https://api.x.com/2/tweets/search/stream/rules");
}
