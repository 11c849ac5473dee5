//! Parsing of table rows into observations, and exports of weather stations as they are usually
//! written, with their markers of missing values.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use chrono::TimeDelta;
use common::{Values, fixture, new_york, omissions, rfc3339, source, values};
use csv::StringRecord;
use moodvane_model::Variable::{self, Humidity, Precipitation, Pressure, Wind};
use moodvane_model::{CityId, Quantity};
use moodvane_upstream::table::{
    MissingMarkers, PrecipitationUnit, PressureUnit, RecordReader, RowFilter, TableKind,
    TableObservation, TemperatureUnit, TimeFormat, WeatherColumns, WeatherTableFormat,
    WeatherTableSpec, WindUnit,
};
use moodvane_upstream::{DropReason, RawMessage};
use proptest::prelude::*;

const WRITTEN: &str = "2015-02-17T07:36:05Z";

fn weather_spec() -> WeatherTableSpec {
    let named = |name: &str| name.to_owned();
    WeatherTableSpec {
        columns: WeatherColumns {
            time: named("time"),
            temperature: (named("temp"), TemperatureUnit::Fahrenheit),
            humidity: Some(named("humid")),
            precipitation: Some((named("precip"), PrecipitationUnit::Inches)),
            wind: Some((named("wind"), WindUnit::MilesPerHour)),
            cloud: Some(named("cloud")),
            pressure: Some((named("pressure"), PressureUnit::InchesOfMercury)),
        },
        time: TimeFormat::RFC3339,
        shift: TimeDelta::zero(),
        filters: vec![RowFilter {
            column: named("origin"),
            value: named("JFK"),
        }],
        missing: MissingMarkers::default(),
    }
}

fn weather(fields: &[&str]) -> Result<TableObservation, DropReason> {
    let columns = [
        "origin", "time", "temp", "humid", "precip", "wind", "cloud", "pressure",
    ];
    let header = columns.to_vec().into();
    let city = CityId::parse("new-york").unwrap();
    let table = WeatherTableFormat::new((city, source()), &weather_spec(), Some(&header)).unwrap();
    table.parse(&RawMessage::Fields(fields.to_vec().into()))
}

#[test]
fn parses_row_into_observation() {
    let found = weather(&["JFK", WRITTEN, "50", "40.5", "0.1", "10", "25", "29.92"]).unwrap();
    assert_eq!(found.omitted, []);
    let found = found.observation;
    assert_eq!(found.observed_at, rfc3339(WRITTEN));
    assert_eq!(found.received_at, rfc3339(WRITTEN));
    let value = |variable| found.readings.get(variable).map(Quantity::value);
    assert_eq!(
        Variable::ALL.map(value),
        [
            Some(10.0),
            Some(40.5),
            Some(2.54),
            Some(4.4704),
            Some(25.0),
            Some(1_013.207_489)
        ]
    );
}

#[test]
fn omits_missing_values_and_requires_temperature() {
    let bare = weather(&["JFK", WRITTEN, "50", "NA", "", " ", "NA", "NA"]).unwrap();
    let found = Variable::ALL
        .iter()
        .filter(|v| bare.observation.readings.get(**v).is_some());
    assert_eq!(found.count(), 1);
    let missing = Variable::ALL.map(|variable| (variable, "missing"));
    assert_eq!(omissions(&bare.omitted), missing[1..]);

    for (fields, reason) in [
        (["EWR", WRITTEN, "50", "", "", "", "", ""], "filtered"),
        (["", WRITTEN, "50", "", "", "", "", ""], "filtered"),
        (["JFK", WRITTEN, "NA", "", "", "", "", ""], "no_temperature"),
        (["JFK", WRITTEN, "", "", "", "", "", ""], "no_temperature"),
        (["JFK", WRITTEN, "warm", "", "", "", "", ""], "malformed"),
        (["JFK", "", "50", "", "", "", "", ""], "malformed"),
        (
            ["JFK", WRITTEN, "500", "", "", "", "", ""],
            "impossible_value",
        ),
        (
            ["JFK", WRITTEN, "NaN", "", "", "", "", ""],
            "no_temperature",
        ),
        (
            ["JFK", WRITTEN, "999.9", "", "", "", "", ""],
            "no_temperature",
        ),
        (["JFK", WRITTEN, "75s", "", "", "", "", ""], "malformed"),
    ] {
        assert_eq!(weather(&fields).unwrap_err().label(), reason, "{fields:?}");
    }
    assert_eq!(weather(&["JFK", WRITTEN]).unwrap_err().label(), "malformed");
}

#[test]
fn bad_side_value_of_row_costs_only_itself() {
    use Variable::{Cloud, Humidity, Precipitation, Pressure, Wind};
    let cases = [
        (["103", "0.1", "10", "25", "29.92"], vec![]),
        (
            ["M", "0.1", "10", "25", "29.92"],
            vec![(Humidity, "missing")],
        ),
        (
            ["120", "0.1", "10", "25", "29.92"],
            vec![(Humidity, "impossible_value")],
        ),
        (["81", "T", "10", "25", "29.92"], vec![]),
        (
            ["81", "99.99", "10", "25", "29.92"],
            vec![(Precipitation, "missing")],
        ),
        (
            ["81", "0.1s", "10", "25", "29.92"],
            vec![(Precipitation, "quality")],
        ),
        (
            ["81", "0.1", "1048", "25", "29.92"],
            vec![(Wind, "impossible_value")],
        ),
        (
            ["81", "0.1", "VRB", "25", "29.92"],
            vec![(Wind, "not_a_number")],
        ),
        (
            ["81", "0.1", "10", "-9999", "0"],
            vec![(Cloud, "missing"), (Pressure, "impossible_value")],
        ),
    ];
    for (side, expected) in cases {
        let [humidity, rain, wind, cloud, pressure] = side;
        let fields = ["JFK", WRITTEN, "50", humidity, rain, wind, cloud, pressure];
        let found = weather(&fields).unwrap();
        assert_eq!(omissions(&found.omitted), expected, "{side:?}");
        let readings = found.observation.readings;
        let count = Variable::ALL
            .iter()
            .filter(|v| readings.get(**v).is_some())
            .count();
        assert_eq!(count, 6 - expected.len(), "{side:?}");
        for omitted in &found.omitted {
            let column = ["", "humid", "precip", "wind", "cloud", "pressure"];
            assert_eq!(omitted.field, column[omitted.variable.index()]);
            assert_eq!(omitted.value, fields[omitted.variable.index() + 2]);
        }
    }
}

#[test]
fn reports_all_missing_weather_columns_and_filters() {
    let header: StringRecord = vec!["time", "temp"].into();
    let city = CityId::parse("new-york").unwrap();
    let refused =
        WeatherTableFormat::new((city, source()), &weather_spec(), Some(&header)).unwrap_err();
    insta::assert_snapshot!(
        refused,
        @r#"the table has no column "humid", "precip", "wind", "cloud", "pressure", "origin", its columns are "time", "temp""#
    );
}

#[test]
fn converts_units() {
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 5e-4, "{found}");
    near(TemperatureUnit::Celsius.convert(7.0), 7.0);
    near(TemperatureUnit::Fahrenheit.convert(-40.0), -40.0);
    near(TemperatureUnit::Kelvin.convert(273.15), 0.0);
    near(PrecipitationUnit::Millimetres.convert(2.0), 2.0);
    near(PrecipitationUnit::Inches.convert(1.0), 25.4);
    near(WindUnit::MetresPerSecond.convert(3.0), 3.0);
    near(WindUnit::KilometresPerHour.convert(36.0), 10.0);
    near(WindUnit::Knots.convert(1.0), 0.5144);
    near(WindUnit::MilesPerHour.convert(100.0), 44.704);
    near(PressureUnit::Hectopascals.convert(1000.0), 1000.0);
    near(PressureUnit::InchesOfMercury.convert(29.9213), 1013.2515);
}

#[test]
fn parses_unit_names() {
    for unit in TemperatureUnit::ALL {
        assert_eq!(unit.name().parse::<TemperatureUnit>().unwrap(), *unit);
    }
    assert_eq!("MPH".parse::<WindUnit>().unwrap(), WindUnit::MilesPerHour);
    insta::assert_snapshot!(
        "bar".parse::<PressureUnit>().unwrap_err(),
        @r#""bar" is not a unit of pressure, expected one of hpa, inhg, pa, kpa"#
    );
}

/// Time, values and omissions of a row, or the reason why it is dropped.
type Row = Result<(String, Values, Vec<(Variable, &'static str)>), &'static str>;

fn read(name: &str, columns: WeatherColumns, time: &str, missing: MissingMarkers) -> Vec<Row> {
    let spec = WeatherTableSpec {
        columns,
        time: time.parse().unwrap(),
        shift: TimeDelta::zero(),
        filters: Vec::new(),
        missing,
    };
    let bytes = fixture(&format!("history/{name}"));
    let mut rows = RecordReader::new(bytes.as_slice(), TableKind::Csv).unwrap();
    let city = new_york().id;
    let format = WeatherTableFormat::new((city, source()), &spec, rows.header()).unwrap();
    let mut found = Vec::new();
    while let Some(record) = rows.next_record().unwrap() {
        let row = format.parse(&record.content.unwrap()).map(|row| {
            let time = row.observation.observed_at.to_string();
            let values = values(&row.observation.readings);
            (time, values, omissions(&row.omitted))
        });
        found.push(row.map_err(|reason| reason.label()));
    }
    found
}

fn at(hour: u32, minute: u32) -> String {
    rfc3339(&format!("2018-02-03T{hour:02}:{minute:02}:00Z")).to_string()
}

fn isd_columns() -> WeatherColumns {
    let named = |name: &str| name.to_owned();
    WeatherColumns {
        time: named("time"),
        temperature: (named("temp"), TemperatureUnit::Celsius),
        humidity: Some(named("rh")),
        precipitation: Some((named("rain"), PrecipitationUnit::Millimetres)),
        wind: Some((named("wind"), WindUnit::MetresPerSecond)),
        cloud: None,
        pressure: Some((named("slp"), PressureUnit::Hectopascals)),
    }
}

#[test]
fn keeps_temperatures_of_asos_export() {
    let named = |name: &str| name.to_owned();
    let columns = WeatherColumns {
        time: named("valid"),
        temperature: (named("tmpf"), TemperatureUnit::Fahrenheit),
        humidity: Some(named("relh")),
        precipitation: Some((named("p01i"), PrecipitationUnit::Inches)),
        wind: Some((named("sknt"), WindUnit::Knots)),
        cloud: None,
        pressure: Some((named("mslp"), PressureUnit::Hectopascals)),
    };
    let found = read(
        "weather_asos.csv",
        columns,
        "%Y-%m-%d %H:%M",
        MissingMarkers::default(),
    );
    let trace = Some(0.05);
    let expected: [Row; 5] = [
        Ok((
            at(2, 51),
            [
                Some(10.0),
                Some(80.5),
                trace,
                Some(18.52),
                None,
                Some(1012.5),
            ],
            vec![],
        )),
        Ok((
            at(3, 51),
            [Some(5.0), None, Some(2.54), None, None, None],
            vec![
                (Humidity, "missing"),
                (Wind, "missing"),
                (Pressure, "missing"),
            ],
        )),
        Err("no_temperature"),
        Ok((
            at(5, 51),
            [Some(0.0), Some(100.0), None, Some(0.0), None, Some(1011.5)],
            vec![(Precipitation, "missing")],
        )),
        Ok((
            at(6, 51),
            [Some(-5.0), None, Some(0.002_54), None, None, None],
            vec![
                (Humidity, "missing"),
                (Wind, "not_a_number"),
                (Pressure, "impossible_value"),
            ],
        )),
    ];
    assert_eq!(found, expected);
}

#[test]
fn reads_sentinels_of_isd_export_as_missing() {
    let found = read(
        "weather_isd.csv",
        isd_columns(),
        "rfc3339",
        MissingMarkers::default(),
    );
    let expected: [Row; 6] = [
        Ok((
            at(2, 0),
            [Some(1.5), Some(80.0), Some(0.0), Some(3.0), None, None],
            vec![(Pressure, "missing")],
        )),
        Ok((
            at(3, 0),
            [Some(2.5), Some(81.0), None, None, None, Some(999.9)],
            vec![(Precipitation, "missing"), (Wind, "missing")],
        )),
        Err("no_temperature"),
        Ok((
            at(5, 0),
            [Some(3.5), None, None, Some(3.0), None, Some(1012.0)],
            vec![(Humidity, "missing"), (Precipitation, "missing")],
        )),
        Err("no_temperature"),
        Ok((
            at(7, 0),
            [
                Some(4.5),
                Some(83.0),
                Some(1.5),
                Some(3.0),
                None,
                Some(1012.0),
            ],
            vec![],
        )),
    ];
    assert_eq!(found, expected);
}

#[test]
fn own_markers_replace_or_extend_the_default_ones() {
    let own = ["precipitation=1.5".to_owned(), "83".to_owned()];
    let extended = MissingMarkers::new(&own, true).unwrap();
    let found = read("weather_isd.csv", isd_columns(), "rfc3339", extended);
    let last = found.last().unwrap().as_ref().unwrap();
    assert_eq!(last.2, [(Humidity, "missing"), (Precipitation, "missing")]);
    assert_eq!(found[2], Err("no_temperature"));

    let replaced = MissingMarkers::new(&own, false).unwrap();
    let found = read("weather_isd.csv", isd_columns(), "rfc3339", replaced);
    assert_eq!(found[2], Err("impossible_value"), "999.9 is a number");
    let omitted = &found[1].as_ref().unwrap().2;
    assert_eq!(
        *omitted,
        [(Wind, "impossible_value")],
        "999.9 mm/h is possible"
    );
}

proptest! {
    #[test]
    fn no_row_panics(fields in prop::collection::vec(".{0,20}", 0..10)) {
        let fields: Vec<_> = fields.iter().map(String::as_str).collect();
        let _ = weather(&fields);
    }

    #[test]
    fn side_value_never_costs_temperature(side in prop::collection::vec("[-0-9.MTNans*]{0,6}|.{0,6}", 5)) {
        let fields = ["JFK", WRITTEN, "50"].into_iter().chain(side.iter().map(String::as_str));
        let found = weather(&fields.collect::<Vec<_>>()).unwrap();
        let readings = found.observation.readings;
        let count = Variable::ALL.iter().filter(|v| readings.get(**v).is_some()).count();
        prop_assert_eq!(count + found.omitted.len(), 6, "each is kept or named");
    }
}
