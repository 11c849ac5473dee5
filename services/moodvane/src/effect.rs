//! `moodvane effect`: asks a running server whether rain makes posts less joyful, prints the answer with
//! its checks, and writes a report.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use moodvane_effect_report::{EffectReport, html, markdown};
use serde::Deserialize;
use serde_json::Value;

use crate::cli::EffectArgs;
use crate::client::{Server, city_id, hour_before_now};
use crate::config::AppConfig;

/// An effect of many cities takes seconds; the server has a time-out of its own.
const TIMEOUT: Duration = Duration::from_secs(3_600);

/// The format of a report, by the extension of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReportFormat {
    Html,
    Markdown,
    Json,
}

impl ReportFormat {
    fn of_path(path: &Path) -> anyhow::Result<Self> {
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension {
            Some("html" | "htm") => Ok(Self::Html),
            Some("md" | "markdown") => Ok(Self::Markdown),
            Some("json") => Ok(Self::Json),
            _ => bail!(
                "--report {}: the name must end with .html, .md or .json",
                path.display()
            ),
        }
    }
}

#[derive(Deserialize)]
struct Progress {
    done: u64,
    total: u64,
    step: String,
}

/// Prints the effect, and writes it to the file of `--report`.
pub(crate) async fn run(config: AppConfig, args: EffectArgs) -> anyhow::Result<ExitCode> {
    let reports: Vec<(PathBuf, ReportFormat)> = args
        .report
        .iter()
        .map(|path| Ok((path.clone(), ReportFormat::of_path(path)?)))
        .collect::<anyhow::Result<_>>()?;
    let server = Server::of_config(&config, TIMEOUT)?;
    let params = args.params(&config)?;
    let report = fetch(&server, &params).await?;
    for (path, format) in &reports {
        let text = match format {
            ReportFormat::Html => html(&report)?,
            ReportFormat::Markdown => markdown(&report)?,
            ReportFormat::Json => serde_json::to_string_pretty(&report)?,
        };
        let written = tokio::fs::write(path, text).await;
        written.with_context(|| format!("cannot write the report to {}", path.display()))?;
        eprintln!("report: {}", path.display());
    }
    print!("{}", markdown(&report)?);
    Ok(ExitCode::SUCCESS)
}

async fn fetch(server: &Server, params: &[(&str, String)]) -> anyhow::Result<EffectReport> {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos} of {len}: {msg}") {
        bar.set_style(style);
    }
    let url = server.path("/v1/effect", params)?;
    let report = server.events(url, |name, data| match name {
        "answer" => {
            let report = serde_json::from_str(data);
            report.map(Some).context("cannot parse the server's answer")
        }
        "problem" => {
            let problem: Value = serde_json::from_str(data).unwrap_or_default();
            bail!(
                "{}",
                problem["detail"].as_str().unwrap_or("the server failed")
            )
        }
        _ => {
            if let Ok(progress) = serde_json::from_str::<Progress>(data) {
                bar.set_length(progress.total);
                bar.set_position(progress.done);
                bar.set_message(progress.step);
            }
            Ok(None)
        }
    });
    let report = report.await;
    bar.finish_and_clear();
    report
}

impl EffectArgs {
    /// The parameters of the request. The default range ends now.
    fn params(&self, config: &AppConfig) -> anyhow::Result<Vec<(&'static str, String)>> {
        let begin = self.begin.clone();
        let begin = begin.unwrap_or_else(|| hour_before_now(i64::from(self.days) * 24 - 1));
        let end = self.end.clone().unwrap_or_else(|| hour_before_now(0));
        let mut params = vec![("begin", begin), ("end", end)];
        let cities: Vec<String> = self
            .cities
            .iter()
            .map(|text| match text.trim() {
                "all" => Ok("all".to_owned()),
                name => city_id(config, name),
            })
            .collect::<Result<_, _>>()?;
        if !cities.is_empty() {
            params.push(("city", cities.join(",")));
        }
        let numbers = [
            ("min_posts", self.min_posts),
            ("lag_hours", self.lag_hours),
            ("draws", self.draws),
            ("shifts", self.shifts),
        ];
        let numbers = numbers.map(|(name, value)| (name, value.map(|value| value.to_string())));
        let texts = [
            ("talk", self.talk.clone()),
            ("tz", self.tz.clone()),
            ("weight", self.weight.clone()),
            ("season", self.season.clone()),
        ];
        let given = numbers.into_iter().chain(texts);
        params.extend(given.filter_map(|(name, value)| Some((name, value?))));
        Ok(params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_follows_extension() {
        let format = |name: &str| ReportFormat::of_path(Path::new(name)).ok();
        assert_eq!(format("a/b.html"), Some(ReportFormat::Html));
        assert_eq!(format("b.md"), Some(ReportFormat::Markdown));
        assert_eq!(format("b.json"), Some(ReportFormat::Json));
        assert_eq!(format("b.pdf"), None);
        assert_eq!(format("b"), None);
    }
}
