//! The report of hour rows with a planted effect.
#![allow(clippy::unwrap_used)]

mod world;

use std::num::NonZeroUsize;

use moodvane_analysis::OutlierBound;
use moodvane_effect_report::{
    CheckName, CheckState, CitySeries, EffectReport, Origin, Question, Settings, Step, Talk,
    Verdict, ask, figures, html, markdown,
};
use moodvane_model::{City, HourRange, HourRow};
use world::World;

fn series(city: &City, rows: &[HourRow], talk: Talk) -> CitySeries {
    CitySeries::new(city, rows, talk, OutlierBound::STANDARD)
}

fn question(range: HourRange, talk: Talk) -> Question {
    Question {
        range,
        talk,
        settings: Settings {
            draws: 199,
            shifts: 99,
            ..Settings::default()
        },
        origin: Origin {
            version: "0.1.0".to_owned(),
            runs: vec!["lexicon-2".to_owned()],
        },
        threads: NonZeroUsize::MIN,
    }
}

fn answer(world: World, cities: &[City], talk: Talk) -> EffectReport {
    let rows: Vec<Vec<HourRow>> = (1..)
        .zip(cities)
        .map(|(seed, city)| world::rows(world, city, seed))
        .collect();
    let range = HourRange::new(rows[0][0].hour, rows[0].last().unwrap().hour).unwrap();
    let series = cities
        .iter()
        .zip(&rows)
        .map(|(city, rows)| series(city, rows, talk));
    ask(series.collect(), &question(range, talk), &mut |_| {}).unwrap()
}

fn new_york() -> Vec<City> {
    vec![world::city("new-york", "New York")]
}

fn three_cities() -> Vec<City> {
    vec![
        world::city("new-york", "New York"),
        world::city("london", "London"),
        world::city("tokyo", "Tokyo"),
    ]
}

fn state(report: &EffectReport, name: CheckName) -> Option<CheckState> {
    let found = report.checks.iter().find(|check| check.name == name);
    found.map(|check| check.state)
}

#[test]
fn finds_planted_effect_and_passes_its_checks() {
    let report = answer(World::RAIN, &new_york(), Talk::Without);
    assert_eq!(report.verdict, Verdict::LessJoyful, "{}", report.sentence);
    let effect = report.effect.as_ref().unwrap();
    let difference = effect.rain.difference;
    assert!(
        difference.low < -0.3 && -0.3 < difference.high,
        "{difference:?}"
    );
    // A tenth of the posts of wet hours speak of the rain, with class 0.
    let all = effect.robustness.all_posts.unwrap();
    assert!(all.value < difference.value - 0.1, "{all:?}");
    assert_eq!(effect.robustness.without_weather_talk, Some(difference));
    for check in &report.checks {
        assert_eq!(check.state, CheckState::Passed, "{check:?}");
    }
    assert_eq!(state(&report, CheckName::Cities), None);
    let start = "In rain, New York's posts that do not speak of the weather are 0.";
    assert!(report.sentence.starts_with(start), "{}", report.sentence);
    assert!(
        report
            .sentence
            .ends_with("Future rain shows nothing, as it should.")
    );
}

#[test]
fn warns_where_only_posts_about_weather_differ() {
    let world = World {
        rain: 0.0,
        ..World::RAIN
    };
    let report = answer(world, &new_york(), Talk::All);
    assert_eq!(report.verdict, Verdict::LessJoyful, "{}", report.sentence);
    assert_eq!(
        state(&report, CheckName::WeatherTalk),
        Some(CheckState::Warning)
    );
    let without = answer(world, &new_york(), Talk::Without);
    assert_eq!(without.verdict, Verdict::Undecided, "{}", without.sentence);
    assert_eq!(without.proportion, None);
    assert!(
        without
            .sentence
            .contains("These hours suffice to detect a difference of")
    );
}

#[test]
fn states_lack_of_data_and_how_much_more_it_takes() {
    let short = World {
        weeks: 3,
        ..World::RAIN
    };
    let report = answer(short, &new_york(), Talk::Without);
    assert_eq!(report.verdict, Verdict::TooLittle);
    assert_eq!(report.effect, None);
    assert!(
        report.more_hours.is_some_and(|more| more > 700),
        "{report:?}"
    );
    assert!(
        report.sentence.starts_with("Not enough data: "),
        "{}",
        report.sentence
    );
    assert!(figures(&report).unwrap().is_empty());
    assert!(markdown(&report).unwrap().contains("Not enough data"));
}

#[test]
fn states_old_runs_do_not_separate_posts_about_weather() {
    let old = World {
        has_talk: false,
        ..World::RAIN
    };
    let report = answer(old, &new_york(), Talk::Without);
    assert_eq!(report.verdict, Verdict::TooLittle);
    assert!(
        report
            .sentence
            .contains("2688 hours are of a run that does not tell posts about the weather apart"),
        "{}",
        report.sentence
    );
    let all = answer(old, &new_york(), Talk::All);
    assert_eq!(all.verdict, Verdict::LessJoyful);
    assert_eq!(
        state(&all, CheckName::WeatherTalk),
        Some(CheckState::Unknown)
    );
}

#[test]
fn several_cities_have_a_forest_and_a_check() {
    let report = answer(World::RAIN, &three_cities(), Talk::Without);
    let effect = report.effect.as_ref().unwrap();
    assert_eq!(effect.by_city.len(), 3);
    assert!(effect.sample.fixed_effects.date);
    assert_eq!(state(&report, CheckName::Cities), Some(CheckState::Passed));
    let names: Vec<String> = figures(&report)
        .unwrap()
        .into_iter()
        .map(|f| f.name)
        .collect();
    let expected = [
        "temperature",
        "precipitation",
        "humidity",
        "cloud",
        "lags",
        "cities",
    ];
    assert_eq!(names, expected);
}

#[test]
fn every_step_is_reported_once_in_order() {
    let cities = three_cities();
    let rows: Vec<Vec<HourRow>> = cities
        .iter()
        .map(|city| world::rows(World::RAIN, city, 1))
        .collect();
    let range = HourRange::new(rows[0][0].hour, rows[0][100].hour).unwrap();
    let series = cities
        .iter()
        .zip(&rows)
        .map(|(city, rows)| series(city, rows, Talk::All));
    let mut steps = Vec::new();
    ask(series.collect(), &question(range, Talk::All), &mut |step| {
        steps.push(step.index())
    })
    .unwrap();
    assert_eq!(steps, (0..Step::COUNT).collect::<Vec<_>>());
}

#[test]
fn report_does_not_depend_on_threads() {
    let cities = new_york();
    let rows = world::rows(World::RAIN, &cities[0], 1);
    let range = HourRange::new(rows[0].hour, rows[100].hour).unwrap();
    let one = question(range, Talk::Without);
    let two = Question {
        threads: NonZeroUsize::MIN.saturating_add(1),
        ..one.clone()
    };
    let answers = [one, two].map(|question| {
        let series = vec![series(&cities[0], &rows, Talk::Without)];
        ask(series, &question, &mut |_| {}).unwrap()
    });
    assert_eq!(answers[0], answers[1]);
    assert!(answers[0].effect.is_some());
}

#[test]
fn report_survives_json_and_has_only_finite_numbers() {
    let report = answer(World::RAIN, &three_cities(), Talk::Without);
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<EffectReport>(&json).unwrap(), report);
    assert!(!json.contains("-0.0,"), "negative zero");
    assert_eq!(report, answer(World::RAIN, &three_cities(), Talk::Without));
}

#[test]
fn fingerprint_follows_rows() {
    let [city] = &new_york()[..] else { panic!() };
    let rows = world::rows(World::RAIN, city, 1);
    let of = |rows: &[HourRow], talk| series(city, rows, talk).fingerprint();
    assert_eq!(of(&rows, Talk::All), of(&rows, Talk::All));
    assert_ne!(of(&rows, Talk::All), of(&rows, Talk::Without));
    assert_ne!(of(&rows, Talk::All), of(&rows[1..], Talk::All));
    let other = world::rows(World::RAIN, city, 2);
    assert_ne!(of(&rows, Talk::All), of(&other, Talk::All));
}

#[test]
fn documents_are_self_contained() {
    let mut cities = three_cities();
    cities[0].name = "<script>New & York".to_owned();
    let report = answer(World::RAIN, &cities, Talk::Without);
    let page = html(&report).unwrap();
    assert!(!page.contains("<script"), "not escaped");
    let outside = ["src=", "href=", "@import", "url("];
    for text in outside {
        assert!(!page.contains(text), "{text}");
    }
    assert_eq!(page.matches("<svg ").count(), 6);
    for figure in figures(&report).unwrap() {
        assert!(figure.svg.starts_with("<svg xmlns="), "{}", figure.name);
        assert!(figure.svg.trim_end().ends_with("</svg>"), "{}", figure.name);
        assert!(figure.csv.lines().count() > 2, "{}", figure.csv);
        let header = figure.csv.lines().next().unwrap();
        assert!(header.contains("difference,low,high"), "{header}");
    }
}

#[test]
fn markdown_matches_snapshot() {
    let report = answer(World::RAIN, &three_cities(), Talk::Without);
    insta::assert_snapshot!(markdown(&report).unwrap());
}
