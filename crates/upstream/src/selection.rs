//! Assigns posts to cities.
//!
//! Terms: a *name* is one of the configured names of a city; a *place* is the latitude and longitude
//! that the source gives for a post.
//!
//! A post belongs to a city if its place lies within [`PLACE_RADIUS_KM`] of the city or its text
//! contains one of the city's names. Both are compared in their normal form, so that a no-break space, a
//! line break or a decomposed letter makes no difference. Names match whole words, ignoring case: no
//! letter, digit or combining mark may be adjacent. So `#NYC` and `NYC's` match `nyc`, and `#newyork` matches only if
//! `newyork` is listed. Matches inside links, mentions and mail addresses do not count, because there
//! the name is part of another name.
//!
//! A language restricts the selection to posts whose source states that language.
//!
//! Formats drop a post without text, for example only pictures, before the selection, regardless of its
//! place: it has no sentiment to score.
//!
//! Limit: scripts without spaces between words have no whole words to match. For such a city, configure
//! places or select all posts of a language.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, BuildError, Match};
use moodvane_model::{City, CityId, Language};
use moodvane_text::normal_form;
use thiserror::Error;

use crate::DropReason;
use crate::hidden_ranges::HiddenRanges;

/// Maximum great-circle distance between a place and the coordinates of its city, in km. Slightly more
/// than the radius of New York's five boroughs or Greater London.
pub const PLACE_RADIUS_KM: f64 = 50.0;

/// The mean radius of the earth in km.
const EARTH_RADIUS_KM: f64 = 6371.0088;

/// Decides which cities a post belongs to.
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
    /// The index of the city for each name of the automaton.
    owners: Vec<usize>,
    /// Whether a name has non-ASCII letters, which need Unicode case folding.
    has_non_ascii: bool,
}

#[derive(Debug)]
struct Place {
    city: CityId,
    coordinates: (f64, f64),
}

/// The reason why a selection cannot be built.
#[derive(Debug, Clone, Error)]
pub enum SelectionError {
    /// No city is configured.
    #[error("the selection has no city, expected at least one")]
    NoCities,
    /// The names exceed the capacity of the automaton.
    #[error("cannot index the names of the cities, reduce their number")]
    Names(#[from] BuildError),
}

/// The cities of a post: at least one, in the order of the configuration, without duplicates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchedCities(Vec<CityId>);

impl MatchedCities {
    /// The cities.
    pub fn iter(&self) -> impl Iterator<Item = CityId> + '_ {
        self.0.iter().copied()
    }
}

impl IntoIterator for MatchedCities {
    type Item = CityId;
    type IntoIter = std::vec::IntoIter<CityId>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Selection {
    /// Selects posts that name one of `cities` or have a place in one.
    ///
    /// # Errors
    /// [`SelectionError`] if there is no city, or the names cannot be indexed.
    pub fn for_cities(cities: &[City]) -> Result<Self, SelectionError> {
        if cities.is_empty() {
            return Err(SelectionError::NoCities);
        }
        let listed: Vec<(usize, String)> = cities
            .iter()
            .enumerate()
            .flat_map(|(owner, city)| city.names.iter().map(move |name| (owner, name)))
            .map(|(owner, name)| (owner, normal_form(&name.to_lowercase()).into_owned()))
            .collect();
        let names = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .build(listed.iter().map(|(_, name)| name))?;
        let place = |city: &City| Place {
            city: city.id,
            coordinates: (city.latitude, city.longitude),
        };
        Ok(Self {
            rule: Rule::Cities(Cities {
                places: cities.iter().map(place).collect(),
                names,
                owners: listed.iter().map(|(owner, _)| *owner).collect(),
                has_non_ascii: listed.iter().any(|(_, name)| !name.is_ascii()),
            }),
            language: None,
        })
    }

    /// Assigns all posts to `city`; with a language, only posts with the same primary language subtag.
    #[must_use]
    pub fn all_posts(city: CityId, language: Option<Language>) -> Self {
        Self {
            rule: Rule::All(city),
            language,
        }
    }

    /// Restricts the selection to posts in `language`, by its primary subtag; `None` lifts the
    /// restriction.
    #[must_use]
    pub fn in_language(self, language: Option<Language>) -> Self {
        Self { language, ..self }
    }

    /// The cities of a post with this text and, if the source states them, language and place (latitude,
    /// longitude in degrees).
    ///
    /// # Errors
    /// [`DropReason::NoCity`] or [`DropReason::Language`].
    pub fn matching_cities(
        &self,
        text: &str,
        language: Option<Language>,
        place: Option<(f64, f64)>,
    ) -> Result<MatchedCities, DropReason> {
        if self.language.is_some() && language != self.language {
            return Err(DropReason::Language);
        }
        match &self.rule {
            Rule::All(city) => Ok(MatchedCities(vec![*city])),
            Rule::Cities(cities) => cities.matching(text, place).ok_or(DropReason::NoCity),
        }
    }
}

impl Cities {
    fn matching(&self, text: &str, place: Option<(f64, f64)>) -> Option<MatchedCities> {
        let mut found: Vec<usize> = Vec::new();
        if let Some(place) = place {
            let near =
                |(_, p): &(usize, &Place)| distance_km(p.coordinates, place) <= PLACE_RADIUS_KM;
            found.extend(self.places.iter().enumerate().filter(near).map(|(i, _)| i));
        }
        let normal = normal_form(text);
        let text = &*normal;
        // Case folding changes byte offsets, so everything below must use the same text.
        if self.has_non_ascii && !text.is_ascii() {
            self.add_named(&text.to_lowercase(), &mut found);
        } else {
            self.add_named(text, &mut found);
        }
        if found.is_empty() {
            return None;
        }
        found.sort_unstable();
        Some(MatchedCities(
            found.iter().map(|i| self.places[*i].city).collect(),
        ))
    }

    fn add_named(&self, text: &str, found: &mut Vec<usize>) {
        // Most posts name no city, so links are located only after the first match.
        let mut hidden = None;
        for name in self.names.find_overlapping_iter(text) {
            let owner = self.owners[name.pattern().as_usize()];
            if found.contains(&owner) || !is_whole(text, &name) {
                continue;
            }
            let hidden = hidden.get_or_insert_with(|| HiddenRanges::find(text));
            if !hidden.overlaps(name.start()..name.end()) {
                found.push(owner);
            }
        }
    }
}

/// Whether no letter, digit or combining mark is adjacent to the match.
fn is_whole(text: &str, name: &Match) -> bool {
    let before = text.get(..name.start()).and_then(|t| t.chars().next_back());
    let after = text.get(name.end()..).and_then(|t| t.chars().next());
    !before.is_some_and(is_in_word) && !after.is_some_and(is_in_word)
}

fn is_in_word(c: char) -> bool {
    // U+0300 to U+036F modify the preceding letter, as in a decomposed é.
    c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c)
}

/// The great-circle distance of two points (latitude, longitude in degrees) by the haversine formula.
pub(crate) fn distance_km(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (lat_a, lat_b) = (a.0.to_radians(), b.0.to_radians());
    let half_lat = (lat_b - lat_a) / 2.0;
    let half_lon = (b.1 - a.1).to_radians() / 2.0;
    let h = half_lat.sin().powi(2) + lat_a.cos() * lat_b.cos() * half_lon.sin().powi(2);
    2.0 * EARTH_RADIUS_KM * h.clamp(0.0, 1.0).sqrt().asin()
}
