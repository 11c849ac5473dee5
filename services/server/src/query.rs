//! The parameters of a GET request.
//!
//! Guarantee: an unknown or repeated parameter is rejected, so that a misspelt one does not silently
//! change the answer.

use std::str::FromStr;

use moodvane_model::{City, HourRange};

use crate::ServerConfig;
use crate::problem::{Kind, Problem};
use crate::requested_hour::RequestedHour;
use crate::zone::Zone;

/// A value that a request chooses by its name.
pub(crate) trait Choice: Copy + 'static {
    /// All values with their names, in the order of the document.
    const ALL: &[(&str, Self)];

    /// The value of a name.
    fn parse(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| *value)
    }

    /// All names, separated by commas.
    fn names() -> String {
        let names: Vec<&str> = Self::ALL.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }
}

impl Choice for bool {
    const ALL: &[(&str, Self)] = &[("true", true), ("false", false)];
}

/// The decoded parameters of a request.
pub(crate) struct Query {
    known: &'static [&'static str],
    given: Vec<(&'static str, String)>,
}

impl Query {
    /// Parses a query string with these known parameters.
    pub(crate) fn parse(
        raw: Option<&str>,
        known: &'static [&'static str],
    ) -> Result<Self, Problem> {
        let mut given: Vec<(&'static str, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
            let Some(name) = known.iter().find(|known| **known == name) else {
                return Err(unknown_parameter(&name, known));
            };
            if given.iter().any(|(other, _)| other == name) {
                let detail = format!("\"{name}\" is given twice");
                return Err(Problem::new(Kind::InvalidValue, detail).with_field(name));
            }
            given.push((name, value.into_owned()));
        }
        Ok(Self { known, given })
    }

    /// The text of a parameter, if it was given.
    pub(crate) fn text(&self, name: &'static str) -> Option<&str> {
        debug_assert!(self.known.contains(&name));
        let found = self.given.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The given parameters among `names`, in that order.
    pub(crate) fn given(&self, names: &[&'static str]) -> Vec<(&'static str, String)> {
        let found = names.iter().filter_map(|name| {
            let text = self.text(name)?;
            Some((*name, text.to_owned()))
        });
        found.collect()
    }

    /// A named value; `default` if the parameter was not given.
    pub(crate) fn choice<T: Choice>(&self, name: &'static str, default: T) -> Result<T, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(default);
        };
        T::parse(text).ok_or_else(|| {
            let detail = format!("\"{name}\" must be one of {}", T::names());
            Problem::new(Kind::InvalidValue, detail).with_field(name)
        })
    }

    /// A named value that must be given.
    pub(crate) fn required_choice<T: Choice>(&self, name: &'static str) -> Result<T, Problem> {
        if self.text(name).is_none() {
            let detail = format!(
                "the parameter \"{name}\" is missing: it must be one of {}",
                T::names()
            );
            return Err(Problem::new(Kind::MissingField, detail).with_field(name));
        }
        let (_, first) = T::ALL[0];
        self.choice(name, first)
    }

    /// An integer between `min` and `max`, both included; `default` if the parameter was not given.
    pub(crate) fn integer<T>(
        &self,
        name: &'static str,
        (min, max): (T, T),
        default: T,
    ) -> Result<T, Problem>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(text) = self.text(name) else {
            return Ok(default);
        };
        let has_only_digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<T>() {
            Ok(number) if has_only_digits && min <= number && number <= max => Ok(number),
            _ => {
                let detail = format!("\"{name}\" must be an integer from {min} to {max}");
                Err(Problem::new(Kind::InvalidValue, detail).with_field(name))
            }
        }
    }

    /// An hour that must be given.
    pub(crate) fn hour(&self, name: &'static str) -> Result<RequestedHour, Problem> {
        let text = self.text(name).ok_or_else(|| {
            let detail = format!(
                "the parameter \"{name}\" is missing: it must be an hour such as 2018-01-01T02"
            );
            Problem::new(Kind::MissingField, detail).with_field(name)
        })?;
        RequestedHour::parse(name, text)
    }

    /// The zone of `tz`; UTC if it was not given.
    pub(crate) fn zone(&self) -> Result<Zone, Problem> {
        self.text("tz").map_or(Ok(Zone::UTC), Zone::parse)
    }

    /// The hours from `begin` to `end`, in local time of `zone` unless they state an offset.
    pub(crate) fn range(&self, zone: Zone) -> Result<HourRange, Problem> {
        zone.range(self.hour("begin")?, self.hour("end")?)
    }

    /// `true` or `false`; `default` if the parameter was not given.
    pub(crate) fn flag(&self, name: &'static str, default: bool) -> Result<bool, Problem> {
        self.choice(name, default)
    }

    /// The cities of `city`, separated by commas, each once; `all` are the configured ones. The
    /// configured default city if the parameter was not given.
    pub(crate) fn cities(&self, config: &ServerConfig) -> Result<Vec<City>, Problem> {
        match self.text("city") {
            Some("all") => Ok(config.cities.clone()),
            None => Ok(vec![find_city(config, None)?.clone()]),
            Some(ids) => {
                let mut cities: Vec<City> = Vec::new();
                for id in ids.split(',') {
                    let city = find_city(config, Some(id.trim()))?;
                    if !cities.iter().any(|other| other.id == city.id) {
                        cities.push(city.clone());
                    }
                }
                Ok(cities)
            }
        }
    }

    /// The city of `city`; the configured default city if it was not given.
    pub(crate) fn city<'a>(&self, config: &'a ServerConfig) -> Result<&'a City, Problem> {
        find_city(config, self.text("city"))
    }
}

/// The city with this id; the configured default city without one.
pub(crate) fn find_city<'a>(
    config: &'a ServerConfig,
    id: Option<&str>,
) -> Result<&'a City, Problem> {
    let id = id.unwrap_or(config.default_city.as_str());
    let found = config.cities.iter().find(|city| city.id.as_str() == id);
    found.ok_or_else(|| {
        let known: Vec<&str> = config.cities.iter().map(|city| city.id.as_str()).collect();
        let id: String = id.chars().take(64).collect();
        let detail = format!(
            "there is no city \"{id}\"; the cities are {}",
            known.join(", ")
        );
        Problem::new(Kind::UnknownCity, detail).with_field("city")
    })
}

/// Rejects a range of more than `max_hours`.
pub(crate) fn check_range_length(range: HourRange, max_hours: u32) -> Result<(), Problem> {
    if range.hours() <= max_hours {
        return Ok(());
    }
    let detail = format!(
        "the range has {} hours, the limit is {max_hours}: request it in parts",
        range.hours()
    );
    Err(Problem::new(Kind::RangeTooLong, detail).with_field("end"))
}

fn unknown_parameter(name: &str, known: &[&str]) -> Problem {
    let name: String = name.chars().take(64).collect();
    let detail = if known.is_empty() {
        format!("there is no parameter \"{name}\"; this path has no parameters")
    } else {
        format!(
            "there is no parameter \"{name}\"; the parameters are {}",
            known.join(", ")
        )
    };
    Problem::new(Kind::UnknownParameter, detail)
}
