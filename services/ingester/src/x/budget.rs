//! How many posts may be read in a day, as each is paid for.
//!
//! Terms: what is *reserved* is saved as read before it is; a day is one of UTC, as X counts.
//! Guarantee: what is saved is never less than what was read, so that a crash costs a part of the day's
//! posts and no money; where it cannot be saved, nothing is read. A clock that goes back does not bring
//! a day back.

use moodvane_eventlog::LogError;
use moodvane_model::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::info;

use crate::error::SourceError;
use crate::source_context::SourceContext;

const DAY_MS: i64 = 86_400_000;
/// So many posts are reserved at a time: a crash costs that many at most.
const RESERVE: u64 = 500;
/// With fewer left of what is reserved, more is reserved. One part of the stream has fewer posts.
const LOW: u64 = 250;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Spent {
    /// Days since 1970.
    day: i64,
    posts: u64,
}

/// The budget of one source.
pub(super) struct Budget {
    context: SourceContext,
    name: String,
    limit: u64,
    spent: Spent,
    reserved: u64,
}

impl Budget {
    /// What is left of today, by what was saved.
    pub(super) async fn restore(context: &SourceContext, limit: u64) -> Result<Self, SourceError> {
        let name = format!("{}:budget", context.id());
        let spent = match context.shared.log.cursor(&name).await? {
            None => Spent { day: 0, posts: 0 },
            Some(text) => serde_json::from_str(&text).map_err(|error| {
                LogError::Corrupt(format!("cursor {name} is \"{text}\": {error}").into())
            })?,
        };
        Ok(Self {
            context: context.clone(),
            name,
            limit,
            reserved: spent.posts,
            spent,
        })
    }

    /// Whether any of the day's posts is left.
    ///
    /// # Errors
    /// [`SourceError::Budget`] where none is.
    pub(super) fn check(&mut self) -> Result<(), SourceError> {
        let today = self.context.now().millis().div_euclid(DAY_MS);
        if today > self.spent.day {
            self.spent = Spent {
                day: today,
                posts: 0,
            };
            self.reserved = 0;
        }
        if self.spent.posts >= self.limit {
            let (posts, until) = (self.limit, self.next_day());
            info!(source = %self.context.id(), posts, %until, "the day's posts are read");
            return Err(SourceError::Budget { posts, until });
        }
        Ok(())
    }

    /// Makes sure that some posts are reserved.
    ///
    /// # Errors
    /// [`SourceError::Budget`] where the day's are read; or that they are reserved cannot be saved.
    pub(super) async fn reserve(&mut self) -> Result<(), SourceError> {
        self.check()?;
        let left = self.reserved.saturating_sub(self.spent.posts);
        if left > LOW || self.reserved >= self.limit {
            return Ok(());
        }
        let reserved = (self.spent.posts + RESERVE).min(self.limit);
        self.write(reserved).await?;
        self.reserved = reserved;
        Ok(())
    }

    /// One more post was read.
    pub(super) fn spend(&mut self) {
        self.spent.posts += 1;
    }

    /// Gives back what was reserved and not read.
    pub(super) async fn settle(&mut self) {
        if self.reserved == self.spent.posts {
            return;
        }
        match self.write(self.spent.posts).await {
            Ok(()) => self.reserved = self.spent.posts,
            Err(error) => self.context.report_error(&error),
        }
    }

    async fn write(&self, posts: u64) -> Result<(), SourceError> {
        let spent = Spent {
            posts,
            ..self.spent
        };
        let text = serde_json::to_string(&spent)?;
        Ok(self
            .context
            .shared
            .log
            .save_cursor(&self.name, &text)
            .await?)
    }

    fn next_day(&self) -> Timestamp {
        let ms = (self.spent.day + 1).saturating_mul(DAY_MS);
        // Only the end of the calendar is beyond it.
        Timestamp::from_millis(ms).unwrap_or_else(|_| self.context.now())
    }
}
