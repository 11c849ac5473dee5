//! `moodvane query`: queries a running server and prints its hours as a table, a sparkline of each
//! series, and the relation in a sentence.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{TimeDelta, Utc};
use console::Term;
use moodvane_gazetteer::{GazetteerError, find};
use moodvane_launch::connect_address;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::cli::QueryArgs;
use crate::config::AppConfig;
use crate::http;
use crate::terminal::{self, Row};

const TIMEOUT: Duration = Duration::from_secs(30);
/// The width without a terminal.
const DEFAULT_WIDTH: usize = 100;

#[derive(Deserialize)]
struct Page {
    hours: Vec<Hour>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Hour {
    hour: String,
    posts: u64,
    feeling: Option<f64>,
    weather: Value,
}

#[derive(Deserialize)]
struct Relation {
    unit: String,
    sentence: String,
}

/// Prints the hours and the relation of the range.
pub(crate) async fn run(config: AppConfig, args: QueryArgs) -> anyhow::Result<ExitCode> {
    let server = Server {
        base: Url::parse(&format!(
            "http://{}",
            connect_address(config.server.address)
        ))?,
        client: http::client(TIMEOUT)?,
    };
    let city = args.city.as_deref().map(|text| city_id(&config, text));
    let params = args.params(city.transpose()?);
    let rows = server.rows(&params, &args.variable).await?;
    let mut path = server.path("/v1/relation", &params)?;
    let cycles = args
        .like_with_like
        .then_some(("cycles", "daily-and-weekly"));
    path.query_pairs_mut()
        .append_pair("variable", &args.variable)
        .extend_pairs(cycles);
    let relation: Relation = server.get(path).await?;
    let terminal = Term::stdout();
    let width = match terminal.is_term() {
        true => usize::from(terminal.size().1),
        false => DEFAULT_WIDTH,
    };
    let text = terminal::render(&rows, (&args.variable, &relation.unit), width);
    println!("{text}\n{}", relation.sentence);
    Ok(ExitCode::SUCCESS)
}

/// The id of the city that `text` names. The server may have cities that this configuration and the
/// gazetteer do not have: their ids pass unchanged.
fn city_id(config: &AppConfig, text: &str) -> Result<String, GazetteerError> {
    if config.cities.iter().any(|city| city.id.as_str() == text) {
        return Ok(text.to_owned());
    }
    match find(text) {
        Ok(entry) => Ok(entry.city().id.to_string()),
        Err(GazetteerError::Unknown { .. }) => Ok(text.to_owned()),
        Err(ambiguous) => Err(ambiguous),
    }
}

impl QueryArgs {
    /// The parameters of both requests. The default range ends now.
    fn params(&self, city: Option<String>) -> Vec<(&'static str, String)> {
        let hour = |before: i64| {
            let at = Utc::now() - TimeDelta::hours(before);
            at.format("%Y-%m-%dT%H").to_string()
        };
        let begin = self.begin.clone();
        let end = self.end.clone();
        let mut params = vec![
            (
                "begin",
                begin.unwrap_or_else(|| hour(i64::from(self.hours) - 1)),
            ),
            ("end", end.unwrap_or_else(|| hour(0))),
        ];
        params.extend(city.map(|city| ("city", city)));
        params.extend(self.tz.clone().map(|tz| ("tz", tz)));
        params
    }
}

struct Server {
    base: Url,
    client: reqwest::Client,
}

impl Server {
    fn path(&self, path: &str, params: &[(&str, String)]) -> anyhow::Result<Url> {
        let mut url = self.base.join(path)?;
        url.query_pairs_mut().extend_pairs(params);
        Ok(url)
    }

    async fn rows(&self, params: &[(&str, String)], variable: &str) -> anyhow::Result<Vec<Row>> {
        let mut rows = Vec::new();
        let mut path = Some(self.path("/v1/hours", params)?);
        while let Some(url) = path {
            let page: Page = self.get(url).await?;
            rows.extend(page.hours.into_iter().map(|hour| Row {
                hour: hour.hour,
                posts: hour.posts,
                feeling: hour.feeling,
                weather: hour.weather[variable]["value"].as_f64(),
            }));
            path = page.next.map(|next| self.base.join(&next)).transpose()?;
        }
        Ok(rows)
    }

    /// The parsed response; the error is the detail of the server's problem.
    async fn get<T: DeserializeOwned>(&self, url: Url) -> anyhow::Result<T> {
        let response = self.client.get(url).send().await;
        let response = response.with_context(|| {
            format!(
                "no server responds at {}: start one with \"moodvane run\", \"serve\" or \"demo\", or set its port with --port",
                self.base
            )
        })?;
        if !response.status().is_success() {
            let status = response.status();
            let problem: Value = response.json().await.unwrap_or_default();
            bail!("{}", problem["detail"].as_str().unwrap_or(status.as_str()));
        }
        response
            .json()
            .await
            .context("cannot parse the server's response")
    }
}
