//! Recorded responses of the National Weather Service.

use moodvane_model::Variable;
use moodvane_upstream::nws;

use crate::common::{Values, files_in, new_york, outcome, rfc3339};
use crate::{Expected, body};

/// The expected result of a file.
enum Nws {
    Latest(&'static str, Values),
    /// A list with these observations, in order.
    List(&'static [Expected]),
    /// A long list: number of observations, and per variable the number of values and their sum in millionths.
    Many(usize, [(usize, i64); 6]),
    /// A point with this path of stations.
    Point(&'static str),
}

const AT: &str = "2019-06-27T10:53:00Z";
/// 10 °C, 10 %, 10 m/s, few clouds, 100,000 Pa.
const TEN: Values = [
    Some(10.0),
    Some(10.0),
    None,
    Some(10.0),
    Some(18.75),
    Some(1000.0),
];
/// 10 °F, 10 %, 10 km/h, few clouds, 100,000 Pa.
const TEN_ALTERNATE_UNITS: Values = [
    Some(-12.222222),
    Some(10.0),
    None,
    Some(2.777778),
    Some(18.75),
    Some(1000.0),
];
const PORTLAND: Values = [
    Some(15.6),
    Some(89.621112),
    None,
    Some(0.0),
    Some(43.75),
    Some(1015.9),
];
const FORT_LAUDERDALE: Values = [
    Some(22.8),
    Some(75.770936),
    None,
    Some(2.1),
    Some(75.0),
    Some(1018.6),
];

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn parses_recorded_nws_responses() {
    use Nws::{Latest, List, Many, Point};
    let folder = "recorded/weather/nws";
    let Some(files) = files_in(folder) else {
        return;
    };
    let sums = [
        (153, 3_576_099_982),
        (153, 12_167_910_909),
        (24, 47_800_000),
        (149, 553_900_000),
        (149, 6_237_500_000),
        (153, 155_075_700_000),
    ];
    let expected = [
        (
            "ObservationModelData.json",
            Latest("2019-08-21T09:51:00Z", PORTLAND),
        ),
        ("ObservationsModelData.json", Many(153, sums)),
        ("points.json", Point("/gridpoints/TAE/58,65/stations")),
        ("stations_observations.json", List(&[Ok((AT, TEN))])),
        (
            "stations_observations_alternate_units.json",
            List(&[Ok((AT, TEN_ALTERNATE_UNITS))]),
        ),
        ("stations_observations_empty.json", List(&[Err("no_value")])),
        (
            "stations_observations_latest.json",
            Latest("2022-03-02T23:53:00Z", FORT_LAUDERDALE),
        ),
        ("stations_observations_metar.json", List(&[Err("no_value")])),
        (
            "stations_observations_metar_noparse.json",
            List(&[Err("no_value")]),
        ),
        (
            "stations_observations_missing_value.json",
            List(&[Err("missing_field")]),
        ),
        (
            "stations_observations_multiple.json",
            List(&[Err("no_value"), Ok((AT, TEN))]),
        ),
        (
            "stations_observations_multiple_unsorted.json",
            List(&[Err("impossible_value"), Ok((AT, TEN))]),
        ),
        ("stations_observations_noprop.json", List(&[])),
        (
            "stations_observations_other_unitcode.json",
            List(&[Ok((AT, TEN))]),
        ),
        (
            "stations_observations_relative_icon.json",
            List(&[Ok((AT, TEN))]),
        ),
        ("stations_observations_strings.json", List(&[Ok((AT, TEN))])),
    ];
    let named: Vec<_> = expected.iter().map(|(name, _)| *name).collect();
    assert_eq!(files, named, "every file has its expectation");
    for (name, expected) in expected {
        check_nws(name, &body(folder, name), expected);
    }
}

fn check_nws(name: &str, body: &[u8], expected: Nws) {
    let of = |(at, values): (&str, Values)| (rfc3339(at).to_string(), values);
    let (latest, list) = (nws::parse_latest(body), nws::parse_observations(body));
    match expected {
        Nws::Latest(at, values) => {
            assert_eq!(outcome(&latest), Ok(of((at, values))), "{name}");
            assert_eq!(list.unwrap_err().reason(), "missing_field", "{name}");
        }
        Nws::List(expected) => {
            let found: Vec<_> = list.unwrap().iter().map(outcome).collect();
            let expected: Vec<_> = expected.iter().map(|expected| expected.map(of)).collect();
            assert_eq!(found, expected, "{name}");
            assert_eq!(latest.unwrap_err().reason(), "missing_field", "{name}");
        }
        Nws::Many(n, expected) => {
            let found: Vec<_> = list.unwrap().into_iter().map(Result::unwrap).collect();
            let sums = Variable::ALL.map(|variable| {
                let all = found
                    .iter()
                    .filter_map(|weather| weather.readings.get(variable));
                all.fold((0, 0), |(n, sum), quantity| {
                    (n + 1, sum + quantity.micros())
                })
            });
            assert_eq!((found.len(), sums), (n, expected), "{name}");
        }
        Nws::Point(path) => {
            let url = nws::stations_url(
                &"http://127.0.0.1:1".parse().unwrap(),
                &nws::parse_point(body).unwrap(),
            );
            assert_eq!(url.as_str(), format!("http://127.0.0.1:1{path}"), "{name}");
            assert_eq!(latest.unwrap_err().reason(), "missing_field", "{name}");
            let stations = nws::parse_stations(body, &new_york());
            assert_eq!(stations.unwrap_err().reason(), "missing_field", "{name}");
        }
    }
}
