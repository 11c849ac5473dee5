//! The configuration of post sources, formatters and circuit breakers, and the resend budget.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use moodvane_ingester::{Input, SourceConfig, Speed};
use moodvane_model::{ResendBudget, Timestamp, Topic};
use moodvane_upstream::mastodon::Timeline;

use support::settings::read;

#[test]
fn reads_bluesky_source_with_defaults_of_its_host() {
    let bluesky = |more: &str| {
        let (config, faults) = read(&format!(
            "[[source]]\nkind = \"bluesky\"\nid = \"b\"\n{more}\n"
        ));
        let mut config = config.unwrap_or_else(|| panic!("{more}: {faults}"));
        let SourceConfig::Bluesky(bluesky) = config.sources.remove(0) else {
            panic!("{config:?}");
        };
        bluesky
    };
    let default = bluesky("");
    assert_eq!(
        default.base_url.host_str(),
        Some("jetstream2.us-east.bsky.network")
    );
    assert_eq!(default.other_urls.len(), 3);
    assert_eq!(default.rewind.as_secs(), 5);
    assert_eq!(default.max_age.map(|age| age.as_secs()), Some(86_400));
    let own = bluesky("base_url = \"wss://j.example\"\nmax_age_s = 0\nrewind_s = 0");
    assert!(
        own.other_urls.is_empty(),
        "the default hosts have another stream"
    );
    assert_eq!((own.max_age, own.rewind.as_secs()), (None, 0));
    let own = bluesky("other_urls = [\"wss://j.example\"]");
    assert_eq!(own.other_urls.len(), 1);
    let (_, faults) = read("[[source]]\nkind = \"bluesky\"\nid = \"b\"\nmax_age_s = -1\n");
    assert!(faults.contains("max_age_s"), "{faults}");
}

#[test]
fn reads_x_source_with_token_budget_and_rules() {
    let x = |more: &str| read(&format!("[[source]]\nkind = \"x\"\nid = \"x\"\n{more}\n"));
    let token = "token_env = \"CARGO_PKG_NAME\"\nposts_per_day = 100";
    for (more, says) in [
        ("posts_per_day = 100", "X requires a bearer token"),
        ("token_env = \"CARGO_PKG_NAME\"", "posts_per_day"),
        ("token = \"hunter2\"\nposts_per_day = 100", "is a secret"),
        (
            &format!("{token}\nbackfill_minutes = 6"),
            "backfill_minutes",
        ),
        (&format!("{token}\nrule_chars = 63"), "rule_chars"),
        (&format!("{token}\nplaces = 1"), "true or false"),
        (
            &format!("{token}\nwords = [\"{}\"]", "w".repeat(600)),
            "does not fit",
        ),
        (
            &format!("{token}\nbase_url = \"ws://x.example\""),
            "http://",
        ),
    ] {
        let (config, faults) = x(more);
        assert!(
            config.is_none() && faults.contains(says),
            "{more}: {faults}"
        );
        assert!(!faults.contains("hunter2"), "{faults}");
    }
    let (config, faults) = x(&format!("{token}\nlanguage = \"en\"\nplaces = true"));
    let source = config
        .unwrap_or_else(|| panic!("{faults}"))
        .sources
        .remove(0);
    assert!(!source.is_replayable() && !source.is_finite());
    let SourceConfig::X(x) = source else {
        panic!("{source:?}");
    };
    let expected = "(\"new york\" OR nyc OR point_radius:[-74 40.7 40km]) lang:en -is:retweet";
    assert_eq!(x.rules[0].value, expected);
    assert_eq!(x.base_url.as_str(), "https://api.x.com/");
    assert!(
        !format!("{x:?}").contains("moodvane-ingester\""),
        "hides the token"
    );
}

#[test]
fn reads_mastodon_timelines() {
    let base = "base_url = \"https://m.example\"";
    let read = |more: &str| {
        read(&format!(
            "[[source]]\nkind = \"mastodon\"\nid = \"m\"\n{base}\n{more}\n"
        ))
    };
    for (more, expected) in [
        ("", Timeline::Public),
        ("timeline = \"local\"", Timeline::Local),
        (
            "timeline = \"hashtag\"\nhashtag = \"#NYC\"",
            Timeline::Hashtag("NYC".to_owned()),
        ),
    ] {
        let (config, faults) = read(more);
        let source = config
            .unwrap_or_else(|| panic!("{faults}"))
            .sources
            .remove(0);
        assert!(!source.is_replayable());
        let SourceConfig::Mastodon(mastodon) = source else {
            panic!("{source:?}");
        };
        assert_eq!(mastodon.timeline, expected);
        assert_eq!(mastodon.streaming_url, mastodon.base_url);
        assert!(mastodon.token.is_none());
    }
    for (more, says) in [
        ("timeline = \"home\"", "public, local or hashtag"),
        ("timeline = \"hashtag\"", "is required"),
        ("hashtag = \"nyc\"", "is allowed only if"),
        ("timeline = \"hashtag\"\nhashtag = \"new york\"", "one word"),
        (
            "streaming_url = \"wss://m.example\"",
            "source[0].streaming_url",
        ),
    ] {
        let (config, faults) = read(more);
        assert!(
            config.is_none() && faults.contains(says),
            "{more}: {faults}"
        );
    }
}

#[test]
fn checks_limits_of_formatters_and_circuit() {
    for (text, part) in [
        ("formatters_least = 11", "must not be above formatters, 10"),
        ("circuit_failures = 0", "circuit_failures"),
        ("circuit_rest_ms = 0", "circuit_rest_ms"),
        ("deadline_ms = 999", "deadline_ms"),
    ] {
        let (config, faults) = read(&format!("[ingester]\n{text}\n"));
        assert!(
            config.is_none() && faults.contains(part),
            "{text}: {faults}"
        );
    }
}

/// A `post-file` source with more keys.
fn post_file(id: &str, path: &str, more: &str) -> String {
    format!(
        "[[source]]\nkind = \"post-file\"\nid = \"{id}\"\npath = \"{path}\"\nid_column = \"id\"\ntext_column = \"text\"\ntime_column = \"at\"\ntime_format = \"rfc3339\"\n{more}\n"
    )
}

#[test]
fn reads_input_start_and_speed_of_files() {
    let since = Timestamp::parse_rfc3339("2018-01-01T00:00:00Z").unwrap();
    let file = Input::File("tweets.tsv".into());
    for (path, more, input, since, speed) in [
        ("tweets.tsv", "", &file, None, None),
        ("tweets.tsv", "speed = 0\nsince = \"\"", &file, None, None),
        (
            "-",
            "format = \"tsv\"\nspeed = 1",
            &Input::Stdin,
            None,
            Speed::new(1.0),
        ),
        (
            "tweets.tsv",
            "since = \"2018-01-01T00:00:00Z\"\nspeed = 0.5",
            &file,
            Some(since),
            Speed::new(0.5),
        ),
    ] {
        let (config, faults) = read(&post_file("tweets", path, more));
        let mut config = config.unwrap_or_else(|| panic!("{faults}"));
        let source = config.sources.remove(0);
        assert!(source.is_replayable(), "needs no spool");
        let SourceConfig::PostFile(posts) = source else {
            panic!("{more}");
        };
        let found = (&posts.file.input, posts.file.since, posts.file.speed);
        assert_eq!(found, (input, since, speed), "{more}");
        assert_eq!(posts.file.format.name(), "tsv");
    }
}

#[test]
fn rejects_invalid_inputs() {
    let stdin = post_file("a", "-", "format = \"jsonl\"");
    for (text, says) in [
        (post_file("a", "-", ""), "standard input has no name"),
        (post_file("a", "a.tsv", "speed = -1"), "0 to 1000000"),
        (post_file("a", "a.tsv", "speed = 1000001"), "0 to 1000000"),
        (post_file("a", "a.tsv", "speed = 0.0009"), "or 0.001 to"),
        (
            post_file("a", "a.tsv", "speed = \"fast\""),
            "must be a number",
        ),
        (post_file("a", "a.tsv", "since = \"monday\""), "\"monday\""),
        (
            format!("{stdin}{}", post_file("b", "-", "format = \"csv\"")),
            "the input of another source",
        ),
    ] {
        let (config, faults) = read(&text);
        assert!(
            config.is_none() && faults.contains(says),
            "{says} in {faults}"
        );
    }
}

/// The sources of the tests of the resend budget, without the ones of the defaults.
const BUDGET_SOURCES: [(&str, &str); 5] = [
    (
        "bluesky",
        "[[source]]\nkind = \"bluesky\"\nid = \"a\"\nbase_url = \"wss://a.example\"\nrewind_s = 5\n",
    ),
    (
        "two hosts",
        "[[source]]\nkind = \"bluesky\"\nid = \"b\"\nbase_url = \"wss://a.example\"\n\
         other_urls = [\"wss://b.example\"]\nrewind_s = 5\n",
    ),
    (
        "mastodon",
        "[[source]]\nkind = \"mastodon\"\nid = \"c\"\nbase_url = \"https://c.example\"\ntimeline = \"public\"\n",
    ),
    (
        "file",
        "[[source]]\nkind = \"post-file\"\nid = \"d\"\npath = \"posts.csv\"\nid_column = \"id\"\n\
         text_column = \"text\"\ntime_column = \"at\"\ntime_format = \"rfc3339\"\n",
    ),
    (
        "weather",
        "[[source]]\nkind = \"open-meteo\"\nid = \"e\"\nbase_url = \"https://e.example\"\npoll_s = 60\n\
         history_days = 7\n",
    ),
];

#[test]
fn resend_budget_adds_up_sources_of_topic() {
    let budget = |in_flight, unsaved, rewind| ResendBudget {
        in_flight,
        unsaved,
        rewind,
        spool: 2_000,
    };
    let (tweet, weather) = (Topic::Tweet, Topic::Temperature);
    for (names, topic, expected) in [
        (vec!["bluesky"], tweet, budget(2_000, 16_384, 500)),
        (vec!["two hosts"], tweet, budget(2_000, 16_384, 6_000)),
        (vec!["mastodon"], tweet, budget(2_000, 16_384, 1_000)),
        (vec!["file"], tweet, budget(8_000, 16_384, 0)),
        (
            vec!["bluesky", "mastodon", "file"],
            tweet,
            budget(12_000, 16_384, 1_500),
        ),
        (vec!["bluesky", "weather"], weather, budget(168, 0, 0)),
        (vec!["bluesky"], weather, budget(0, 0, 0)),
    ] {
        let texts = BUDGET_SOURCES
            .iter()
            .filter(|(name, _)| names.contains(name));
        let (config, faults) = read(&texts.map(|(_, text)| *text).collect::<String>());
        let config = config.unwrap_or_else(|| panic!("{names:?}: {faults}"));
        assert_eq!(config.resend_budget(topic), expected, "{names:?}");
    }
}

#[test]
fn rejects_budget_over_duplicate_window() {
    // The defaults: Bluesky with other hosts, so 24,384 records beside those in flight.
    let limits = |batches, window| {
        read(&format!(
            "[ingester]\nbatch_posts = 1024\nbatches_in_flight = {batches}\n[processor]\nwindow = {window}\n"
        ))
    };
    for (batches, window) in [(40, 65_536), (32, 57_152), (1, 25_408)] {
        let (config, faults) = limits(batches, window);
        assert!(config.is_some(), "{batches} {window}: {faults}");
    }
    for (batches, window) in [(41, 65_536), (32, 57_151), (1, 25_407), (1, 1)] {
        let (config, faults) = limits(batches, window);
        assert!(config.is_none(), "{batches} {window}");
        for part in [
            "processor.window",
            "of topic tweet",
            "16384 behind unsaved cursors",
            "or lower ingester",
        ] {
            assert!(faults.contains(part), "{part} in {faults}");
        }
    }
}
