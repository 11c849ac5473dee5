//! Ranges of local hours and of hours with an offset.

use super::*;
use proptest::prelude::*;

fn requested(text: &str) -> RequestedHour {
    RequestedHour::parse("begin", text).unwrap()
}

fn range(zone: &str, begin: &str, end: &str) -> Result<(String, String), String> {
    let zone = Zone::parse(zone).unwrap();
    let range = zone.range(requested(begin), requested(end));
    let range = range.map_err(|problem| problem.type_name().to_owned())?;
    Ok((range.begin().to_string(), range.end().to_string()))
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn range_follows_local_clocks() {
    let new_york = "America/New_York";
    let cases = [
        (
            "winter",
            new_york,
            ("2018-01-01 00", "2018-01-01 01"),
            ("2018-01-01 05", "2018-01-01 06"),
        ),
        (
            "summer",
            new_york,
            ("2018-07-01 00", "2018-07-01 00"),
            ("2018-07-01 04", "2018-07-01 04"),
        ),
        (
            "put back: both hours",
            new_york,
            ("2018-11-04 01", "2018-11-04 01"),
            ("2018-11-04 05", "2018-11-04 06"),
        ),
        (
            "put back: after both",
            new_york,
            ("2018-11-04 02", "2018-11-04 02"),
            ("2018-11-04 07", "2018-11-04 07"),
        ),
        (
            "put forward, begin: the next",
            new_york,
            ("2018-03-11 02", "2018-03-11 03"),
            ("2018-03-11 07", "2018-03-11 07"),
        ),
        (
            "put forward, end: the one before",
            new_york,
            ("2018-03-11 01", "2018-03-11 02"),
            ("2018-03-11 06", "2018-03-11 06"),
        ),
        (
            "far east",
            "Pacific/Kiritimati",
            ("2018-01-01 00", "2018-01-01 00"),
            ("2017-12-31 10", "2017-12-31 10"),
        ),
        (
            "skipped day, begin",
            "Pacific/Apia",
            ("2011-12-30 12", "2011-12-31 00"),
            ("2011-12-30 10", "2011-12-30 10"),
        ),
        (
            "utc",
            "UTC",
            ("2018-01-01 00", "2018-01-01 00"),
            ("2018-01-01 00", "2018-01-01 00"),
        ),
    ];
    for (name, zone, (begin, end), (first, last)) in cases {
        let expected = Ok((first.to_owned(), last.to_owned()));
        assert_eq!(range(zone, begin, end), expected, "{name}");
    }
}

#[test]
fn rejects_range_without_hours() {
    let cases = [
        (
            "America/New_York",
            "2018-03-11 02",
            "2018-03-11 02",
            "/problems/invalid-hour",
        ),
        (
            "America/New_York",
            "2018-03-11 05",
            "2018-03-11 04",
            "/problems/end-before-begin",
        ),
        (
            "Asia/Kolkata",
            "2018-03-11 02",
            "2018-03-11 02",
            "/problems/fractional-zone",
        ),
    ];
    for (zone, begin, end, kind) in cases {
        assert_eq!(
            range(zone, begin, end),
            Err(kind.to_owned()),
            "{zone} {begin}"
        );
    }
    let howe = Zone::parse("Australia/Lord_Howe").unwrap();
    let summer = howe.range(requested("2018-01-01 00"), requested("2018-01-02 00"));
    assert_eq!(howe.require_whole_hours(summer.unwrap()), Ok(()));
    let year = howe.range(requested("2018-01-01 00"), requested("2018-12-31 00"));
    assert!(howe.require_whole_hours(year.unwrap()).is_err());
}

#[test]
fn rejects_hours_outside_supported_years_with_reason() {
    for (zone, begin, end, field) in [
        (
            "America/New_York",
            "9999-12-31 22",
            "9999-12-31 23",
            "begin",
        ),
        ("America/New_York", "9999-12-31 10", "9999-12-31 23", "end"),
        ("Asia/Tokyo", "1970-01-01 00", "1970-01-01 20", "begin"),
        ("Asia/Tokyo", "1970-01-01 03", "1970-01-01 04", "begin"),
        (
            "Asia/Tokyo",
            "9999-12-31T12:00:00Z",
            "9999-12-31T20:00:00Z",
            "end",
        ),
        (
            "America/New_York",
            "1970-01-01T02:00:00Z",
            "1970-01-02 00",
            "begin",
        ),
    ] {
        let zone = Zone::parse(zone).unwrap();
        let problem = zone.range(requested(begin), requested(end)).unwrap_err();
        assert!(
            problem.detail().starts_with(&format!("\"{field}\"")),
            "{problem:?}"
        );
        assert!(
            problem.detail().contains("9999-12-31 23 in UTC"),
            "{problem:?}"
        );
    }
    let last = ("9999-12-31 18", "9999-12-31 18");
    let expected = ("9999-12-31 23", "9999-12-31 23");
    let expected = Ok((expected.0.to_owned(), expected.1.to_owned()));
    assert_eq!(range("America/New_York", last.0, last.1), expected);
}

#[test]
fn hour_with_offset_does_not_depend_on_zone() {
    let expected = Ok(("2018-11-04 06".to_owned(), "2018-11-04 08".to_owned()));
    for zone in ["America/New_York", "UTC", "Asia/Tokyo"] {
        let found = range(zone, "2018-11-04T01:00:00-05:00", "2018-11-04T08:00:00Z");
        assert_eq!(found, expected, "{zone}");
    }
    let reversed = range("UTC", "2018-11-04T01:00:00-05:00", "2018-11-04 05");
    assert_eq!(reversed, Err("/problems/end-before-begin".to_owned()));
}

#[test]
fn rfc3339_has_offset() {
    let rfc3339 =
        |zone: &str, hour: &str| Zone::parse(zone).unwrap().rfc3339(hour.parse().unwrap());
    assert_eq!(
        rfc3339("UTC", "2018-01-01 02").unwrap(),
        "2018-01-01T02:00:00Z"
    );
    assert_eq!(
        rfc3339("America/New_York", "2018-11-04 05").unwrap(),
        "2018-11-04T01:00:00-04:00"
    );
    assert_eq!(
        rfc3339("America/New_York", "2018-11-04 06").unwrap(),
        "2018-11-04T01:00:00-05:00"
    );
    assert_eq!(
        rfc3339("Asia/Tokyo", "2018-11-04 06").unwrap(),
        "2018-11-04T15:00:00+09:00"
    );
}

proptest! {
    #[test]
    fn range_of_local_hour_contains_hour(index in 100u32..900_000) {
        for zone in ["America/New_York", "Europe/London", "Pacific/Auckland"] {
            let zone = Zone::parse(zone).unwrap();
            let hour = HourSlot::from_index(index).unwrap();
            let local = zone.local_hour(hour).unwrap();
            let bound = RequestedHour::Local(local);
            let range = zone.range(bound, bound).unwrap();
            prop_assert!(range.begin() <= hour && hour <= range.end());
            prop_assert!(range.hours() <= 2);
            let bound = RequestedHour::Utc(hour);
            let range = zone.range(bound, bound).unwrap();
            prop_assert_eq!((range.begin(), range.end()), (hour, hour));
        }
    }
}
