//! Finding a city by what a person types.

use moodvane_model::CityId;
use strsim::damerau_levenshtein;

use crate::error::GazetteerError;
use crate::fold::fold;
use crate::list::{cities, names};
use crate::{GazetteerCity, Region};

/// The longest text that is compared with all names, in bytes.
const MAX_QUERY_BYTES: usize = 96;
const MAX_SUGGESTIONS: usize = 3;

/// The city with this id.
#[must_use]
pub fn get(id: CityId) -> Option<&'static GazetteerCity> {
    cities().iter().find(|entry| entry.city().id == id)
}

/// The city that `text` names: its id, its name, one of its names in posts, or one of these with a
/// country or a region, as in `Paris, France`, `Birmingham, AL` or `newcastle, uk`. Case and accents
/// do not matter.
///
/// # Errors
/// [`GazetteerError::Ambiguous`] with the candidates if several cities have the name;
/// [`GazetteerError::Unknown`] with the nearest spellings if none has.
pub fn find(text: &str) -> Result<&'static GazetteerCity, GazetteerError> {
    let trimmed = text.trim();
    if let Some(found) = CityId::parse(&trimmed.to_lowercase()).ok().and_then(get) {
        return Ok(found);
    }
    let mut found = named(trimmed);
    if found.is_empty()
        && let Some((name, place)) = trimmed.rsplit_once(',')
    {
        found = named(name);
        found.retain(|entry| lies_in(entry, &fold(place)));
    }
    match *found {
        [] => Err(GazetteerError::Unknown {
            text: trimmed.to_owned(),
            suggestions: nearest(trimmed),
        }),
        [one] => Ok(one),
        _ => Err(GazetteerError::Ambiguous {
            text: trimmed.to_owned(),
            candidates: found,
        }),
    }
}

/// The cities of a list with commas, such as `chicago, london, birmingham, al`, in its order and
/// without duplicates. Two items are one city if they name one as `City, Country`.
///
/// # Errors
/// An error for each item that [`find`] rejects.
pub fn find_all(list: &str) -> Result<Vec<&'static GazetteerCity>, Vec<GazetteerError>> {
    let items: Vec<&str> = list.split(',').map(str::trim).collect();
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    let mut rest = items.as_slice();
    while let [item, after @ ..] = rest {
        rest = after;
        let qualified = after
            .first()
            .filter(|place| !fold(item).is_empty() && !fold(place).is_empty())
            .and_then(|place| find(&format!("{item}, {place}")).ok());
        let result = match qualified {
            Some(entry) => {
                rest = &after[1..];
                Ok(entry)
            }
            None => find(item),
        };
        match result {
            Ok(entry) if found.contains(&entry) => {}
            Ok(entry) => found.push(entry),
            Err(error) => errors.push(error),
        }
    }
    match errors.is_empty() {
        true => Ok(found),
        false => Err(errors),
    }
}

/// The cities with this name, the most populous first.
fn named(text: &str) -> Vec<&'static GazetteerCity> {
    let folded = fold(text);
    let all = names();
    let start = all.partition_point(|entry| entry.name < folded);
    let same = all[start..].iter().take_while(|entry| entry.name == folded);
    let mut found: Vec<_> = same.map(|entry| entry.city).collect();
    found.sort_by_key(|entry| std::cmp::Reverse(entry.population()));
    found
}

/// Whether `place`, in folded form, is the country or the region of a city.
fn lies_in(entry: &GazetteerCity, place: &str) -> bool {
    let is_region = |region: Region| fold(region.code) == place || fold(region.name) == place;
    let usual = match entry.country_code() {
        "GB" => &["uk", "great britain", "britain"][..],
        "US" => &["usa", "us", "america"],
        "AE" => &["uae"],
        "NL" => &["the netherlands", "holland"],
        _ => &[],
    };
    fold(entry.country()) == place
        || fold(entry.country_code()) == place
        || usual.contains(&place)
        || entry.region().is_some_and(is_region)
}

/// The cities with a name that a typo may have turned into `text`, the nearest first.
fn nearest(text: &str) -> Vec<&'static GazetteerCity> {
    let folded = fold(text);
    if folded.is_empty() || folded.len() > MAX_QUERY_BYTES {
        return Vec::new();
    }
    let most = 1 + folded.chars().count() / 5;
    let distance = |name: &str| damerau_levenshtein(&folded, name);
    let mut near: Vec<_> = names()
        .iter()
        .filter(|entry| entry.name.len().abs_diff(folded.len()) <= 2 * most)
        .map(|entry| (distance(&entry.name), entry.city))
        .filter(|(distance, _)| *distance <= most)
        .collect();
    near.sort_by_key(|(distance, entry)| (*distance, std::cmp::Reverse(entry.population())));
    let mut found: Vec<&'static GazetteerCity> = Vec::new();
    for (_, entry) in near {
        if found.len() < MAX_SUGGESTIONS && !found.contains(&entry) {
            found.push(entry);
        }
    }
    found
}
