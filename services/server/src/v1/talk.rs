//! The parameter `talk`: whether posts that speak of the weather are included.

use moodvane_model::WeatherTalk;
use utoipa::ToSchema;

use crate::query::Choice;

/// Which posts are included by whether they speak of the weather.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum TalkName {
    /// All posts.
    All,
    /// Posts that do not speak of the weather.
    Without,
    /// Posts that speak of the weather.
    Only,
}

impl Choice for TalkName {
    const ALL: &[(&str, Self)] = &[
        (WeatherTalk::All.name(), Self::All),
        (WeatherTalk::Without.name(), Self::Without),
        (WeatherTalk::Only.name(), Self::Only),
    ];
}

impl From<TalkName> for WeatherTalk {
    fn from(name: TalkName) -> Self {
        match name {
            TalkName::All => Self::All,
            TalkName::Without => Self::Without,
            TalkName::Only => Self::Only,
        }
    }
}
