//! A position in a file, valid only while the file is the same.

use moodvane_upstream::table::RecordPosition;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::file_error;
use crate::error::SourceError;

/// Path and size of a file, and the position up to which its records are acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FilePosition {
    path: String,
    size: u64,
    position: u64,
    /// The number of lines before the position; `None` in a cursor of version 0.1.
    #[serde(default)]
    lines: Option<u64>,
}

impl FilePosition {
    /// The position at which to resume the file at `path`, which has `size` bytes now. A file with
    /// another path starts at its beginning.
    ///
    /// # Errors
    /// The file has another size than when the position was saved, or the saved position cannot be
    /// parsed.
    pub(super) fn restore(path: &str, size: u64, saved: Option<&str>) -> Result<Self, SourceError> {
        let start = Self {
            path: path.to_owned(),
            size,
            position: 0,
            lines: Some(0),
        };
        let Some(saved) = saved else {
            return Ok(start);
        };
        let saved: Self = serde_json::from_str(saved)
            .map_err(|error| file_error(path, format!("cannot parse saved position: {error}")))?;
        if saved.path != path {
            warn!(
                previous_path = saved.path,
                path, "source has a new file, reading from its beginning"
            );
            return Ok(start);
        }
        if saved.size != size {
            let reason = format!(
                "file has changed since it was read up to byte {}: size was {} bytes and is {size}; to read it from its beginning, give the source another id",
                saved.position, saved.size
            );
            return Err(file_error(path, reason));
        }
        Ok(saved)
    }

    /// The acknowledged byte.
    pub(super) fn byte(&self) -> u64 {
        self.position
    }

    /// The number of lines before the acknowledged byte, if it is known.
    pub(super) fn lines(&self) -> Option<u64> {
        self.lines
    }

    /// Size of the file in bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Moves to a position and returns the cursor to save.
    pub(super) fn advance(&mut self, to: RecordPosition) -> String {
        self.position = to.byte;
        self.lines = Some(to.lines);
        serde_json::json!(self).to_string()
    }
}

#[cfg(test)]
mod tests {
    use moodvane_model::ErrorChain;

    use super::*;

    #[test]
    fn restores_position_of_unchanged_file_only() {
        let restore = FilePosition::restore;
        let path = "a.tsv";
        let to = RecordPosition { byte: 7, lines: 2 };
        let saved = restore(path, 10, None).unwrap().advance(to);
        let restored = restore(path, 10, Some(&saved)).unwrap();
        assert_eq!((restored.byte(), restored.lines()), (7, Some(2)));
        let of_0_1 = r#"{"path":"a.tsv","size":10,"position":7}"#;
        let restored = restore(path, 10, Some(of_0_1)).unwrap();
        assert_eq!((restored.byte(), restored.lines()), (7, None));
        assert_eq!(restore("b.tsv", 10, Some(&saved)).unwrap().byte(), 0);
        let changed = restore(path, 11, Some(&saved)).unwrap_err();
        assert!(
            changed.is_permanent() && ErrorChain(&changed).to_string().contains("another id"),
            "{changed}"
        );
        assert!(restore(path, 10, Some("7")).is_err());
    }
}
