//! Synchronises the rules of X's filtered stream with the configuration.

use std::collections::BTreeSet;

use moodvane_upstream::UpstreamError;
use moodvane_upstream::x;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use tracing::{info, warn};

use super::RESPONSE_TIMEOUT;
use crate::config::XConfig;
use crate::error::SourceError;
use crate::http;
use crate::source_context::SourceContext;

/// The client of the rules endpoint.
pub(super) struct RulesApi<'a> {
    pub(super) config: &'a XConfig,
    pub(super) context: &'a SourceContext,
    pub(super) client: &'a Client,
}

impl RulesApi<'_> {
    /// Adds missing rules and deletes outdated ones; returns the ids of the configured rules.
    pub(super) async fn synchronise(&self) -> Result<BTreeSet<String>, SourceError> {
        let mut listed = self.list().await?;
        let changes = x::rule_changes(self.context.id(), &self.config.rules, &listed);
        let bodies = [changes.delete_body(), changes.add_body()];
        if bodies.iter().any(Option::is_some) {
            for body in bodies.into_iter().flatten() {
                self.change(&body).await?;
            }
            let (added, deleted) = (changes.add.len(), changes.delete.len());
            info!(source = %self.context.id(), added, deleted, "rules changed");
            listed = self.list().await?;
        }
        let ids = self.configured_ids(&listed)?;
        let foreign = listed.len() - ids.len();
        if foreign > 0 {
            warn!(source = %self.context.id(), foreign, "account has rules of other clients, their posts are billed and dropped");
        }
        Ok(ids)
    }

    fn configured_ids(&self, listed: &[x::ActiveRule]) -> Result<BTreeSet<String>, SourceError> {
        let configured = &self.config.rules;
        let is_configured =
            |rule: &&x::ActiveRule| configured.iter().any(|other| other.value == rule.value);
        let ids: BTreeSet<String> = listed
            .iter()
            .filter(is_configured)
            .map(|rule| rule.id.clone())
            .collect();
        if ids.len() < configured.len() {
            let reason = "the added rules are not listed".to_owned();
            return Err(UpstreamError::Provider(reason).into());
        }
        Ok(ids)
    }

    async fn list(&self) -> Result<Vec<x::ActiveRule>, SourceError> {
        let request = self.client.get(x::rules_url(&self.config.base_url));
        Ok(x::parse_rules(&self.send(request).await?)?)
    }

    async fn change(&self, body: &Value) -> Result<(), SourceError> {
        let request = self.client.post(x::rules_url(&self.config.base_url));
        let response = self.send(request.json(body)).await?;
        x::parse_rule_changes(&response)?;
        Ok(())
    }

    async fn send(&self, request: RequestBuilder) -> Result<Vec<u8>, SourceError> {
        let request = request.bearer_auth(self.config.token.expose());
        let response =
            async { http::read_body(http::send(request, self.context.now()).await?).await };
        self.context.with_timeout(RESPONSE_TIMEOUT, response).await
    }
}
