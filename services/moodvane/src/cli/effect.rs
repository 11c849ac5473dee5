//! The arguments of `effect`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `effect`.
#[derive(Debug, Args)]
pub(crate) struct EffectArgs {
    /// The ids or names of cities, or all; by default the server's city. May be repeated.
    #[arg(long = "city", value_name = "CITY,…", value_delimiter = ',')]
    pub(crate) cities: Vec<String>,
    /// The first hour, for example 2018-01-01T02.
    #[arg(long, requires = "end", value_name = "HOUR")]
    pub(crate) begin: Option<String>,
    /// The last hour, included.
    #[arg(long, requires = "begin", value_name = "HOUR")]
    pub(crate) end: Option<String>,
    /// The number of days up to now, without --begin and --end.
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_600))]
    pub(crate) days: u32,
    /// The IANA time zone of --begin and --end; UTC by default.
    #[arg(long)]
    pub(crate) tz: Option<String>,
    /// Which posts are included by whether they speak of the weather: without, all or only; without by
    /// default.
    #[arg(long)]
    pub(crate) talk: Option<String>,
    /// Leaves out hours with fewer scored posts.
    #[arg(long)]
    pub(crate) min_posts: Option<u64>,
    /// The weight of an hour: standard-error, posts or equal.
    #[arg(long)]
    pub(crate) weight: Option<String>,
    /// The fixed effect of the season: week, month-trend or month.
    #[arg(long)]
    pub(crate) season: Option<String>,
    /// The past whose rain and temperature count, in hours.
    #[arg(long)]
    pub(crate) lag_hours: Option<u64>,
    /// The draws of bands and joint tests.
    #[arg(long)]
    pub(crate) draws: Option<u64>,
    /// The circular shifts of the permutation test.
    #[arg(long)]
    pub(crate) shifts: Option<u64>,
    /// Writes a self-contained report to FILE.html (with figures), FILE.md or FILE.json. May be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Vec<PathBuf>,
}
