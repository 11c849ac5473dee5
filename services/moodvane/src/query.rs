//! `moodvane query`: queries a running server and prints its hours as a table, a sparkline of each
//! series, and the relation in a sentence.

use std::process::ExitCode;
use std::time::Duration;

use console::Term;
use serde::Deserialize;
use serde_json::Value;

use crate::cli::QueryArgs;
use crate::client::{Server, city_id, hour_before_now};
use crate::config::AppConfig;
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
    let server = Server::of_config(&config, TIMEOUT)?;
    let city = args.city.as_deref().map(|text| city_id(&config, text));
    let params = args.params(city.transpose()?);
    let rows = rows(&server, &params, &args.variable).await?;
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

impl QueryArgs {
    /// The parameters of both requests. The default range ends now.
    fn params(&self, city: Option<String>) -> Vec<(&'static str, String)> {
        let begin = self.begin.clone();
        let end = self.end.clone();
        let mut params = vec![
            (
                "begin",
                begin.unwrap_or_else(|| hour_before_now(i64::from(self.hours) - 1)),
            ),
            ("end", end.unwrap_or_else(|| hour_before_now(0))),
        ];
        params.extend(city.map(|city| ("city", city)));
        params.extend(self.tz.clone().map(|tz| ("tz", tz)));
        params
    }
}

/// The hours of all pages.
async fn rows(
    server: &Server,
    params: &[(&str, String)],
    variable: &str,
) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut path = Some(server.path("/v1/hours", params)?);
    while let Some(url) = path {
        let page: Page = server.get(url).await?;
        rows.extend(page.hours.into_iter().map(|hour| Row {
            hour: hour.hour,
            posts: hour.posts,
            feeling: hour.feeling,
            weather: hour.weather[variable]["value"].as_f64(),
        }));
        path = page.next.map(|next| server.join(&next)).transpose()?;
    }
    Ok(rows)
}
