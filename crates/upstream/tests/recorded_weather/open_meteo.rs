//! Recorded responses of Open-Meteo.

use moodvane_upstream::open_meteo;

use crate::body;
use crate::common::{Values, files_in, rfc3339, values};

/// The expected result of a file.
enum Expected {
    Current(&'static str, Values),
    Hours(Vec<Values>),
    /// The errors when parsed as current weather and as hours.
    Error([&'static str; 2]),
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn parses_recorded_open_meteo_responses() {
    use Expected::{Current, Error, Hours};
    let folder = "recorded/weather/open-meteo";
    let Some(files) = files_in(folder) else {
        return;
    };
    let alone = |celsius| [Some(celsius), None, None, None, None, None];
    let hours = [
        [17.7, 61.0, 0.0, 2.62, 100.0, 1007.6],
        [17.1, 61.0, 0.3, 2.9, 99.0, 1007.0],
        [16.6, 62.0, 0.1, 2.4, 93.0, 1006.8],
        [16.2, 61.0, 1.1, 2.55, 95.0, 1005.7],
        [15.8, 60.0, 2.6, 2.72, 1.0, 1006.2],
    ]
    .map(|hour| hour.map(Some))
    .to_vec();
    // The same numbers in a response that states °F.
    let celsius = [-7.944_444, -8.277_778, -8.555_556, -8.777_778, -9.0].map(Some);
    let mut fahrenheit = hours.clone();
    for (hour, celsius) in fahrenheit.iter_mut().zip(celsius) {
        hour[0] = celsius;
    }
    let expected = [
        (
            "openmeteo.cpp-test-0.json",
            Current("2022-09-08T13:00:00Z", alone(16.8)),
        ),
        (
            "openmeteo.cpp-test-1.json",
            Current("2022-10-23T22:00:00Z", alone(13.0)),
        ),
        (
            "openmeteo.cpp-test-2.json",
            Error(["wrong_type", "missing_field"]),
        ),
        ("openmeteo.cpp-test-3.json", Hours(hours.clone())),
        (
            "openmeteo.cpp-test-4.json",
            Error(["missing_field", "wrong_unit"]),
        ),
        ("openmeteo.cpp-test-5.json", Hours(fahrenheit)),
        (
            "openmeteo.doc-example-0.json",
            Current("2022-09-08T13:00:00Z", alone(16.8)),
        ),
        ("openmeteo.doc-example-1.json", Hours(hours)),
    ];
    let named: Vec<_> = expected
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(files, named, "every file has its expectation");

    for (name, expected) in expected {
        let body = body(folder, name);
        let current = open_meteo::parse_current(&body);
        let history = open_meteo::parse_history(&body, rfc3339("2030-01-01T00:00:00Z"));
        match expected {
            Current(at, values_expected) => {
                let found = current.unwrap();
                assert_eq!(
                    (found.observed_at, values(&found.readings)),
                    (rfc3339(at), values_expected),
                    "{name}"
                );
                assert_eq!(history.unwrap_err().reason(), "missing_field", "{name}");
            }
            Hours(values_expected) => {
                let first = rfc3339("2022-09-08T00:00:00Z");
                let (times, found): (Vec<_>, Vec<_>) = history
                    .unwrap()
                    .iter()
                    .map(|hour| (hour.observed_at, values(&hour.readings)))
                    .unzip();
                let hour = |i: i64| first.checked_add_millis(i * 3_600_000).unwrap();
                assert_eq!(times, (0..5).map(hour).collect::<Vec<_>>(), "{name}");
                assert_eq!(found, values_expected, "{name}");
                assert_eq!(current.unwrap_err().reason(), "missing_field", "{name}");
            }
            Error(reasons) => {
                let found = [current.unwrap_err().reason(), history.unwrap_err().reason()];
                assert_eq!(found, reasons, "{name}");
            }
        }
    }
}
