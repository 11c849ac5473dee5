//! The client of a running server.

use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{TimeDelta, Utc};
use moodvane_gazetteer::{GazetteerError, find};
use moodvane_launch::connect_address;
use reqwest::{Response, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::config::AppConfig;
use crate::http;

/// The longest event of a stream, in bytes.
const MAX_EVENT_BYTES: usize = 16 << 20;

/// The hour of UTC this many hours ago, for a request.
pub(crate) fn hour_before_now(hours: i64) -> String {
    let at = Utc::now() - TimeDelta::hours(hours);
    at.format("%Y-%m-%dT%H").to_string()
}

/// The id of the city that `text` names. The server may have cities that this configuration and the
/// gazetteer do not have: their ids pass unchanged.
pub(crate) fn city_id(config: &AppConfig, text: &str) -> Result<String, GazetteerError> {
    if config.cities.iter().any(|city| city.id.as_str() == text) {
        return Ok(text.to_owned());
    }
    match find(text) {
        Ok(entry) => Ok(entry.city().id.to_string()),
        Err(GazetteerError::Unknown { .. }) => Ok(text.to_owned()),
        Err(ambiguous) => Err(ambiguous),
    }
}

/// A running server.
pub(crate) struct Server {
    base: Url,
    client: reqwest::Client,
}

impl Server {
    /// The server of a configuration; each request has this time-out.
    pub(crate) fn of_config(config: &AppConfig, timeout: Duration) -> anyhow::Result<Self> {
        let address = connect_address(config.server.address);
        Ok(Self {
            base: Url::parse(&format!("http://{address}"))?,
            client: http::client(timeout)?,
        })
    }

    /// The URL of a path with parameters.
    pub(crate) fn path(&self, path: &str, params: &[(&str, String)]) -> anyhow::Result<Url> {
        let mut url = self.base.join(path)?;
        url.query_pairs_mut().extend_pairs(params);
        Ok(url)
    }

    /// The URL of a path that has its parameters.
    pub(crate) fn join(&self, path: &str) -> anyhow::Result<Url> {
        Ok(self.base.join(path)?)
    }

    /// The parsed response; the error is the detail of the server's problem.
    pub(crate) async fn get<T: DeserializeOwned>(&self, url: Url) -> anyhow::Result<T> {
        let response = self.send(self.client.get(url)).await?;
        response
            .json()
            .await
            .context("cannot parse the server's response")
    }

    /// Sends a request for server-sent events; calls `on_event` with name and data of each, until it
    /// returns a value.
    pub(crate) async fn events<T>(
        &self,
        url: Url,
        mut on_event: impl FnMut(&str, &str) -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let request = self.client.get(url);
        let request = request.header(header::ACCEPT, "text/event-stream");
        let mut response = self.send(request).await?;
        let mut events = EventParser::default();
        while let Some(chunk) = response
            .chunk()
            .await
            .context("the server's response ended")?
        {
            events.push(&chunk)?;
            while let Some((name, data)) = events.next_event()? {
                if let Some(value) = on_event(&name, &data)? {
                    return Ok(value);
                }
            }
        }
        bail!("the server ended its response before the answer")
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Response> {
        let response = request.send().await;
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
        Ok(response)
    }
}

/// Splits a stream into events (WHATWG HTML, section 9.2.6), of which each has one line of data.
#[derive(Default)]
struct EventParser(Vec<u8>);

impl EventParser {
    fn push(&mut self, chunk: &[u8]) -> anyhow::Result<()> {
        if self.0.len() + chunk.len() > MAX_EVENT_BYTES {
            bail!("the server's response has an event over {MAX_EVENT_BYTES} bytes");
        }
        self.0.extend(chunk);
        Ok(())
    }

    /// The next complete event with name and data; passes over comments.
    fn next_event(&mut self) -> anyhow::Result<Option<(String, String)>> {
        loop {
            let Some(end) = self.0.windows(2).position(|pair| pair == b"\n\n") else {
                return Ok(None);
            };
            let rest = self.0.split_off(end + 2);
            let block = std::mem::replace(&mut self.0, rest);
            let block = String::from_utf8(block).context("the server's response is not UTF-8")?;
            let field = |name: &str| {
                let mut lines = block.lines();
                lines
                    .find_map(|line| line.strip_prefix(name))
                    .map(str::trim)
            };
            if let (Some(name), Some(data)) = (field("event:"), field("data:")) {
                return Ok(Some((name.to_owned(), data.to_owned())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parser_joins_chunks_and_skips_comments() {
        let mut parser = EventParser::default();
        let mut found = Vec::new();
        for chunk in [
            ": open\n\nevent: a\nda",
            "ta: 1\n\nevent:b\ndata:2\n\n:\n",
            "\nevent: c",
        ] {
            parser.push(chunk.as_bytes()).unwrap();
            while let Some(event) = parser.next_event().unwrap() {
                found.push(event);
            }
        }
        let expected = [("a", "1"), ("b", "2")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(found, expected);
    }

    #[test]
    fn parser_limits_events() {
        let mut parser = EventParser::default();
        let chunk = vec![b'x'; MAX_EVENT_BYTES];
        parser.push(&chunk).unwrap();
        assert!(parser.push(b"x").is_err());
    }
}
