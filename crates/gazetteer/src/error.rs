//! Why a text names no city.

use std::fmt;

use thiserror::Error;

use crate::GazetteerCity;

/// Why a text names no city, or not one.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum GazetteerError {
    /// Several cities have the name.
    #[error("\"{text}\" is ambiguous: {}", Candidates(candidates))]
    Ambiguous {
        /// The text.
        text: String,
        /// The cities with this name, the most populous first.
        candidates: Vec<&'static GazetteerCity>,
    },
    /// No city has the name.
    #[error(
        "\"{text}\" is not in the gazetteer; any other place needs name, names, latitude, longitude and zone in a [[city]]{}",
        Suggestions(suggestions)
    )]
    Unknown {
        /// The text.
        text: String,
        /// The cities with the nearest spellings, at most three.
        suggestions: Vec<&'static GazetteerCity>,
    },
}

/// `birmingham-uk (England, United Kingdom, 1.2 million) or …`.
struct Candidates<'c>(&'c [&'static GazetteerCity]);

impl fmt::Display for Candidates<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, entry) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" or ")?;
            }
            write!(f, "{} (", entry.city().id)?;
            if let Some(region) = entry.region() {
                write!(f, "{}, ", region.name)?;
            }
            write!(f, "{}, ", entry.country())?;
            write_population(f, entry.population())?;
            f.write_str(")")?;
        }
        Ok(())
    }
}

fn write_population(f: &mut fmt::Formatter<'_>, population: u32) -> fmt::Result {
    match population {
        950_000.. => write!(f, "{:.1} million", f64::from(population) / 1e6),
        _ => write!(f, "{} thousand", population.div_ceil(1_000)),
    }
}

/// `; did you mean chicago or chittagong?`, or nothing.
struct Suggestions<'c>(&'c [&'static GazetteerCity]);

impl fmt::Display for Suggestions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&str> = self.0.iter().map(|e| e.city().id.as_str()).collect();
        match ids.is_empty() {
            true => Ok(()),
            false => write!(f, "; did you mean {}?", ids.join(" or ")),
        }
    }
}
