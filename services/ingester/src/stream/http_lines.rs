//! The lines of an HTTP response body that does not end.

use reqwest::Response;

use super::lines::{Fault, Lines};
use super::{Message, Transport};
use crate::error::SourceError;

/// A transport whose messages are lines.
pub(crate) struct HttpLines {
    body: Response,
    lines: Lines,
    /// Whether the body ended within a line.
    cut_off: bool,
}

impl HttpLines {
    pub(crate) fn new(body: Response) -> Self {
        Self {
            body,
            lines: Lines::default(),
            cut_off: false,
        }
    }
}

impl Transport for HttpLines {
    async fn receive(&mut self) -> Result<usize, SourceError> {
        let end = match self.body.chunk().await {
            Ok(Some(part)) => {
                self.lines.feed(&part);
                return Ok(part.len());
            }
            Ok(None) => SourceError::Closed,
            Err(error) => SourceError::Stream(error.without_url().into()),
        };
        self.cut_off = self.lines.has_partial();
        Err(end)
    }

    fn next_message(&mut self) -> Option<Message> {
        match self.lines.next() {
            Some(line) => Some(line.map_err(Fault::reason)),
            None => std::mem::take(&mut self.cut_off).then_some(Err("cut_off")),
        }
    }
}
