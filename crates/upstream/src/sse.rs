//! Server-sent events, put together line by line.
//!
//! Terms: an *event* has a name and data, and ends with an empty line; a line that begins with `:` is
//! a comment, which servers send to show that they live.
//!
//! Guarantee: an event never grows beyond [`MAX_EVENT_BYTES`]. The libraries for this put no bound on
//! an event, and read from a socket rather than from lines.

use thiserror::Error;

/// The most bytes of one event's data.
pub const MAX_EVENT_BYTES: usize = 1 << 20;

/// A whole event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its name; `message` where it has none.
    pub name: String,
    /// Its data, the lines with line breaks between them.
    pub data: String,
}

/// An event that is too long. What is left of it is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an event has more than {MAX_EVENT_BYTES} bytes")]
pub struct TooLong;

/// Events as their lines come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Events {
    name: String,
    data: String,
    has_data: bool,
    skipping: bool,
}

impl Events {
    /// Takes the next line, without its end; an event where the line ends one.
    ///
    /// # Errors
    /// [`TooLong`], once, where the event has become too long.
    pub fn line(&mut self, line: &str) -> Result<Option<Event>, TooLong> {
        if line.is_empty() {
            return Ok(self.end());
        }
        if self.skipping || line.starts_with(':') {
            return Ok(None);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.grow(|event| &mut event.name, value, true),
            "data" => {
                let lengthened = match self.has_data {
                    true => self.grow(|event| &mut event.data, "\n", false),
                    false => Ok(()),
                };
                self.has_data = true;
                lengthened.and_then(|()| self.grow(|event| &mut event.data, value, false))
            }
            // Identifiers and pauses mean nothing to the servers that we ask.
            _ => Ok(()),
        }
        .map(|()| None)
    }

    fn grow(
        &mut self,
        part: fn(&mut Self) -> &mut String,
        more: &str,
        anew: bool,
    ) -> Result<(), TooLong> {
        if anew {
            part(self).clear();
        }
        if self.name.len() + self.data.len() + more.len() > MAX_EVENT_BYTES {
            *self = Self {
                skipping: true,
                ..Self::default()
            };
            return Err(TooLong);
        }
        part(self).push_str(more);
        Ok(())
    }

    fn end(&mut self) -> Option<Event> {
        let ended = std::mem::take(self);
        let name = match ended.name.is_empty() {
            true => "message".to_owned(),
            false => ended.name,
        };
        let event = Event {
            name,
            data: ended.data,
        };
        ended.has_data.then_some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> Vec<(String, String)> {
        let mut parts = Events::default();
        text.split('\n')
            .filter_map(|line| parts.line(line).unwrap())
            .map(|event| (event.name, event.data))
            .collect()
    }

    #[test]
    fn an_event_ends_with_an_empty_line() {
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
    fn an_event_that_is_too_long_is_passed_over_and_the_next_one_is_read() {
        let mut parts = Events::default();
        let half = format!("data: {}", "x".repeat(MAX_EVENT_BYTES / 2));
        assert_eq!(parts.line(&half), Ok(None));
        assert_eq!(parts.line(&half), Err(TooLong));
        assert_eq!(parts.line(&half), Ok(None), "said once");
        assert_eq!(parts.line(""), Ok(None));
        assert_eq!(parts.line("data: short"), Ok(None));
        assert_eq!(parts.line("").unwrap().unwrap().data, "short");
    }
}
