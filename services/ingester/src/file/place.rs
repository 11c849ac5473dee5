//! A place in a file, of which it is known whether it is still the same file.

use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::error::SourceError;

/// A file and the byte reached in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    path: String,
    size: u64,
    position: u64,
}

impl Place {
    /// Where to go on in the file at `path`, now `size` bytes long. Another path is another file,
    /// which begins at its beginning.
    ///
    /// # Errors
    /// The file at this path has another size than when the place was saved, or what was saved
    /// cannot be read.
    pub(super) fn restore(path: &str, size: u64, saved: Option<&str>) -> Result<Self, SourceError> {
        let path = path.to_owned();
        let begin = Self {
            path: path.clone(),
            size,
            position: 0,
        };
        let Some(saved) = saved else {
            return Ok(begin);
        };
        let refused = |reason| SourceError::File {
            path: path.clone(),
            reason,
        };
        let saved: Self = serde_json::from_str(saved)
            .map_err(|error| refused(format!("its saved position is unreadable: {error}")))?;
        if saved.path != path {
            warn!(
                before = saved.path,
                now = path,
                "source reads another file, from its beginning"
            );
            return Ok(begin);
        }
        if saved.size != size {
            return Err(refused(format!(
                "it has changed since it was read up to byte {}: it had {} bytes and has {size}; give the source another id to read it from its beginning",
                saved.position, saved.size
            )));
        }
        Ok(saved)
    }

    /// The byte reached.
    pub(super) fn at(&self) -> u64 {
        self.position
    }

    /// The file's length in bytes.
    pub(super) fn total(&self) -> u64 {
        self.size
    }

    /// All before byte `position` is acknowledged; what to save.
    pub(super) fn advance(&mut self, position: u64) -> String {
        self.position = position;
        serde_json::json!(self).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_holds_for_the_same_file_only() {
        let path = "a.tsv";
        let saved = Place::restore(path, 10, None).unwrap().advance(7);
        assert_eq!(Place::restore(path, 10, Some(&saved)).unwrap().at(), 7);
        assert_eq!(Place::restore("b.tsv", 10, Some(&saved)).unwrap().at(), 0);
        let changed = Place::restore(path, 11, Some(&saved)).unwrap_err();
        assert!(
            changed.is_permanent() && changed.to_string().contains("another id"),
            "{changed}"
        );
        assert!(Place::restore(path, 10, Some("7")).is_err());
    }
}
