//! Keys that several kinds of sources share.

use std::str::FromStr;
use std::sync::Arc;

use moodvane_model::{City, ErrorChain, Language, Timestamp};
use moodvane_runtime::Section;
use moodvane_upstream::Selection;
use url::Url;

/// `since`, a moment; `None` if it is absent or empty.
pub(super) fn read_since(section: &Section<'_>) -> Option<Option<Timestamp>> {
    let text = section.parse_optional::<String>("since")?;
    text.map(|text| Timestamp::parse_rfc3339(&text))
        .transpose()
        .map_err(|fault| section.fault("since", ErrorChain(&fault).to_string()))
        .ok()
}

/// Parses the URL of `key`, which must have one of the schemes and a host.
pub(super) fn parse_url(
    section: &Section<'_>,
    key: &str,
    text: &str,
    schemes: [&str; 2],
) -> Option<Url> {
    let url = text.parse::<Url>();
    let url = url
        .map_err(|error| section.fault(key, error.to_string()))
        .ok()?;
    if schemes.contains(&url.scheme()) && url.has_host() {
        return Some(url);
    }
    let [plain, secure] = schemes;
    section.fault(
        key,
        // Only the scheme: the rest may contain a secret.
        format!(
            "{}://… must start with {plain}:// or {secure}:// and have a host",
            url.scheme()
        ),
    );
    None
}

#[derive(Clone, Copy)]
enum SelectMode {
    City,
    All,
}

impl FromStr for SelectMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" | "city" => Ok(Self::City),
            "all" => Ok(Self::All),
            other => Err(format!(
                "\"{other}\" must be city (posts that name a city) or all (every post)"
            )),
        }
    }
}

/// `select = "city"`: posts that name a city; `"all"`: every post, for the first city. `language`
/// restricts either.
pub(super) fn read_selection(section: &Section<'_>, cities: &[City]) -> Option<Arc<Selection>> {
    let language = read_language(section);
    let mode = section.parse_optional::<SelectMode>("select");
    let (language, mode) = (language?, mode?.unwrap_or(SelectMode::City));
    let selection = match (mode, cities.first()) {
        (SelectMode::City, _) => Selection::for_cities(cities)
            .map(|selection| selection.in_language(language))
            .map_err(|error| ErrorChain(&error).to_string()),
        (SelectMode::All, Some(city)) => Ok(Selection::all_posts(city.id, language)),
        (SelectMode::All, None) => {
            Err("\"all\" counts posts for the first city, but no city is configured".to_owned())
        }
    };
    selection
        .map(Arc::new)
        .map_err(|fault| section.fault("select", fault))
        .ok()
}

pub(super) fn read_language(section: &Section<'_>) -> Option<Option<Language>> {
    let Some(tag) = section.parse_optional::<String>("language")? else {
        return Some(None);
    };
    Language::parse(&tag)
        .map(Some)
        .map_err(|error| section.fault("language", error.to_string()))
        .ok()
}
