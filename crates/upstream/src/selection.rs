//! Which posts are a city's.
//!
//! Terms: a *name* is one of the words by which a post may call a city; a *place* is the latitude
//! and longitude that the source gives a post.
//!
//! The rule: a post belongs to a city if its place lies there, or its text calls the city by a name.
//! A name counts where it stands as whole words: no letter, digit or combining mark touches it.
//! So `#NYC` and `NYC's` count for `nyc`, and `#newyork` counts only if `newyork` is listed. What
//! stands inside a link, a mention or a mail address does not count: there it is part of somebody's
//! or something's own name. Upper and lower case are alike.
//!
//! A language, where one is wanted, narrows either rule: only posts whose source says that they are in it.
//!
//! A post without text, as one of pictures alone, is nobody's: the formats drop it before they ask
//! here, whatever its place, because it has no mood to be read.
//!
//! Known limit: scripts that put no space between words have no whole words to find; list such a
//! city with a place, or take all posts of a language.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, Match};
use moodvane_model::{City, CityId, Language};
use thiserror::Error;

use crate::Dropped;
use crate::hidden::Hidden;

/// How near to a city's coordinates a place must lie to be the city's, in km on the great circle.
/// About what New York's five boroughs or Greater London reach from their middle, and a little more.
pub const PLACE_RADIUS_KM: f64 = 50.0;

/// The mean radius of the earth in km.
const EARTH_RADIUS_KM: f64 = 6371.0088;

/// The rule that says which posts are a city's.
#[derive(Debug)]
pub struct Selection {
    rule: Rule,
    language: Option<Language>,
}

#[derive(Debug)]
enum Rule {
    Cities(Cities),
    All(CityId),
}

#[derive(Debug)]
struct Cities {
    places: Vec<Place>,
    names: AhoCorasick,
    /// For each name of the automaton, the index of its city.
    owners: Vec<usize>,
    /// Whether a name has letters whose case ASCII rules do not know.
    beyond_ascii: bool,
}

#[derive(Debug)]
struct Place {
    city: CityId,
    at: (f64, f64),
}

/// A selection that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SelectionError {
    /// No city to select for.
    #[error("there must be at least one city to select posts for")]
    NoCity,
    /// The names are too many or too long together.
    #[error("the cities' names cannot be searched for together, there must be fewer: {0}")]
    Names(String),
}

/// The cities that a post belongs to: at least one, in the configuration's order, none twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen(Vec<CityId>);

impl Chosen {
    /// The cities.
    pub fn iter(&self) -> impl Iterator<Item = CityId> + '_ {
        self.0.iter().copied()
    }
}

impl IntoIterator for Chosen {
    type Item = CityId;
    type IntoIter = std::vec::IntoIter<CityId>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Selection {
    /// The posts that name one of these cities or have their place there.
    ///
    /// # Errors
    /// [`SelectionError`] without a city, or with more names than can be searched for.
    pub fn cities(cities: &[City]) -> Result<Self, SelectionError> {
        if cities.is_empty() {
            return Err(SelectionError::NoCity);
        }
        let listed: Vec<(usize, String)> = cities
            .iter()
            .enumerate()
            .flat_map(|(owner, city)| city.names.iter().map(move |name| (owner, name)))
            .map(|(owner, name)| (owner, name.to_lowercase()))
            .collect();
        let names = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .build(listed.iter().map(|(_, name)| name))
            .map_err(|e| SelectionError::Names(e.to_string()))?;
        let place = |city: &City| Place {
            city: city.id,
            at: (city.latitude, city.longitude),
        };
        Ok(Self {
            rule: Rule::Cities(Cities {
                places: cities.iter().map(place).collect(),
                names,
                owners: listed.iter().map(|(owner, _)| *owner).collect(),
                beyond_ascii: listed.iter().any(|(_, name)| !name.is_ascii()),
            }),
            language: None,
        })
    }

    /// Every post counts for `city`; with a language, every post whose language has the same
    /// primary subtag.
    #[must_use]
    pub fn all(city: CityId, language: Option<Language>) -> Self {
        Self {
            rule: Rule::All(city),
            language,
        }
    }

    /// Of these posts only those in `language`, by its primary subtag; with `None` those in any.
    #[must_use]
    pub fn spoken(self, language: Option<Language>) -> Self {
        Self { language, ..self }
    }

    /// The cities of a post with this text and, where the source gives them, this language and this
    /// place (latitude, longitude in degrees).
    ///
    /// # Errors
    /// [`Dropped::NoCity`] or [`Dropped::Language`].
    pub fn of(
        &self,
        text: &str,
        language: Option<Language>,
        place: Option<(f64, f64)>,
    ) -> Result<Chosen, Dropped> {
        if self.language.is_some() && language != self.language {
            return Err(Dropped::Language);
        }
        match &self.rule {
            Rule::All(city) => Ok(Chosen(vec![*city])),
            Rule::Cities(cities) => cities.of(text, place).ok_or(Dropped::NoCity),
        }
    }
}

impl Cities {
    fn of(&self, text: &str, place: Option<(f64, f64)>) -> Option<Chosen> {
        let mut found: Vec<usize> = Vec::new();
        if let Some(place) = place {
            let near = |(_, p): &(usize, &Place)| distance_km(p.at, place) <= PLACE_RADIUS_KM;
            found.extend(self.places.iter().enumerate().filter(near).map(|(i, _)| i));
        }
        // Lower case can move bytes, so that everything below must look at the same text.
        if self.beyond_ascii && !text.is_ascii() {
            self.named_in(&text.to_lowercase(), &mut found);
        } else {
            self.named_in(text, &mut found);
        }
        if found.is_empty() {
            return None;
        }
        found.sort_unstable();
        Some(Chosen(found.iter().map(|i| self.places[*i].city).collect()))
    }

    fn named_in(&self, text: &str, found: &mut Vec<usize>) {
        // Most posts name no city, so that links are looked for only after the first name.
        let mut hidden = None;
        for name in self.names.find_overlapping_iter(text) {
            let owner = self.owners[name.pattern().as_usize()];
            if found.contains(&owner) || !is_whole(text, &name) {
                continue;
            }
            let hidden = hidden.get_or_insert_with(|| Hidden::of(text));
            if !hidden.touches(name.start()..name.end()) {
                found.push(owner);
            }
        }
    }
}

/// Whether no letter, digit or combining mark touches the name.
fn is_whole(text: &str, name: &Match) -> bool {
    let before = text.get(..name.start()).and_then(|t| t.chars().next_back());
    let after = text.get(name.end()..).and_then(|t| t.chars().next());
    !before.is_some_and(is_in_word) && !after.is_some_and(is_in_word)
}

fn is_in_word(c: char) -> bool {
    // U+0300 to U+036F change the letter before them, as in a decomposed é.
    c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c)
}

/// The distance of two points (latitude, longitude in degrees) by the haversine formula.
pub(crate) fn distance_km(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (lat_a, lat_b) = (a.0.to_radians(), b.0.to_radians());
    let half_lat = (lat_b - lat_a) / 2.0;
    let half_lon = (b.1 - a.1).to_radians() / 2.0;
    let h = half_lat.sin().powi(2) + lat_a.cos() * lat_b.cos() * half_lon.sin().powi(2);
    2.0 * EARTH_RADIUS_KM * h.clamp(0.0, 1.0).sqrt().asin()
}
