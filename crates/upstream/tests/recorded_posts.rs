//! Parses the optional recorded messages of X and Mastodon, file by file; `recorded.rs` covers Bluesky.
//! The expected values were read from the files independently of this crate. The recorded files are not
//! part of the repository.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::{everything, files_in, posts, shared, source};
use moodvane_upstream::mastodon::{self, MastodonFormat};
use moodvane_upstream::sse::{Event, EventDecoder};
use moodvane_upstream::x::{self, XFormat};
use moodvane_upstream::{DropReason, PostFormat, RawMessage};
use serde_json::{Value, json};
use yaml_rust2::{Yaml, YamlLoader};

/// Identifier, language, bytes of text and time of writing of a post, or the drop reason.
type ExpectedPost = (
    &'static str,
    Result<(Option<&'static str>, usize, i64), &'static str>,
);

fn check(
    file: &str,
    format: &dyn PostFormat,
    raws: &[(String, RawMessage)],
    expected: &[ExpectedPost],
) {
    let mut found = Vec::new();
    for (id, raw) in raws {
        let outcome = match posts(format, raw) {
            Err(dropped) => Err(dropped.label()),
            Ok(posts) => {
                let post = &posts[0];
                assert_eq!(post.id(), id, "{file}");
                let language = post.language.map(|l| l.to_string());
                Ok((language, post.text().len(), post.created_at.millis()))
            }
        };
        found.push((id.clone(), outcome));
    }
    let expected: Vec<_> = expected
        .iter()
        .map(|(id, outcome)| {
            let outcome = outcome.map(|(language, len, at)| (language.map(str::to_owned), len, at));
            ((*id).to_owned(), outcome)
        })
        .collect();
    assert_eq!(found, expected, "{file}");
}

const X: &str = "recorded/x";

fn x_file(name: &str) -> Option<Value> {
    let body = fs::read(shared(X)?.join(name)).unwrap();
    Some(serde_json::from_slice(&body).unwrap())
}

/// The stream messages for the posts of a recorded page: one message per post.
fn messages(page: &Value) -> Vec<(String, RawMessage)> {
    let posts = match &page["data"] {
        Value::Array(posts) => posts.clone(),
        one => vec![one.clone()],
    };
    let message = |post: Value| {
        let id = post["id"].as_str().unwrap_or("none").to_owned();
        let message =
            json!({ "data": post, "includes": page.get("includes").unwrap_or(&json!({})) });
        (id, RawMessage::Text(message.to_string()))
    };
    posts.into_iter().map(message).collect()
}

fn x_format() -> XFormat {
    XFormat::new(source(), everything(), BTreeSet::new())
}

#[test]
fn tests_cover_all_recorded_files_of_x_and_mastodon() {
    let Some(files) = files_in(X) else {
        return;
    };
    let tested = [
        "models__meta_stream.json",
        "models__tweet.json",
        "searches__search_tweets_for_nyc.json",
        "searches__search_tweets_query.json",
        "streams__get_rules.json",
        "streams__post_rules.json",
        "timeline__timeline_tweets.json",
        "tweet__tweet_quote_tweets_resp.json",
        "tweet__tweet_resp.json",
        "tweet__tweets_counts_recent_resp.json",
        "tweet__tweets_resp.json",
    ];
    assert_eq!(files, tested);
    let tested = [
        "test_stream_direct.yaml",
        "test_stream_healthy.yaml",
        "test_stream_user_direct.yaml",
        "test_stream_user_local.yaml",
    ];
    assert_eq!(files_in(MASTODON).unwrap(), tested);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn parses_recorded_x_posts() {
    let en = Some("en");
    let repost = Err("repost");
    let table: [(&str, Vec<ExpectedPost>); 6] = [
        (
            "searches__search_tweets_for_nyc.json",
            vec![
                ("1275840892285399041", repost),
                ("1275840892281249793", Ok((en, 149, 1_593_019_147_000))),
                ("1275840891014561796", Ok((en, 249, 1_593_019_147_000))),
                ("1275840886774075396", repost),
                ("1275840884769259523", repost),
                (
                    "1275840878238552064",
                    Ok((Some("de"), 273, 1_593_019_144_000)),
                ),
                ("1275840877651546113", repost),
                ("1275840876997050369", repost),
                ("1275840876074369025", repost),
                ("1275840875466305542", repost),
            ],
        ),
        (
            "searches__search_tweets_query.json",
            vec![
                ("1276035977375477760", Ok((en, 115, 1_593_065_659_000))),
                ("1275882613572583424", Ok((en, 116, 1_593_029_094_000))),
                // Its language is undetermined.
                ("1275763727908798470", Ok((None, 45, 1_593_000_749_000))),
                ("1275653067283759104", Ok((en, 286, 1_592_974_366_000))),
            ],
        ),
        (
            "timeline__timeline_tweets.json",
            vec![
                ("1364275610764201984", Ok((None, 280, 1_614_103_627_000))),
                ("1362876655061073928", Ok((None, 289, 1_613_770_090_000))),
                ("1362439338978467841", Ok((None, 225, 1_613_665_825_000))),
                ("1362439338169016324", Ok((None, 288, 1_613_665_825_000))),
                ("1362439336910675970", Ok((None, 190, 1_613_665_825_000))),
            ],
        ),
        (
            // The recorded request did not ask for references, so reposts cannot be detected.
            "tweet__tweet_quote_tweets_resp.json",
            vec![
                ("1495979553889697792", Ok((None, 142, 1_645_504_294_000))),
                ("1486385372401737728", Ok((None, 142, 1_643_216_863_000))),
                ("1480954678447857669", Ok((None, 142, 1_641_922_084_000))),
                ("1480639272721940486", Ok((None, 142, 1_641_846_886_000))),
                ("1471614967207976961", Ok((None, 142, 1_639_695_324_000))),
                ("1470423243513372679", Ok((None, 142, 1_639_411_195_000))),
                ("1469125403373568001", Ok((None, 142, 1_639_101_765_000))),
                ("1468633446935318529", Ok((None, 142, 1_638_984_474_000))),
                ("1438256410417143809", Ok((None, 142, 1_631_742_024_000))),
                ("1430934381829492746", Ok((None, 142, 1_629_996_316_000))),
                ("1430373406545960964", Ok((None, 142, 1_629_862_569_000))),
                ("1429820327463378946", Ok((None, 142, 1_629_730_705_000))),
                ("1427332549479526400", Ok((None, 95, 1_629_137_573_000))),
                ("1426794955905769476", Ok((None, 142, 1_629_009_400_000))),
                ("1422638903412940805", Ok((None, 313, 1_628_018_520_000))),
            ],
        ),
        (
            // Without `created_at`, the time comes from the snowflake id.
            "tweet__tweet_resp.json",
            vec![("1067094924124872705", Ok((None, 130, 1_543_250_230_233)))],
        ),
        (
            "tweet__tweets_resp.json",
            vec![
                ("1261326399320715264", Ok((None, 152, 1_589_558_622_000))),
                ("1278347468690915330", Ok((None, 43, 1_593_616_761_000))),
            ],
        ),
    ];
    for (name, expected) in table {
        let Some(page) = x_file(name) else {
            return;
        };
        check(name, &x_format(), &messages(&page), &expected);
    }
}

#[test]
fn rejects_recorded_x_bodies_other_than_messages() {
    let name = "models__tweet.json";
    let Some(post) = x_file(name) else {
        return;
    };
    let alone = posts(&x_format(), &RawMessage::Text(post.to_string())).unwrap_err();
    assert_eq!(alone.to_string(), "data: is missing");
    let expected = [(
        "1212092628029698048",
        Ok((Some("en"), 249, 1_577_820_376_000)),
    )];
    check(
        name,
        &x_format(),
        &messages(&json!({ "data": post })),
        &expected,
    );

    let counts = x_file("tweet__tweets_counts_recent_resp.json").unwrap();
    for (_, raw) in messages(&counts) {
        let dropped = posts(&x_format(), &raw).unwrap_err();
        assert!(
            dropped.to_string().contains("missing field `id`"),
            "{dropped}"
        );
    }
    let whole = posts(&x_format(), &RawMessage::Text(counts.to_string())).unwrap_err();
    assert!(matches!(whole, DropReason::Malformed { .. }), "{whole}");
}

#[test]
fn parses_recorded_x_rules() {
    let Some(listed) = x_file("streams__get_rules.json") else {
        return;
    };
    let outcome = |rule: &x::ActiveRule| (rule.id.clone(), rule.value.clone(), rule.tag.clone());
    let rule = |id: &str, value: &str, tag: Option<&str>| {
        (id.to_owned(), value.to_owned(), tag.map(str::to_owned))
    };
    let found = x::parse_rules(listed.to_string().as_bytes()).unwrap();
    assert_eq!(
        found.iter().map(outcome).collect::<Vec<_>>(),
        [
            rule(
                "1165037377523306497",
                "dog has:images",
                Some("dog pictures")
            ),
            rule("1165037377523306498", "cat has:images -grumpy", None),
        ]
    );
    let added = x_file("streams__post_rules.json").unwrap();
    let found = x::parse_rule_changes(added.to_string().as_bytes()).unwrap();
    assert_eq!(
        found.iter().map(outcome).collect::<Vec<_>>(),
        [
            rule("1166895166390583299", "meme", Some("funny things")),
            rule(
                "1166895166390583296",
                "cats has:media -grumpy",
                Some("happy cats with media")
            ),
            rule(
                "1166895166390583297",
                "cat has:media",
                Some("cats with media")
            ),
            rule("1166895166390583298", "meme has:images", None),
        ]
    );
    let meta = x_file("models__meta_stream.json").unwrap();
    let alone = x::parse_rule_changes(meta.to_string().as_bytes()).unwrap_err();
    assert_eq!(alone.reason(), "missing_field");
    let around = json!({ "meta": meta }).to_string();
    assert_eq!(x::parse_rule_changes(around.as_bytes()).unwrap(), []);
}

const MASTODON: &str = "recorded/mastodon";

/// The recorded stream bodies of a file, each with its path.
fn streams(name: &str) -> Option<Vec<(String, String)>> {
    let text = fs::read_to_string(shared(MASTODON)?.join(name)).unwrap();
    let recorded = YamlLoader::load_from_str(&text).unwrap().remove(0);
    let mut streams = Vec::new();
    for exchange in recorded["interactions"].as_vec().unwrap() {
        let said = |value: &Yaml| value.as_str().unwrap().to_owned();
        let uri = said(&exchange["request"]["uri"]);
        if let Some((_, path)) = uri.split_once("/api/v1/streaming/") {
            let body = said(&exchange["response"]["body"]["string"]);
            streams.push((path.to_owned(), body));
        }
    }
    Some(streams)
}

fn events(body: &str) -> Vec<Event> {
    let mut decoder = EventDecoder::default();
    let events = body
        .split('\n')
        .map(|line| decoder.push_line(line).unwrap());
    events.flatten().collect()
}

#[test]
fn parses_recorded_mastodon_streams() {
    let ja = Some("ja");
    let status = "117024236332527350";
    let table: [(&str, &str, Vec<ExpectedPost>); 5] = [
        (
            "test_stream_direct.yaml",
            "direct",
            vec![("conversation", Err("not_a_post"))],
        ),
        // Not a stream: the body is `OK`, which is not an event.
        ("test_stream_healthy.yaml", "health", vec![]),
        (
            "test_stream_user_direct.yaml",
            "direct",
            vec![("conversation", Err("not_a_post")); 2],
        ),
        (
            "test_stream_user_direct.yaml",
            "user",
            vec![
                (status, Ok((ja, 23, 1_785_648_137_399))),
                ("notification", Err("not_a_post")),
                ("117024236559579118", Err("not_public")),
                ("notification", Err("not_a_post")),
                ("status.update", Err("updated")),
                ("delete", Err("deleted")),
            ],
        ),
        (
            "test_stream_user_local.yaml",
            "user",
            vec![("117024248092393661", Ok((ja, 13, 1_785_648_316_840)))],
        ),
    ];
    for (name, path, expected) in table {
        let Some(streams) = streams(name) else {
            return;
        };
        let (_, body) = streams.iter().find(|(p, _)| p == path).unwrap();
        let raws: Vec<_> = events(body)
            .iter()
            .map(|event| {
                let raw = mastodon::raw_message(event);
                let id = mastodon::new_status_id(&raw).unwrap_or_else(|| event.name.clone());
                (id, raw)
            })
            .collect();
        let format = MastodonFormat::new(source(), everything());
        check(&format!("{name}, {path}"), &format, &raws, &expected);
    }
}

#[test]
fn extracts_visible_text_of_recorded_status() {
    let Some(streams) = streams("test_stream_user_local.yaml") else {
        return;
    };
    let event = events(&streams[0].1).remove(0);
    let format = MastodonFormat::new(source(), everything());
    let found = posts(&format, &mastodon::raw_message(&event)).unwrap();
    assert_eq!(found[0].text(), "it's cool guy");
}
