//! An error with its causes in one line, for responses to clients and for reports of tasks.

use std::error::Error;

/// Joins the messages of an error and of its causes with colons.
pub(crate) fn error_chain(error: &dyn Error) -> String {
    std::iter::successors(Some(error), |error| (*error).source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
