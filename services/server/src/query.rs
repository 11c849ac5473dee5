//! The parameters of a GET request.
//!
//! Guarantee: a parameter that is not known, or is given twice, is refused, so that a misspelt one
//! does not silently change what is answered.

use std::str::FromStr;

use moodvane_model::{City, HourRange, HourSlot};

use crate::ServerConfig;
use crate::problem::{Kind, Problem};
use crate::zone::Zone;

/// The parameters as they were given, decoded.
pub(crate) struct Query {
    known: &'static [&'static str],
    given: Vec<(&'static str, String)>,
}

impl Query {
    /// Reads a query string of which these parameters are known.
    pub(crate) fn read(raw: Option<&str>, known: &'static [&'static str]) -> Result<Self, Problem> {
        let mut given: Vec<(&'static str, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
            let Some(name) = known.iter().find(|known| **known == name) else {
                return Err(unknown(&name, known));
            };
            if given.iter().any(|(other, _)| other == name) {
                let detail = format!("\"{name}\" is given twice");
                return Err(Problem::new(Kind::InvalidValue, detail).of(name));
            }
            given.push((name, value.into_owned()));
        }
        Ok(Self { known, given })
    }

    /// A parameter's text, where it was given.
    pub(crate) fn text(&self, name: &'static str) -> Option<&str> {
        debug_assert!(self.known.contains(&name));
        let found = self.given.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Those of `names` that were given, in that order.
    pub(crate) fn given(&self, names: &[&'static str]) -> Vec<(&'static str, String)> {
        let found = names.iter().filter_map(|name| {
            let text = self.text(name)?;
            Some((*name, text.to_owned()))
        });
        found.collect()
    }

    /// One of a few words; the first where it was not given.
    pub(crate) fn word<T: Copy>(
        &self,
        name: &'static str,
        words: &[(&'static str, T)],
        default: T,
    ) -> Result<T, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(default);
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(*value);
        }
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let detail = format!("\"{name}\" must be one of {}", words.join(", "));
        Err(Problem::new(Kind::InvalidValue, detail).of(name))
    }

    /// A whole number within bounds, both included.
    pub(crate) fn number<T>(
        &self,
        name: &'static str,
        (least, most): (T, T),
        default: T,
    ) -> Result<T, Problem>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(text) = self.text(name) else {
            return Ok(default);
        };
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<T>() {
            Ok(number) if plain && least <= number && number <= most => Ok(number),
            _ => {
                let detail = format!("\"{name}\" must be a whole number from {least} to {most}");
                Err(Problem::new(Kind::InvalidValue, detail).of(name))
            }
        }
    }

    /// An hour that must be given.
    pub(crate) fn hour(&self, name: &'static str) -> Result<HourSlot, Problem> {
        let text = self.text(name).ok_or_else(|| {
            let detail = format!(
                "the parameter \"{name}\" is missing: it must be an hour such as 2018-01-01T02"
            );
            Problem::new(Kind::MissingField, detail).of(name)
        })?;
        hour(name, text)
    }

    /// The zone of `tz`, UTC where it was not given.
    pub(crate) fn zone(&self) -> Result<Zone, Problem> {
        self.text("tz").map_or(Ok(Zone::UTC), Zone::parse)
    }

    /// The hours from `begin` to `end` on the clocks of `zone`.
    pub(crate) fn range(&self, zone: Zone) -> Result<HourRange, Problem> {
        zone.range(self.hour("begin")?, self.hour("end")?)
    }

    /// The city of `city`, the configured one where it was not given.
    pub(crate) fn city<'a>(&self, config: &'a ServerConfig) -> Result<&'a City, Problem> {
        city(config, self.text("city"))
    }
}

/// The city of an id, the configured one where there is none.
pub(crate) fn city<'a>(config: &'a ServerConfig, id: Option<&str>) -> Result<&'a City, Problem> {
    let id = id.unwrap_or(config.default_city.as_str());
    let found = config.cities.iter().find(|city| city.id.as_str() == id);
    found.ok_or_else(|| {
        let known: Vec<&str> = config.cities.iter().map(|city| city.id.as_str()).collect();
        let id: String = id.chars().take(64).collect();
        let detail = format!("there is no city \"{id}\"; there are {}", known.join(", "));
        Problem::new(Kind::UnknownCity, detail).of("city")
    })
}

/// An hour as `2018-01-01T02` or `2018-01-01 02`.
pub(crate) fn hour(name: &'static str, text: &str) -> Result<HourSlot, Problem> {
    text.replacen('T', " ", 1)
        .parse()
        .map_err(|error| Problem::new(Kind::InvalidHour, format!("\"{name}\": {error}")).of(name))
}

fn unknown(name: &str, known: &[&str]) -> Problem {
    let name: String = name.chars().take(64).collect();
    let detail = if known.is_empty() {
        format!("there is no parameter \"{name}\"; there are none")
    } else {
        format!(
            "there is no parameter \"{name}\"; there are {}",
            known.join(", ")
        )
    };
    Problem::new(Kind::UnknownParameter, detail)
}
