//! Posts from a Mastodon server's streaming timelines.
//!
//! Terms: the *position* is the id of the latest status that is acknowledged; the *gap* is what came
//! after it while no stream was open. Guarantee: a stream has no cursor, so that at each connection the
//! gap is fetched from the timeline's pages, page by page up to a bound; what lies beyond the bound is
//! noted as missing. A status that comes by both ways counts once, as its identity is the same.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use moodvane_model::Topic;
use moodvane_upstream::RawMessage;
use moodvane_upstream::mastodon::{self, MastodonFormat, compare_ids, new_status_id};
use moodvane_upstream::sse::EventDecoder;
use reqwest::{Client, RequestBuilder};
use tracing::info;
use url::Url;

use crate::config::MastodonConfig;
use crate::cursor::CursorKeeper;
use crate::error::SourceError;
use crate::formatter::PostRecords;
use crate::http;
use crate::pipeline::{Acknowledged, Pipeline};
use crate::source_context::{SourceContext, SourceExit};
use crate::stream::{Listening, Protocol};

/// The longest wait for the beginning of an answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Servers send a sign of life each 15 s.
const IDLE: Duration = Duration::from_secs(45);
/// The most pages of a gap: a thousand statuses, and far fewer requests than a server allows.
const MAX_PAGES: usize = 25;

/// Reads the stream until it breaks or is told to stop.
pub(crate) async fn run(
    config: MastodonConfig,
    context: SourceContext,
) -> Result<SourceExit, SourceError> {
    let stop = context.shared.stop.clone();
    let Some(ready) = stop.run_until_cancelled(connect(&config, &context)).await else {
        return Ok(SourceExit::Stopped);
    };
    ready?.live().await
}

async fn connect(
    config: &MastodonConfig,
    context: &SourceContext,
) -> Result<Listening<Timeline>, SourceError> {
    let name = context.id().to_string();
    let position = context.shared.log.cursor(&name).await?;
    let server = Server {
        config,
        context,
        client: http::streaming_client(&config.base_url)?,
    };
    // The stream first: what comes while the gap is fetched waits in its socket.
    let url = config.timeline.stream_url(&config.streaming_url);
    let request = server.request(url);
    let answer = context
        .with_timeout(ANSWER, http::open(request, context.now()))
        .await?;
    info!(source = %context.id(), position, "stream connected");
    context.set_running();
    let missed = match &position {
        Some(position) => server.since(position).await,
        None => Vec::new(),
    };
    let format = MastodonFormat::new(context.id(), Arc::clone(&config.selection));
    let records = Arc::new(PostRecords(Arc::new(format)));
    let mut pipeline = Pipeline::new(context.clone(), Topic::Tweet, records);
    let timeline = Timeline {
        events: EventDecoder::default(),
        cursor: CursorKeeper::new(Arc::clone(&context.shared.log), name),
        position,
        context: context.clone(),
    };
    if !missed.is_empty() {
        let mark = timeline.mark(&missed);
        pipeline.submit(missed, mark);
    }
    Ok(Listening::new(answer, timeline, pipeline, IDLE))
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

    /// What came after `position`, the oldest first. A page that fails ends it, noted.
    async fn since(&self, position: &str) -> Vec<RawMessage> {
        let (mut after, mut missed) = (position.to_owned(), Vec::new());
        for _ in 0..MAX_PAGES {
            let page = match self.page(&after).await {
                Ok(page) => page,
                Err(error) => {
                    self.context.report_error(&error);
                    self.context.report_error(&SourceError::Missed);
                    return missed;
                }
            };
            let is_last = page.len() < mastodon::PAGE_SIZE;
            for (id, raw) in page {
                after = id;
                missed.push(raw);
            }
            if is_last {
                return missed;
            }
        }
        self.context.report_error(&SourceError::Missed);
        missed
    }

    async fn page(&self, after: &str) -> Result<Vec<(String, RawMessage)>, SourceError> {
        let url = self.config.timeline.page_url(&self.config.base_url, after);
        let request = self.request(url);
        let whole = async { http::body(http::open(request, self.context.now()).await?).await };
        let body = self.context.with_timeout(ANSWER, whole).await?;
        Ok(mastodon::parse_page(&body)?)
    }
}

struct Timeline {
    events: EventDecoder,
    cursor: CursorKeeper,
    position: Option<String>,
    context: SourceContext,
}

impl Protocol for Timeline {
    type Mark = Option<String>;

    fn line(&mut self, line: &str, out: &mut Vec<RawMessage>) -> Result<(), SourceError> {
        match self.events.push_line(line) {
            Ok(event) => out.extend(event.as_ref().map(mastodon::raw_message)),
            Err(_) => self.context.count_dropped("too_long"),
        }
        Ok(())
    }

    fn mark(&self, raws: &[RawMessage]) -> Self::Mark {
        raws.iter()
            .filter_map(new_status_id)
            .max_by(|a, b| compare_ids(a, b))
    }

    fn acknowledged(&mut self, batch: Acknowledged<Self::Mark>) {
        let Some(id) = batch.position else {
            return;
        };
        let known = self.position.as_deref();
        if known.is_none_or(|known| compare_ids(&id, known) == Ordering::Greater) {
            self.cursor.note(id.clone(), batch.records);
            self.position = Some(id);
        }
    }

    async fn due(&self) {
        self.cursor.due().await;
    }

    async fn save(&mut self) {
        if let Err(error) = self.cursor.save().await {
            self.context.report_error(&error.into());
        }
    }
}
