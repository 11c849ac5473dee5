//! Identifiers of cities and sources. They are stored inline, so that copying one does not allocate.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ModelError;

const CAPACITY: usize = 31;

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Slug {
    bytes: [u8; CAPACITY],
    len: u8,
}

impl Slug {
    fn parse(text: &str) -> Result<Self, ModelError> {
        let valid = (1..=CAPACITY).contains(&text.len())
            && !text.starts_with('-')
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !valid {
            return Err(ModelError::Slug(text.chars().take(64).collect()));
        }
        let mut bytes = [0; CAPACITY];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self {
            bytes,
            len: text.len() as u8,
        })
    }

    fn as_str(&self) -> &str {
        // `parse` accepts ASCII only, so the default is unreachable.
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Slug);

        impl $name {
            /// Parses an identifier: 1 to 31 characters of a-z, 0-9 and '-'.
            ///
            /// # Errors
            /// [`ModelError::Slug`] for any other text.
            pub fn parse(text: &str) -> Result<Self, ModelError> {
                Slug::parse(text).map(Self)
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl FromStr for $name {
            type Err = ModelError;
            fn from_str(text: &str) -> Result<Self, ModelError> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

identifier! {
    /// Identifies a city, for example `new-york`.
    CityId
}
identifier! {
    /// Identifies a source of posts or observations, for example `open-meteo` or `bluesky`.
    SourceId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_only_short_lower_case_identifiers() {
        for good in ["a", "new-york", "open-meteo", "9", &"x".repeat(31)] {
            assert_eq!(CityId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "New", "a b", "a:b", "é", &"x".repeat(32)] {
            assert!(CityId::parse(bad).is_err(), "{bad}");
        }
    }
}
