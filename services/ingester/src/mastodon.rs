//! Posts from the streaming timelines of a Mastodon server.
//!
//! Terms: the *position* is the id of the latest acknowledged status; the *gap* is the statuses
//! published after it without a connection. Guarantee: a stream has no cursor, so each connection
//! first fetches the gap from the timeline's pages, up to a maximum number of pages; statuses
//! beyond it are reported as missing, and so is the gap of a server whose ids have no order. A status
//! that arrives both ways counts once, by its identity.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use moodvane_upstream::RawMessage;
use moodvane_upstream::mastodon::{
    self, MastodonFormat, compare_ids, is_new_status, new_status_id,
};
use moodvane_upstream::sse::EventDecoder;
use reqwest::{Client, RequestBuilder};
use tracing::info;
use url::Url;

use crate::config::MastodonConfig;
use crate::error::SourceError;
use crate::http;
use crate::source_context::{SourceContext, SourceExit};
use crate::stream::{self, HttpLines, Protocol, StreamSource};

/// The longest wait for the start of a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// Servers send a keep-alive every 15 s.
const IDLE_TIMEOUT: Duration = Duration::from_secs(45);
/// The maximum number of pages of a gap: a thousand statuses, with far fewer requests than a server
/// allows.
pub(crate) const MAX_PAGES: usize = 25;
/// The position after statuses whose ids have no order. No id is equal to it.
const UNORDERED: &str = "?";

/// Reads the stream until it ends or the source stops.
pub(crate) async fn run(
    config: MastodonConfig,
    context: SourceContext,
) -> Result<SourceExit, SourceError> {
    stream::run(&context, connect(&config, &context)).await
}

async fn connect(
    config: &MastodonConfig,
    context: &SourceContext,
) -> Result<StreamSource<HttpLines, Timeline>, SourceError> {
    let position = context.shared.log.cursor(context.id().as_str()).await?;
    let server = Server {
        config,
        context,
        client: http::streaming_client(&config.base_url)?,
    };
    // The stream opens first: its socket buffers the statuses published while the gap is fetched.
    let url = config.timeline.stream_url(&config.streaming_url);
    let opening = http::send(server.request(url), context.now());
    let response = context.with_timeout(RESPONSE_TIMEOUT, opening).await?;
    info!(source = %context.id(), position, "stream connected");
    context.set_running();
    let gap = match position.as_deref() {
        Some(UNORDERED) => {
            context.report_error(&SourceError::Unordered);
            Vec::new()
        }
        Some(position) => server.statuses_after(position).await,
        None => Vec::new(),
    };
    let timeline = Timeline {
        events: EventDecoder::default(),
        position,
        context: context.clone(),
    };
    let format = MastodonFormat::new(context.id(), Arc::clone(&config.selection));
    let transport_and_protocol = (HttpLines::new(response), timeline);
    let mut stream = StreamSource::new(context, transport_and_protocol, format, IDLE_TIMEOUT);
    stream.submit(gap);
    Ok(stream)
}

struct Server<'a> {
    config: &'a MastodonConfig,
    context: &'a SourceContext,
    client: Client,
}

impl Server<'_> {
    fn request(&self, url: Url) -> RequestBuilder {
        let request = self.client.get(url);
        match &self.config.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    /// The statuses after `position`, oldest first, up to a page that fails, which is reported.
    async fn statuses_after(&self, position: &str) -> Vec<RawMessage> {
        let (mut after, mut statuses) = (position.to_owned(), Vec::new());
        for _ in 0..MAX_PAGES {
            let page = match self.page(&after).await {
                Ok(page) => page,
                Err(error) => {
                    self.context.report_error(&error);
                    self.context.report_error(&SourceError::Missed);
                    return statuses;
                }
            };
            let is_last = page.len() < mastodon::PAGE_SIZE;
            for (id, raw) in page {
                after = id;
                statuses.push(raw);
            }
            if is_last {
                return statuses;
            }
        }
        self.context.report_error(&SourceError::Missed);
        statuses
    }

    async fn page(&self, after: &str) -> Result<Vec<(String, RawMessage)>, SourceError> {
        let url = self.config.timeline.page_url(&self.config.base_url, after);
        let request = self.request(url);
        let response =
            async { http::read_body(http::send(request, self.context.now()).await?).await };
        let body = self
            .context
            .with_timeout(RESPONSE_TIMEOUT, response)
            .await?;
        Ok(mastodon::parse_page(&body)?)
    }
}

/// The protocol of a streaming timeline: server-sent events.
struct Timeline {
    events: EventDecoder,
    position: Option<String>,
    context: SourceContext,
}

impl Protocol for Timeline {
    type Position = Option<String>;

    fn decode(&mut self, line: String, raws: &mut Vec<RawMessage>) -> Result<(), SourceError> {
        match self.events.push_line(&line) {
            Ok(event) => raws.extend(event.as_ref().map(mastodon::raw_message)),
            Err(_) => self.context.count_dropped("too_long"),
        }
        Ok(())
    }

    fn complete_batch(&mut self, raws: &mut Vec<RawMessage>) -> Self::Position {
        let latest = raws.iter().filter_map(new_status_id);
        let latest = latest.max_by(|a, b| compare_ids(a, b));
        let has_new = || raws.iter().any(is_new_status);
        latest.or_else(|| has_new().then(|| UNORDERED.to_owned()))
    }

    fn advance(&mut self, id: Self::Position) -> Option<String> {
        let id = id?;
        let moves = match self.position.as_deref() {
            None => true,
            Some(UNORDERED) => id != UNORDERED,
            // The statuses after an id can still be fetched.
            Some(old) => id != UNORDERED && compare_ids(&id, old) == Ordering::Greater,
        };
        moves.then(|| self.position.insert(id).clone())
    }
}
