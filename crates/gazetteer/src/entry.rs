//! A city of the gazetteer.

use moodvane_model::{City, CityId};

/// A city of the gazetteer.
#[derive(Debug, PartialEq)]
pub struct GazetteerCity {
    city: City,
    country_code: &'static str,
    country: &'static str,
    region: Option<Region>,
    population: u32,
}

/// The state, province or constituent country of a city, where people qualify cities by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Its usual abbreviation, for example `IL`.
    pub code: &'static str,
    /// Its name, for example `Illinois`.
    pub name: &'static str,
}

impl GazetteerCity {
    /// Parses a line of the list. `None` if it is malformed, which a test rules out.
    pub(crate) fn parse(line: &'static str) -> Option<Self> {
        let mut fields = line.split('\t');
        let mut next = || fields.next();
        let id = CityId::parse(next()?).ok()?;
        let name = next()?;
        let names: Vec<String> = next()?.split('|').map(str::to_owned).collect();
        let (country_code, country) = (next()?, next()?);
        let (code, region) = (next()?, next()?);
        let place = (next()?.parse().ok()?, next()?.parse().ok()?);
        let city = City::new(id, name, &names, place, next()?).ok()?;
        let population = next()?.parse().ok()?;
        let region = (!code.is_empty()).then_some(Region { code, name: region });
        Some(Self {
            city,
            country_code,
            country,
            region,
            population,
        })
        .filter(|_| next().is_none())
    }

    /// The city: id, display name, names in posts, coordinates in degrees, zone.
    #[must_use]
    pub fn city(&self) -> &City {
        &self.city
    }

    /// The country's code of ISO 3166-1, for example `US`.
    #[must_use]
    pub fn country_code(&self) -> &'static str {
        self.country_code
    }

    /// The country's name in English.
    #[must_use]
    pub fn country(&self) -> &'static str {
        self.country
    }

    /// The region, in the United States, Canada, Australia and the United Kingdom.
    #[must_use]
    pub fn region(&self) -> Option<Region> {
        self.region
    }

    /// Inhabitants of the city proper, by GeoNames.
    #[must_use]
    pub fn population(&self) -> u32 {
        self.population
    }
}
