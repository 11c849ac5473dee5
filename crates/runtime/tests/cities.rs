//! Cities by name: from the gazetteer, with keys that override it, and by the flag `--city`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use moodvane_model::City;
use moodvane_runtime::{DEFAULT_CONFIG, Settings, read_cities, select_cities};
use tempfile::TempDir;

fn settings(text: &str) -> Settings {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("m.toml");
    std::fs::write(&path, text).unwrap();
    let mut settings = Settings::new();
    settings.merge_file(&path);
    settings
}

fn read(settings: Settings) -> Result<Vec<City>, String> {
    let cities = read_cities(&settings);
    let result = settings.finish_with(cities);
    result.map_err(|error| error.to_string())
}

/// The message without the folder of the file.
fn without_folder(message: &str) -> String {
    let short = |line: &str| match (line.find("(/"), line.find("/m.toml)")) {
        (Some(start), Some(end)) => format!("{}{}\n", &line[..=start], &line[end + 1..]),
        _ => format!("{line}\n"),
    };
    message.lines().map(short).collect()
}

fn ids(cities: &[City]) -> Vec<&str> {
    cities.iter().map(|city| city.id.as_str()).collect()
}

#[test]
fn city_of_gazetteer_needs_only_its_id() {
    let text = "[[city]]\nid = \"chicago\"\n[[city]]\nid = \"sao-paulo\"\n";
    let cities = read(settings(text)).unwrap();
    assert_eq!(ids(&cities), ["chicago", "sao-paulo"]);
    assert_eq!(cities[0].name, "Chicago");
    assert_eq!(cities[0].zone.name(), "America/Chicago");
    assert!((41.0..43.0).contains(&cities[0].latitude));
    assert!(cities[1].names.contains(&"são paulo".to_owned()));
}

#[test]
fn documented_values_of_default_city_are_the_gazetteers() {
    let documented: String = DEFAULT_CONFIG
        .lines()
        .skip_while(|line| *line != "[[city]]")
        .take_while(|line| !line.is_empty())
        .map(|line| line.strip_prefix("# ").unwrap_or(line))
        .filter(|line| line.contains(" = ") || line.starts_with([' ', '[', ']']))
        .map(|line| format!("{line}\n"))
        .collect();
    let cities = read(settings(&documented)).unwrap();
    assert_eq!(Ok(cities), read(Settings::new()), "{documented}");
}

type Holds = fn(&City) -> bool;

#[test]
fn given_key_overrides_gazetteer() {
    let cases: [(&str, Holds); 5] = [
        ("name = \"Windy City\"", |city| city.name == "Windy City"),
        ("names = [\"the loop\"]", |city| city.names == ["the loop"]),
        ("latitude = 41.5", |city| city.latitude == 41.5),
        ("longitude = -87.5", |city| city.longitude == -87.5),
        ("zone = \"UTC\"", |city| city.zone.name() == "UTC"),
    ];
    for (given, holds) in cases {
        let cities = read(settings(&format!("[[city]]\nid = \"chicago\"\n{given}\n"))).unwrap();
        assert!(holds(&cities[0]), "{given}");
        assert_eq!(
            cases.iter().filter(|(_, holds)| holds(&cities[0])).count(),
            1
        );
    }
}

#[test]
fn reports_every_fault_of_every_city() {
    let text = r#"
[[city]]
id = "chicgo"
[[city]]
id = "birmingham"
[[city]]
id = "nyc"
[[city]]
id = "New York"
[[city]]
id = "chicago"
latitude = 91
zone = "Mars/Base"
[[city]]
id = "chicago"
[[city]]
id = "atlantis"
latitude = 1
[[city]]
naem = "X"
"#;
    insta::assert_snapshot!(without_folder(&read(settings(text)).unwrap_err()), @r#"
    the configuration has 18 faults:
      city[0].id = "chicgo" (m.toml): "chicgo" is not in the gazetteer; any other place needs name, names, latitude, longitude and zone in a [[city]]; did you mean chicago?
      city[1].id = "birmingham" (m.toml): "birmingham" is ambiguous: birmingham-uk (England, United Kingdom, 1.2 million) or birmingham-al (Alabama, United States, 197 thousand)
      city[2].id = "nyc" (m.toml): must be the id of the gazetteer, "new-york"
      city[3].id = "New York" (m.toml): must be the id of the gazetteer, "new-york"
      city[4] (m.toml): zone "Mars/Base" must be an IANA zone such as America/New_York
      city[4].latitude = 91 (m.toml): must be a number in -90 to 90
      city[5].id = "chicago" (m.toml): is already the id of another city: choose a unique one
      city[6].longitude is missing: it must be a number in -180 to 180
      city[6].name is missing: it must be a string of at most 65536 bytes
      city[6].names is missing: it must be a list of strings, each of at most 65536 bytes
      city[6].zone is missing: it must be a string of at most 65536 bytes
      city[7].id is missing: it must be a string of at most 65536 bytes
      city[7].latitude is missing: it must be a number in -90 to 90
      city[7].longitude is missing: it must be a number in -180 to 180
      city[7].naem (m.toml): unknown key; did you mean name?
      city[7].name is missing: it must be a string of at most 65536 bytes
      city[7].names is missing: it must be a list of strings, each of at most 65536 bytes
      city[7].zone is missing: it must be a string of at most 65536 bytes
    "#);
}

#[test]
fn flag_selects_configured_cities_and_those_of_gazetteer() {
    let text = "[[city]]\nid = \"home\"\nname = \"Home\"\nnames = [\"home\"]\nlatitude = 1.5\n\
                longitude = 2\nzone = \"UTC\"\n[[city]]\nid = \"chicago\"\nname = \"Windy City\"\n";
    for (list, expected) in [
        ("london", &["london"][..]),
        ("chicago, London", &["chicago", "london"]),
        (
            "new york,home,birmingham, al",
            &["new-york", "home", "birmingham-al"],
        ),
        ("home", &["home"]),
        ("nyc,new-york,NYC,home,home", &["new-york", "home"]),
    ] {
        let mut settings = settings(text);
        select_cities(&mut settings, list);
        let cities = read(settings).unwrap();
        assert_eq!(ids(&cities), expected, "{list}");
        let chicago = cities.iter().find(|city| city.id.as_str() == "chicago");
        assert!(chicago.is_none_or(|city| city.name == "Windy City"));
        let home = cities.iter().find(|city| city.id.as_str() == "home");
        assert!(home.is_none_or(|city| city.latitude == 1.5));
    }
}

#[test]
fn flag_reports_every_unknown_and_ambiguous_name() {
    let mut settings = settings("[server]\nprot = 1\n");
    select_cities(&mut settings, "chicgo,london,birmingham");
    insta::assert_snapshot!(without_folder(&read(settings).unwrap_err()), @r#"
    the configuration has 3 faults:
      city (flag --city): "birmingham" is ambiguous: birmingham-uk (England, United Kingdom, 1.2 million) or birmingham-al (Alabama, United States, 197 thousand)
      city (flag --city): "chicgo" is not in the gazetteer; any other place needs name, names, latitude, longitude and zone in a [[city]]; did you mean chicago?
      server.prot (m.toml): unknown key; did you mean server.port?
    "#);
}
