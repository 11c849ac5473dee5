//! An error message with the error that caused it.

use std::error::Error;
use std::fmt;

type BoxError = Box<dyn Error + Send + Sync>;

/// An error message, and the error that caused it where there is one.
///
/// `{}` prints the message alone, `{:#}` the message and its cause. [`Error::source`] returns the
/// cause, so that a caller that prints the chain prints each text once.
#[derive(Debug)]
pub struct ContextError {
    message: String,
    cause: Option<Cause>,
}

impl ContextError {
    /// An error that has no cause.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            cause: None,
        }
    }

    /// An error with its cause. The message does not repeat the cause.
    #[must_use]
    pub fn caused_by(message: impl Into<String>, cause: impl Into<BoxError>) -> Self {
        Self {
            message: message.into(),
            cause: Some(Cause(cause.into())),
        }
    }
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.cause {
            Some(cause) if f.alternate() => write!(f, ": {cause}"),
            _ => Ok(()),
        }
    }
}

impl Error for ContextError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let cause = self.cause.as_ref()?;
        Some(cause)
    }
}

impl From<&str> for ContextError {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl From<String> for ContextError {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

/// The last error of a chain. It prints its own causes, except those that it names already: many
/// drivers both print a cause and return it as their source.
#[derive(Debug)]
struct Cause(BoxError);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        let mut source = self.0.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            source = cause.source();
        }
        f.write_str(&text)
    }
}

impl Error for Cause {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_cause_only_in_alternate_form() {
        let inner = ContextError::caused_by("connect to a:1 failed", "connection refused");
        let error = ContextError::caused_by("cannot list topics", inner);
        assert_eq!(error.to_string(), "cannot list topics");
        let chain = "cannot list topics: connect to a:1 failed: connection refused";
        assert_eq!(format!("{error:#}"), chain);
        assert_eq!(format!("{:#}", ContextError::new("closed")), "closed");
    }

    #[test]
    fn returns_each_cause_once_as_source() {
        #[derive(Debug, thiserror::Error)]
        #[error("request failed: {0}")]
        struct Repeating(#[from] std::num::ParseIntError);

        let cause = Repeating("x".parse::<u8>().unwrap_err());
        let text = cause.to_string();
        let error = ContextError::caused_by("cannot read row", cause);
        let source = error.source().unwrap();
        assert_eq!(source.to_string(), text);
        assert!(source.source().is_none());
    }
}
