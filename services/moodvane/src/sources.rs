//! Sources from the arguments of a command, as tables of the configuration, so that they are
//! validated like any other source.

use std::collections::BTreeMap;

use anyhow::bail;

use crate::cli::ReplayArgs;

/// One `[[source]]`: its keys and values.
pub(crate) type Table = BTreeMap<String, String>;

/// The id of the source of posts.
pub(crate) const POSTS_ID: &str = "replay-posts";
/// The id of the source of weather.
const WEATHER_ID: &str = "replay-weather";

/// Creates a table of these pairs.
fn table<'p>(pairs: impl IntoIterator<Item = (&'p str, String)>) -> Table {
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// The sources of a replay.
pub(crate) fn replay_sources(args: &ReplayArgs) -> anyhow::Result<Vec<Table>> {
    let mut sources = Vec::new();
    if let Some(path) = &args.posts {
        let mut posts = table([
            ("kind", "post-file".to_owned()),
            ("id", POSTS_ID.to_owned()),
            ("path", path.to_string_lossy().into_owned()),
            ("time_format", args.posts_time.clone()),
            ("shift_days", args.posts_shift_days.to_string()),
            ("select", args.posts_select.clone()),
            ("html_entities", args.posts_html_entities.to_string()),
        ]);
        set_zone(&mut posts, args.posts_tz.as_deref());
        add_fields(&mut posts, "--posts-columns", &args.posts_columns, "column")?;
        set_timing_and_format(&mut posts, args.posts_format.as_deref(), args);
        sources.push(posts);
    }
    if let Some(path) = &args.weather {
        let mut weather = table([
            ("kind", "weather-file".to_owned()),
            ("id", WEATHER_ID.to_owned()),
            ("path", path.to_string_lossy().into_owned()),
            ("time_format", args.weather_time.clone()),
            ("shift_days", args.weather_shift_days.to_string()),
            ("temperature_unit", "c".to_owned()),
        ]);
        set_zone(&mut weather, args.weather_tz.as_deref());
        add_fields(
            &mut weather,
            "--weather-columns",
            &args.weather_columns,
            "column",
        )?;
        for (field, unit) in [("precipitation", "mm"), ("wind", "ms"), ("pressure", "hpa")] {
            if weather.contains_key(&format!("{field}_column")) {
                weather.insert(format!("{field}_unit"), unit.to_owned());
            }
        }
        add_fields(&mut weather, "--weather-units", &args.weather_units, "unit")?;
        if !args.weather_missing.is_empty() {
            weather.insert("missing_values".to_owned(), args.weather_missing.clone());
        }
        if !args.weather_filter.is_empty() {
            weather.insert("filter".to_owned(), args.weather_filter.clone());
        }
        set_timing_and_format(&mut weather, args.weather_format.as_deref(), args);
        sources.push(weather);
    }
    if sources.is_empty() {
        bail!("nothing to replay: set --posts, --weather or both");
    }
    Ok(sources)
}

fn set_zone(source: &mut Table, zone: Option<&str>) {
    if let Some(zone) = zone {
        source.insert("time_zone".to_owned(), zone.to_owned());
    }
}

/// Sets start, speed and format of a source.
fn set_timing_and_format(source: &mut Table, format: Option<&str>, args: &ReplayArgs) {
    let since = args.since.clone().unwrap_or_default();
    source.extend(table([("speed", args.speed.clone()), ("since", since)]));
    if let Some(format) = format {
        source.insert("format".to_owned(), format.to_owned());
    }
}

/// Adds `field_suffix = value` for each `field=value` of a list.
fn add_fields(source: &mut Table, flag: &str, list: &str, suffix: &str) -> anyhow::Result<()> {
    for pair in list.split(',').filter(|pair| !pair.trim().is_empty()) {
        let Some((field, value)) = pair.split_once('=') else {
            bail!("{flag}: \"{pair}\" must look like {}", example(suffix));
        };
        source.insert(
            format!("{}_{suffix}", field.trim()),
            value.trim().to_owned(),
        );
    }
    Ok(())
}

fn example(suffix: &str) -> &'static str {
    if suffix == "unit" {
        "temperature=f"
    } else {
        "text=message"
    }
}
