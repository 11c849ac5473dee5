//! Arguments of `dead`.

use std::str::FromStr;

use clap::Subcommand;
use moodvane_model::{Offset, Partition, Topic};

use crate::account::AccountArgs;

/// Commands on dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum DeadCommand {
    /// Lists the dead letters of a topic, oldest first.
    List {
        /// The topic: temperature or tweet.
        topic: Topic,
        /// The most dead letters to list.
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Prints one dead letter in full: position, reason, key and value.
    Show {
        /// The topic: temperature or tweet.
        topic: Topic,
        /// Its position, as `list` prints it: PARTITION@OFFSET, for example 3@1742.
        #[arg(value_name = "PARTITION@OFFSET")]
        position: LetterPosition,
    },
    /// Publishes the dead letters of a topic again, unchanged. A newer processor may accept them; those
    /// that it rejects become dead letters again. The originals stay.
    Redrive {
        /// The topic: temperature or tweet.
        topic: Topic,
        /// The most dead letters to publish.
        #[arg(long, default_value_t = 1_000)]
        limit: usize,
        #[command(flatten)]
        account: AccountArgs,
    },
}

/// The position of a dead letter in its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LetterPosition {
    pub(crate) partition: Partition,
    pub(crate) offset: Offset,
}

impl FromStr for LetterPosition {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('@');
        let position = parts.and_then(|(partition, offset)| {
            Some(Self {
                partition: Partition(partition.parse().ok()?),
                offset: Offset(offset.parse().ok()?),
            })
        });
        position.ok_or("must be a partition and an offset, such as 3@1742")
    }
}
