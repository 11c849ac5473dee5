//! The numbers of a figure as CSV (RFC 4180). Unknown values are empty.

use serde::Serialize;

use crate::report::{Effect, Estimate, Lag, VariableEffect};

/// The columns of an estimate.
const ESTIMATE: [&str; 5] = ["difference", "low", "high", "standard_error", "p_value"];

pub(super) fn bins(variable: &VariableEffect) -> String {
    let first = ["from", "below", "is_reference", "hours", "posts", "mean"];
    let last = ["band_low", "band_high"];
    let header: Vec<&str> = first.into_iter().chain(ESTIMATE).chain(last).collect();
    table(
        &header,
        variable.bins.iter().map(|bin| {
            let range = (bin.low, bin.high, bin.is_reference);
            let counts = (bin.hours, bin.posts, bin.mean);
            let band = (bin.band_low, bin.band_high);
            (range, counts, columns(bin.difference), band)
        }),
    )
}

pub(super) fn lags(effect: &Effect) -> String {
    let first = ["variable", "when", "first_hour", "last_hour"];
    let header: Vec<&str> = first.into_iter().chain(ESTIMATE).collect();
    let row = |variable: &str, when: &'static str, lag: &Lag| {
        let window = (variable.to_owned(), when, lag.first_hour, lag.last_hour);
        (window, columns(Some(lag.effect)))
    };
    let past = effect.lags.iter().flat_map(|lags| {
        let rows = lags.lags.iter();
        rows.map(|lag| row(&lags.variable, "before", lag))
    });
    let future = effect.future.iter().flat_map(|future| {
        let rows = future.rain.iter();
        rows.map(|lag| row("precipitation", "later", lag))
    });
    table(&header, past.chain(future))
}

pub(super) fn cities(effect: &Effect) -> String {
    let header: Vec<&str> = ["city"]
        .into_iter()
        .chain(ESTIMATE)
        .chain(["reason"])
        .collect();
    table(
        &header,
        effect.by_city.iter().map(|result| {
            let reason = result.reason.clone();
            (result.city.id.clone(), columns(result.difference), reason)
        }),
    )
}

type Columns = [Option<f64>; 5];

fn columns(estimate: Option<Estimate>) -> Columns {
    estimate.map_or([None; 5], |e| {
        [e.value, e.low, e.high, e.standard_error, e.p_value].map(Some)
    })
}

fn table<T: Serialize>(header: &[&str], rows: impl Iterator<Item = T>) -> String {
    let mut out = csv::WriterBuilder::new()
        .has_headers(false)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    // Writing to memory does not fail.
    let written = out
        .write_record(header)
        .and_then(|()| rows.into_iter().try_for_each(|row| out.serialize(row)));
    debug_assert!(written.is_ok());
    let bytes = out.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}
