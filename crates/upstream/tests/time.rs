//! Times of tables: formats, patterns, zones, changes of the clock.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::str::FromStr;

use chrono_tz::Tz;
use common::{at, rfc3339};
use moodvane_upstream::table::{
    RecordReader, TableError, TableKind, TimeError, TimeFormat, column_value,
};
use proptest::prelude::*;

fn format(name: &str) -> TimeFormat {
    TimeFormat::from_str(name).unwrap()
}

fn in_zone(name: &str, zone: Tz) -> TimeFormat {
    format(name).with_zone(zone).unwrap()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn parses_time_formats() {
    let noon = "2018-01-01T12:00:00Z";
    for (name, text, expected) in [
        ("rfc3339", "2018-01-01T07:00:00-05:00", Some(noon)),
        ("rfc3339", "2018-01-01T12:00:00", None),
        ("unix_s", "1514808000", Some(noon)),
        (
            "unix_s",
            " 1514808000.25 ",
            Some("2018-01-01T12:00:00.250Z"),
        ),
        ("unix_s", "9223372036854775807", None),
        ("unix_s", "NaN", None),
        ("unix_s", "-1", None),
        ("unix_ms", "1514808000001", Some("2018-01-01T12:00:00.001Z")),
        ("unix_ms", "1.514808e12", Some(noon)),
        ("unix_ms", "noon", None),
        ("%Y-%m-%d %H:%M:%S", "2018-01-01 12:00:00", Some(noon)),
        ("%Y-%m-%d %H:%M:%S", "2018-01-01 12:00:00 and more", None),
        ("%d/%m/%Y %H:%M", "01/01/2018 12:00", Some(noon)),
        (
            "%Y-%m-%d %H:%M:%S %z",
            "2018-01-01 07:00:00 -0500",
            Some(noon),
        ),
        (
            "%a %b %d %H:%M:%S %z %Y",
            "Mon Jan 01 12:00:00 +0000 2018",
            Some(noon),
        ),
        ("%Y-%m-%d", "2018-01-01", Some("2018-01-01T00:00:00Z")),
        ("%Y-%m-%d", "2018-02-30", None),
        ("%s", "1514808000", Some(noon)),
        ("%+", "2018-01-01T07:00:00-05:00", Some(noon)),
        ("%c", "Mon Jan  1 12:00:00 2018", Some(noon)),
        ("%c", "Tue Jan  1 12:00:00 2018", None),
        ("%Y-%m-%d %H", "2018-01-01 12", Some(noon)),
        ("%Y-%m-%d %I %p", "2018-01-01 12 PM", Some(noon)),
        ("%m/%d/%Y %I:%M %p", "01/01/2018 12:00 pm", Some(noon)),
        (
            "%Y-%m-%d %H:%M:%S.%f",
            "2018-01-01 12:00:00.25",
            Some("2018-01-01T12:00:00.250Z"),
        ),
        ("pandas", "2018-01-01 12:00:00", Some(noon)),
        ("pandas", "2018-01-01T12:00:00", Some(noon)),
        ("pandas", "2018-01-01 12:00", Some(noon)),
        ("pandas", "2018-01-01 07:00:00-05:00", Some(noon)),
        ("pandas", "2018-01-01 12:00:00+00", Some(noon)),
        ("pandas", "2018-01-01T12:00:00Z", Some(noon)),
        (
            "pandas",
            "2018-01-01 12:00:00.123456+00:00",
            Some("2018-01-01T12:00:00.123Z"),
        ),
        ("pandas", "2018-01-01", Some("2018-01-01T00:00:00Z")),
        ("pandas", "NaT", None),
        (
            "sentiment140",
            "Mon Apr 06 22:19:45 PDT 2009",
            Some("2009-04-07T05:19:45Z"),
        ),
        ("sentiment140", "Mon Jan 01 12:00:00 +0000 2018", Some(noon)),
        ("sentiment140", "Mon Apr 06 22:19:45 XYZ 2009", None),
        ("sentiment140", "Tue Apr 06 22:19:45 PDT 2009", None),
        ("excel", "43101.5", Some(noon)),
        ("excel", "39909.928993055554", Some("2009-04-06T22:17:45Z")),
        ("excel", "1", None),
        ("excel", "4/6/2009", None),
        ("excel_us", "1/1/2018 12:00", Some(noon)),
        ("excel_us", "1/1/18 12:00", Some(noon)),
        ("excel_us", "01/01/2018 12:00:00 PM", Some(noon)),
        ("excel_us", "4/6/2009 22:19", Some("2009-04-06T22:19:00Z")),
        (
            "excel_us",
            "4/6/2009 10:19 PM",
            Some("2009-04-06T22:19:00Z"),
        ),
        ("excel_us", "4/6/2009", Some("2009-04-06T00:00:00Z")),
        ("excel_us", "25/6/2009", None),
        (
            "excel_eu",
            "6.4.2009 22:19:45",
            Some("2009-04-06T22:19:45Z"),
        ),
        ("excel_eu", "06/04/2009 22:19", Some("2009-04-06T22:19:00Z")),
    ] {
        let read = format(name).parse(text);
        assert_eq!(read.ok(), expected.map(rfc3339), "{text} by {name}");
    }
}

#[test]
fn refuses_pattern_with_ignored_part() {
    for pattern in [
        "",
        "iso",
        "%H:%M",
        "%Y",
        "%Q",
        "%Y-%m-%d %",
        "%d %H:%M",
        // 02:10 in the morning and in the afternoon.
        "%Y-%m-%d %I:%M",
        "%Y-%m-%d %p",
        // Minutes of no hour.
        "%Y-%m-%d %M",
        // chrono reads nanoseconds, and ".25" as 25 of them.
        "%Y-%m-%d %H:%M:%S,%f",
        // A moment that needs no zone.
        "%s %Z",
        "%Y-%m-%d %H:%M %s %Z",
    ] {
        let refused = TimeFormat::from_str(pattern).unwrap_err();
        assert!(
            matches!(refused, TableError::TimeFormat { .. }),
            "{pattern}: {refused}"
        );
    }
    insta::assert_snapshot!(
        TimeFormat::from_str("%Y-%m-%d %I:%M").unwrap_err(),
        @r#""%Y-%m-%d %I:%M" is not a time format: it does not determine a date and a time; expected one of auto, rfc3339, pandas, sentiment140, unix_s, unix_ms, excel, excel_us, excel_eu, or a pattern with date and time such as %Y-%m-%d %H:%M:%S"#
    );
}

#[test]
fn honours_zone_in_each_row() {
    let file = include_bytes!("fixtures/times/zones.csv");
    let mut reader = RecordReader::new(&file[..], TableKind::Csv).unwrap();
    let header = reader.header().cloned();
    let format = format("%Y-%m-%d %H:%M %Z");
    let mut found = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        let raw = record.content.unwrap();
        let text = column_value(&raw, header.as_ref(), "created_at").unwrap();
        found.push(match format.parse(&text) {
            Ok(at) => at.to_string(),
            Err(error) => error.to_string(),
        });
    }
    insta::assert_snapshot!(found.join("\n"), @r#"
    2018-01-01T10:10:00.000Z
    2018-01-01T02:10:00.000Z
    2017-12-31T20:40:00.000Z
    "2018-01-01 02:10 Banana" has the zone "Banana", expected UTC, an offset such as +05:30, an abbreviation of North America or Europe such as PST or CEST, a name such as America/New_York, or an abbreviation of the table's zone
    2017-12-31T20:40:00.000Z
    2018-07-01T00:10:00.000Z
    "#);
}

#[test]
fn zone_of_table_defines_local_times_and_its_abbreviations() {
    for (name, zone, text, expected) in [
        (
            "pandas",
            Tz::America__New_York,
            "2018-01-01 07:00:00",
            "2018-01-01T12:00:00Z",
        ),
        (
            "pandas",
            Tz::America__New_York,
            "2018-07-01 08:00:00",
            "2018-07-01T12:00:00Z",
        ),
        // A time that states its offset keeps it.
        (
            "pandas",
            Tz::America__New_York,
            "2018-01-01 12:00:00Z",
            "2018-01-01T12:00:00Z",
        ),
        (
            "excel",
            Tz::Europe__Berlin,
            "43101.5",
            "2018-01-01T11:00:00Z",
        ),
        (
            "%Y-%m-%d %H:%M %Z",
            Tz::Asia__Kolkata,
            "2018-01-01 02:10 IST",
            "2017-12-31T20:40:00Z",
        ),
        (
            "%Y-%m-%d %H:%M %Z",
            Tz::Asia__Shanghai,
            "2018-01-01 08:00 CST",
            "2018-01-01T00:00:00Z",
        ),
        (
            "%Y-%m-%d %H:%M %Z",
            Tz::America__New_York,
            "2018-01-01 00:00 PST",
            "2018-01-01T08:00:00Z",
        ),
    ] {
        let read = in_zone(name, zone).parse(text);
        assert_eq!(read, Ok(rfc3339(expected)), "{text} in {zone}");
    }
    for name in [
        "rfc3339",
        "unix_s",
        "unix_ms",
        "%s",
        "%Y-%m-%d %H:%M %z",
        "%+",
    ] {
        let refused = format(name).with_zone(Tz::America__New_York).unwrap_err();
        assert!(matches!(refused, TableError::UnusedZone { .. }), "{name}");
    }
}

#[test]
fn rejects_repeated_and_missing_local_times() {
    let format = in_zone("pandas", Tz::America__New_York);
    let repeated = format.parse("2018-11-04 01:30:00").unwrap_err();
    insta::assert_snapshot!(repeated, @r#""2018-11-04 01:30:00" occurs twice in America/New_York, when clocks are put back"#);
    let missing = format.parse("2018-03-11 02:30:00").unwrap_err();
    insta::assert_snapshot!(missing, @r#""2018-03-11 02:30:00" does not occur in America/New_York, when clocks are put forward"#);
    for (text, expected) in [
        ("2018-11-04 00:59:59", "2018-11-04T04:59:59Z"),
        ("2018-11-04 02:00:00", "2018-11-04T07:00:00Z"),
        ("2018-03-11 01:59:59", "2018-03-11T06:59:59Z"),
        ("2018-03-11 03:00:00", "2018-03-11T07:00:00Z"),
    ] {
        assert_eq!(format.parse(text), Ok(rfc3339(expected)), "{text}");
    }
    // An abbreviation tells the two hours apart.
    let stated = in_zone("%Y-%m-%d %H:%M %Z", Tz::America__New_York);
    for (text, expected) in [
        ("2018-11-04 01:30 EDT", "2018-11-04T05:30:00Z"),
        ("2018-11-04 01:30 EST", "2018-11-04T06:30:00Z"),
    ] {
        assert_eq!(stated.parse(text), Ok(rfc3339(expected)), "{text}");
    }
}

#[test]
fn offset_and_zone_of_one_text_must_agree() {
    let format = format("%a %b %d %Y %H:%M:%S GMT%z (%Z)");
    let both = "Mon Apr 06 2009 22:19:45 GMT-0700 (PDT)";
    assert_eq!(format.parse(both), Ok(rfc3339("2009-04-07T05:19:45Z")));
    let differ = "Mon Apr 06 2009 22:19:45 GMT-0700 (EST)";
    let error = format.parse(differ).unwrap_err();
    assert!(matches!(error, TimeError::OffsetsDiffer(_)), "{error}");
}

#[test]
fn auto_finds_and_names_format() {
    for (sample, expected) in [
        (
            &["2018-01-01T12:00:00Z", "2018-01-01T13:00:00+01:00"][..],
            r#"rfc3339, as "2018-01-01T12:00:00Z" (2 of 2 sampled times)"#,
        ),
        (
            &["2018-01-01 12:00:00", "", "NaT", "2018-01-01 13:00:00"],
            r#"pandas, local times in UTC because no zone is set, as "2018-01-01 12:00:00" (2 of 3 sampled times)"#,
        ),
        (
            &["Mon Apr 06 22:19:45 PDT 2009"],
            r#"sentiment140, as "Mon Apr 06 22:19:45 PDT 2009" (1 of 1 sampled times)"#,
        ),
        (
            &["1514808000"],
            r#"unix_s, as "1514808000" (1 of 1 sampled times)"#,
        ),
        (
            &["1514808000001"],
            r#"unix_ms, as "1514808000001" (1 of 1 sampled times)"#,
        ),
        (
            &["43101.5"],
            r#"excel, local times in UTC because no zone is set, as "43101.5" (1 of 1 sampled times)"#,
        ),
        (
            &["4/6/2009 22:19", "4/13/2009 22:19"],
            r#"excel_us, local times in UTC because no zone is set, as "4/6/2009 22:19" (2 of 2 sampled times)"#,
        ),
        (
            &["4/6/2009 22:19", "13/4/2009 22:19"],
            r#"excel_eu, local times in UTC because no zone is set, as "4/6/2009 22:19" (2 of 2 sampled times)"#,
        ),
    ] {
        let found = TimeFormat::detect(None, "at", sample.iter().copied()).unwrap();
        assert_eq!(found.to_string(), expected);
        let read = sample
            .iter()
            .filter(|text| found.format.parse(text).is_ok());
        assert_eq!(read.count(), found.fitting, "{sample:?}");
    }
    let local = TimeFormat::detect(Some(Tz::Asia__Tokyo), "at", ["2018-01-01 12:00"]).unwrap();
    assert!(
        local.to_string().contains("local times in Asia/Tokyo"),
        "{local}"
    );
}

#[test]
fn auto_refuses_unknown_and_ambiguous_times() {
    let detect = |sample: &[&str]| TimeFormat::detect(None, "at", sample.iter().copied());
    insta::assert_snapshot!(
        detect(&["noon", "2018-01-01", "later", "1"]).unwrap_err(),
        @r#"cannot find the format of the times in column "at", which begins with "noon", "2018-01-01", "later": name it"#
    );
    insta::assert_snapshot!(
        detect(&["4/6/2009 22:19", "5/6/2009 22:19"]).unwrap_err(),
        @r#"the times in column "at", which begins with "4/6/2009 22:19", "5/6/2009 22:19", are excel_us and excel_eu: name the right one"#
    );
    assert!(detect(&[]).is_err());
}

proptest! {
    #[test]
    fn no_time_or_pattern_panics(pattern in "[%a-zA-Z0-9:+.# -]{0,12}", text in ".{0,20}") {
        if let Ok(format) = TimeFormat::from_str(&pattern) {
            let _ = format.parse(&text);
        }
    }

    /// A local time that is read is the time in that zone; one that is not, the clock never or twice
    /// shows.
    #[test]
    fn local_times_round_trip_except_at_changes_of_clock(ms in 0_i64..4_000_000_000_000) {
        let zone = Tz::America__New_York;
        let format = in_zone("%Y-%m-%d %H:%M:%S", zone);
        let moment = at(ms / 1000 * 1000);
        let text = moment.to_chrono().with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string();
        match format.parse(&text) {
            Ok(read) => prop_assert_eq!(read, moment),
            Err(error) => prop_assert!(matches!(error, TimeError::Repeated { .. }), "{}", error),
        }
    }
}
