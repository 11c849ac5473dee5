//! The list in the binary, and the folded names of its cities.

use std::sync::LazyLock;

use crate::GazetteerCity;
use crate::fold::fold;

const LIST: &str = include_str!("../data/cities.tsv");

static CITIES: LazyLock<Vec<GazetteerCity>> = LazyLock::new(|| {
    let lines = LIST.lines().skip(1);
    lines.filter_map(GazetteerCity::parse).collect()
});

static NAMES: LazyLock<Vec<FoldedName>> = LazyLock::new(|| {
    let mut names: Vec<FoldedName> = CITIES.iter().flat_map(folded_names).collect();
    names.sort_by(|a, b| a.name.cmp(&b.name));
    names.dedup_by(|a, b| a.name == b.name && a.city.city().id == b.city.city().id);
    names
});

/// A folded name and a city that it names.
pub(crate) struct FoldedName {
    pub(crate) name: String,
    pub(crate) city: &'static GazetteerCity,
}

/// All cities, the most populous first.
#[must_use]
pub fn cities() -> &'static [GazetteerCity] {
    &CITIES
}

/// The names of all cities: of display and in posts, in order.
pub(crate) fn names() -> &'static [FoldedName] {
    &NAMES
}

fn folded_names(city: &'static GazetteerCity) -> Vec<FoldedName> {
    let own = [city.city().name.as_str()].into_iter();
    let all = own.chain(city.city().names.iter().map(String::as_str));
    all.map(|name| FoldedName {
        name: fold(name),
        city,
    })
    .collect()
}
