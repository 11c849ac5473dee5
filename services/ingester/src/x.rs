//! Posts from X's filtered stream.
//!
//! Guarantee: the source holds one connection and synchronises its rules with the configuration
//! before it connects. It expects a keep-alive as often as X promises one. It never reads more
//! posts in a day than the budget allows, also across restarts. X cannot replay a stream, except
//! for the backfill minutes of the subscription, so records go to the spool first.

mod budget;
mod rules;

use std::sync::Arc;
use std::time::Duration;

use moodvane_upstream::RawMessage;
use moodvane_upstream::x::{self, XFormat};
use tracing::info;

use self::budget::Budget;
use self::rules::RulesApi;
use crate::config::XConfig;
use crate::error::SourceError;
use crate::http;
use crate::source_context::{SourceContext, SourceExit};
use crate::stream::{self, HttpLines, Protocol, StreamSource};

/// The longest wait for the start of a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// X promises a keep-alive every 20 s; the rest is network delay.
const IDLE_TIMEOUT: Duration = Duration::from_secs(25);

/// Reads the stream until it ends or the source stops.
pub(crate) async fn run(
    config: XConfig,
    context: SourceContext,
) -> Result<SourceExit, SourceError> {
    stream::run(&context, connect(&config, &context)).await
}

async fn connect(
    config: &XConfig,
    context: &SourceContext,
) -> Result<StreamSource<HttpLines, FilteredStream>, SourceError> {
    // Before any request: a source without budget must not connect.
    let mut budget = Budget::restore(context, config.posts_per_day).await?;
    budget.check()?;
    let client = http::streaming_client(&config.base_url)?;
    let api = RulesApi {
        config,
        context,
        client: &client,
    };
    let rules = api.synchronise().await?;
    let url = x::stream_url(&config.base_url, config.backfill_minutes);
    let request = client.get(url).bearer_auth(config.token.expose());
    let opening = http::send(request, context.now());
    let response = context.with_timeout(RESPONSE_TIMEOUT, opening).await?;
    info!(source = %context.id(), rules = rules.len(), "stream connected");
    context.set_running();
    let format = XFormat::new(context.id(), Arc::clone(&config.selection), rules);
    let transport_and_protocol = (HttpLines::new(response), FilteredStream { budget });
    Ok(StreamSource::new(
        context,
        transport_and_protocol,
        format,
        IDLE_TIMEOUT,
    ))
}

/// The protocol of the filtered stream: a post or a notice per line.
struct FilteredStream {
    budget: Budget,
}

impl Protocol for FilteredStream {
    type Position = ();

    fn decode(&mut self, line: String, raws: &mut Vec<RawMessage>) -> Result<(), SourceError> {
        if line.is_empty() {
            return Ok(());
        }
        if let Some(reason) = x::disconnect_reason(&line) {
            return Err(SourceError::Disconnected(reason));
        }
        self.budget.spend();
        raws.push(RawMessage::Text(line));
        Ok(())
    }

    fn complete_batch(&mut self, _: &mut Vec<RawMessage>) {}

    /// The stream has no cursor.
    fn advance(&mut self, (): ()) -> Option<String> {
        None
    }

    async fn allow_read(&mut self) -> Result<(), SourceError> {
        self.budget.reserve().await
    }

    async fn finish_reading(&mut self) {
        self.budget.settle().await;
    }
}
