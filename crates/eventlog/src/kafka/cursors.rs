//! Source cursors: a compacted topic of one partition, keyed by the source's name. The last value
//! counts.

use rdkafka::message::Message as _;

use super::KafkaConfig;
use super::names::Names;
use super::reader::read;
use crate::LogError;

/// Where the source called `name` stood. Blocks.
pub(super) fn load(
    config: &KafkaConfig,
    names: &Names,
    name: &str,
) -> Result<Option<String>, LogError> {
    let mut last = None;
    let group = names.group("moodvane.reader");
    read(config, &group, &names.cursors(), usize::MAX, |message| {
        if message.key() == Some(name.as_bytes()) {
            last = message.payload().map(<[u8]>::to_vec);
        }
    })?;
    last.map(String::from_utf8)
        .transpose()
        .map_err(|_| LogError::Corrupt(format!("the cursor of {name} is not UTF-8").into()))
}
