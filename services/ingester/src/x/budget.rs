//! The daily budget of posts that X bills.
//!
//! Terms: *reserved* posts are saved as read before they are read; a day is a UTC day, as X counts.
//! Guarantee: the saved number is never below the number of posts read, so a crash loses part of
//! the budget and costs no money. If the reservation cannot be saved, nothing is read. A clock that
//! moves back does not start a day again.

use moodvane_eventlog::LogError;
use moodvane_model::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::info;

use crate::error::SourceError;
use crate::source_context::SourceContext;

const DAY_MS: i64 = 86_400_000;
/// Posts per reservation: the most that a crash loses.
const RESERVATION: u64 = 500;
/// With this many reserved posts left or fewer, more are reserved. A part of the stream holds fewer
/// posts.
const LOW_WATER: u64 = 250;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct SavedBudget {
    /// Days since 1970.
    day: i64,
    posts: u64,
}

/// The budget of one source.
pub(super) struct Budget {
    context: SourceContext,
    name: String,
    limit: u64,
    spent: SavedBudget,
    reserved: u64,
}

impl Budget {
    /// Restores the budget from its cursor in the log.
    pub(super) async fn restore(context: &SourceContext, limit: u64) -> Result<Self, SourceError> {
        let name = format!("{}:budget", context.id());
        let spent = match context.shared.log.cursor(&name).await? {
            None => SavedBudget { day: 0, posts: 0 },
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

    /// Checks whether the day's budget has posts left.
    ///
    /// # Errors
    /// [`SourceError::Budget`] if it has none.
    pub(super) fn check(&mut self) -> Result<(), SourceError> {
        let today = self.context.now().millis().div_euclid(DAY_MS);
        if today > self.spent.day {
            self.spent = SavedBudget {
                day: today,
                posts: 0,
            };
            self.reserved = 0;
        }
        if self.spent.posts >= self.limit {
            let (posts, until) = (self.limit, self.next_day());
            info!(source = %self.context.id(), posts, %until, "daily budget is spent");
            return Err(SourceError::Budget { posts, until });
        }
        Ok(())
    }

    /// Reserves posts if few reserved posts are left.
    ///
    /// # Errors
    /// [`SourceError::Budget`] if the budget is spent; [`SourceError::Log`] if the reservation
    /// cannot be saved.
    pub(super) async fn reserve(&mut self) -> Result<(), SourceError> {
        self.check()?;
        let left = self.reserved.saturating_sub(self.spent.posts);
        if left > LOW_WATER || self.reserved >= self.limit {
            return Ok(());
        }
        let reserved = (self.spent.posts + RESERVATION).min(self.limit);
        self.save(reserved).await?;
        self.reserved = reserved;
        Ok(())
    }

    /// Counts a post as read.
    pub(super) fn spend(&mut self) {
        self.spent.posts += 1;
    }

    /// Releases the reserved posts that were not read.
    pub(super) async fn settle(&mut self) {
        if self.reserved == self.spent.posts {
            return;
        }
        match self.save(self.spent.posts).await {
            Ok(()) => self.reserved = self.spent.posts,
            Err(error) => self.context.report_error(&error),
        }
    }

    async fn save(&self, posts: u64) -> Result<(), SourceError> {
        let spent = SavedBudget {
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
        // Fails at the end of the calendar only.
        Timestamp::from_millis(ms).unwrap_or_else(|_| self.context.now())
    }
}
