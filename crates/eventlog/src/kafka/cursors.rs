//! Source cursors: a compacted topic of one partition, keyed by the cursor's name. The last value
//! wins.

use std::collections::BTreeMap;

use rdkafka::message::Message as _;

use super::KafkaConfig;
use super::names::TopicNames;
use super::reader::read_topic;
use crate::LogError;

/// The cursor called `name`. Blocks.
pub(super) fn load_cursor(
    config: &KafkaConfig,
    names: &TopicNames,
    name: &str,
) -> Result<Option<String>, LogError> {
    let mut last = None;
    let group = names.group("moodvane.reader");
    read_topic(config, &group, &names.cursors(), usize::MAX, |message| {
        if message.key() == Some(name.as_bytes()) {
            last = message.payload().map(<[u8]>::to_vec);
        }
    })?;
    last.map(String::from_utf8)
        .transpose()
        .map_err(|_| LogError::Corrupt(format!("cursor {name} is not UTF-8").into()))
}

/// All cursors whose name ends with `suffix`. Blocks.
pub(super) fn load_cursors_with_suffix(
    config: &KafkaConfig,
    names: &TopicNames,
    suffix: &str,
) -> Result<Vec<(String, String)>, LogError> {
    let mut last = BTreeMap::new();
    let group = names.group("moodvane.reader");
    read_topic(config, &group, &names.cursors(), usize::MAX, |message| {
        let text = |bytes: Option<&[u8]>| String::from_utf8(bytes?.to_vec()).ok();
        let name = text(message.key()).filter(|name| name.ends_with(suffix));
        if let (Some(name), Some(value)) = (name, text(message.payload())) {
            last.insert(name, value);
        }
    })?;
    Ok(last.into_iter().collect())
}
