//! Decoder of server-sent events, line by line.
//!
//! Terms: an *event* has a name and data, and ends with an empty line; a line that begins with `:` is
//! a comment, which servers send as a keep-alive.
//!
//! Guarantee: an event has at most [`MAX_EVENT_BYTES`]. Existing libraries do not bound the size of an
//! event, and read from a socket instead of lines.

use thiserror::Error;

/// The maximum size of an event in bytes.
pub const MAX_EVENT_BYTES: usize = 1 << 20;

/// A complete event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The name; `message` if the event has none.
    pub name: String,
    /// The data lines, joined by line breaks.
    pub data: String,
}

/// An event over the limit. The decoder skips the rest of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("event exceeds {MAX_EVENT_BYTES} bytes")]
pub struct EventTooLongError;

/// Assembles events from lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventDecoder {
    name: String,
    data: String,
    has_data: bool,
    skipping: bool,
}

impl EventDecoder {
    /// Adds the next line, without its line end. Returns the event that the line completes, if any.
    ///
    /// # Errors
    /// [`EventTooLongError`], once per event over the limit.
    pub fn push_line(&mut self, line: &str) -> Result<Option<Event>, EventTooLongError> {
        if line.is_empty() {
            return Ok(self.finish());
        }
        if self.skipping || line.starts_with(':') {
            return Ok(None);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => {
                self.name.clear();
                self.append(|event| &mut event.name, value)
            }
            "data" => {
                let separated = match self.has_data {
                    true => self.append(|event| &mut event.data, "\n"),
                    false => Ok(()),
                };
                self.has_data = true;
                separated.and_then(|()| self.append(|event| &mut event.data, value))
            }
            // The supported servers do not use `id` and `retry`.
            _ => Ok(()),
        }
        .map(|()| None)
    }

    fn append(
        &mut self,
        field: fn(&mut Self) -> &mut String,
        text: &str,
    ) -> Result<(), EventTooLongError> {
        if self.name.len() + self.data.len() + text.len() > MAX_EVENT_BYTES {
            *self = Self {
                skipping: true,
                ..Self::default()
            };
            return Err(EventTooLongError);
        }
        field(self).push_str(text);
        Ok(())
    }

    fn finish(&mut self) -> Option<Event> {
        let finished = std::mem::take(self);
        let name = match finished.name.is_empty() {
            true => "message".to_owned(),
            false => finished.name,
        };
        let event = Event {
            name,
            data: finished.data,
        };
        finished.has_data.then_some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> Vec<(String, String)> {
        let mut decoder = EventDecoder::default();
        text.split('\n')
            .filter_map(|line| decoder.push_line(line).unwrap())
            .map(|event| (event.name, event.data))
            .collect()
    }

    #[test]
    fn completes_event_at_empty_line() {
        for (text, expected) in [
            ("event: update\ndata: {}\n\n", vec![("update", "{}")]),
            ("event:update\ndata:{}\n\n", vec![("update", "{}")]),
            ("data: a\ndata: b\n\n", vec![("message", "a\nb")]),
            ("data:  a\n\n", vec![("message", " a")]),
            ("data\n\n", vec![("message", "")]),
            (
                ":)\n\n:thump\nevent: delete\ndata: 7\n\n",
                vec![("delete", "7")],
            ),
            ("event: update\n\ndata: 7\n\n", vec![("message", "7")]),
            ("event: a\nevent: b\ndata: 1\n\n", vec![("b", "1")]),
            (
                "id: 4\nretry: 10\nnonsense\ndata: 1\n\n",
                vec![("message", "1")],
            ),
            ("event: update\ndata: cut o", vec![]),
        ] {
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(name, data)| (name.to_owned(), data.to_owned()))
                .collect();
            assert_eq!(events(text), expected, "{text:?}");
        }
    }

    #[test]
    fn skips_event_over_limit_and_reads_next() {
        let mut decoder = EventDecoder::default();
        let half = format!("data: {}", "x".repeat(MAX_EVENT_BYTES / 2));
        assert_eq!(decoder.push_line(&half), Ok(None));
        assert_eq!(decoder.push_line(&half), Err(EventTooLongError));
        assert_eq!(decoder.push_line(&half), Ok(None), "reported once");
        assert_eq!(decoder.push_line(""), Ok(None));
        assert_eq!(decoder.push_line("data: short"), Ok(None));
        assert_eq!(decoder.push_line("").unwrap().unwrap().data, "short");
    }
}
