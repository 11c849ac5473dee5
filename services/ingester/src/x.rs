//! Posts from X's filtered stream.
//!
//! Guarantee: one connection; the rules are in step with the configuration before it is made; a sign of
//! life is expected as often as X promises one; no more posts are read in a day than the budget allows,
//! also over a restart. What a stream misses is gone, save for the minutes that the plan lets it ask
//! for again: so what it brought is on the disk before anything else.

mod budget;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use moodvane_model::Topic;
use moodvane_upstream::x::{self, XFormat};
use moodvane_upstream::{RawMessage, UpstreamError};
use reqwest::Client;
use serde_json::Value;
use tracing::{info, warn};

use self::budget::Budget;
use crate::config::XConfig;
use crate::error::SourceError;
use crate::formatter::PostRecords;
use crate::http;
use crate::pipeline::Pipeline;
use crate::source_context::{SourceContext, SourceExit};
use crate::stream::{Listening, Protocol};

/// The longest wait for the beginning of an answer.
const ANSWER: Duration = Duration::from_secs(10);
/// X promises a sign of life each 20 s; a little more is the way's.
const IDLE: Duration = Duration::from_secs(25);

/// Reads the stream until it breaks or is told to stop.
pub(crate) async fn run(
    config: XConfig,
    context: SourceContext,
) -> Result<SourceExit, SourceError> {
    let stop = context.shared.stop.clone();
    let Some(ready) = stop.run_until_cancelled(connect(&config, &context)).await else {
        return Ok(SourceExit::Stopped);
    };
    ready?.live().await
}

async fn connect(
    config: &XConfig,
    context: &SourceContext,
) -> Result<Listening<Filtered>, SourceError> {
    // First of all: where nothing may be read, nothing is asked.
    let mut budget = Budget::restore(context, config.posts_per_day).await?;
    budget.check()?;
    let api = Api {
        config,
        context,
        client: http::streaming_client(&config.base_url)?,
    };
    let rules = api.sync_rules().await?;
    let url = x::stream_url(&config.base_url, config.backfill_minutes);
    let request = api.client.get(url).bearer_auth(config.token.expose());
    let answer = context
        .with_timeout(ANSWER, http::open(request, context.now()))
        .await?;
    info!(source = %context.id(), rules = rules.len(), "stream connected");
    context.set_running();
    let format = XFormat::new(context.id(), Arc::clone(&config.selection), rules);
    let records = Arc::new(PostRecords(Arc::new(format)));
    let pipeline = Pipeline::new(context.clone(), Topic::Tweet, records);
    Ok(Listening::new(answer, Filtered { budget }, pipeline, IDLE))
}

struct Api<'a> {
    config: &'a XConfig,
    context: &'a SourceContext,
    client: Client,
}

impl Api<'_> {
    /// Brings X's rules in step; the identifiers of the wanted ones.
    async fn sync_rules(&self) -> Result<BTreeSet<String>, SourceError> {
        let wanted = &self.config.rules;
        let listed = self.rules().await?;
        let changes = x::rule_changes(self.context.id(), wanted, &listed);
        let bodies = [changes.delete_body(), changes.add_body()];
        let mut listed = listed;
        if bodies.iter().any(Option::is_some) {
            for body in bodies.into_iter().flatten() {
                self.change(&body).await?;
            }
            let (added, deleted) = (changes.add.len(), changes.delete.len());
            info!(source = %self.context.id(), added, deleted, "rules changed");
            listed = self.rules().await?;
        }
        let is_wanted = |rule: &&x::ActiveRule| wanted.iter().any(|w| w.value == rule.value);
        let ids: BTreeSet<String> = listed
            .iter()
            .filter(is_wanted)
            .map(|rule| rule.id.clone())
            .collect();
        if ids.len() < wanted.len() {
            let reason = "it does not list the rules that were added".to_owned();
            return Err(UpstreamError::Provider(reason).into());
        }
        let others = listed.len() - ids.len();
        if others > 0 {
            warn!(source = %self.context.id(), others, "the account has rules of others, whose posts are paid for and dropped here");
        }
        Ok(ids)
    }

    async fn rules(&self) -> Result<Vec<x::ActiveRule>, SourceError> {
        let request = self.client.get(x::rules_url(&self.config.base_url));
        Ok(x::parse_rules(&self.ask(request).await?)?)
    }

    async fn change(&self, body: &Value) -> Result<(), SourceError> {
        let request = self.client.post(x::rules_url(&self.config.base_url));
        let answer = self.ask(request.json(body)).await?;
        x::parse_rule_changes(&answer)?;
        Ok(())
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, SourceError> {
        let request = request.bearer_auth(self.config.token.expose());
        let whole = async { http::body(http::open(request, self.context.now()).await?).await };
        self.context.with_timeout(ANSWER, whole).await
    }
}

struct Filtered {
    budget: Budget,
}

impl Protocol for Filtered {
    type Mark = ();

    fn line(&mut self, line: &str, out: &mut Vec<RawMessage>) -> Result<(), SourceError> {
        if line.is_empty() {
            return Ok(());
        }
        if let Some(reason) = x::disconnect_reason(line) {
            return Err(SourceError::Stream(format!("X says {reason}")));
        }
        self.budget.spend();
        out.push(RawMessage::Text(line.to_owned()));
        Ok(())
    }

    fn mark(&self, _: &[RawMessage]) {}

    async fn may_read(&mut self) -> Result<(), SourceError> {
        self.budget.reserve().await
    }

    async fn save(&mut self) {
        self.budget.settle().await;
    }
}
