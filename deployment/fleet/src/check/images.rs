//! Which image runs must not depend on the day.

use super::{Subject, image};

/// An image has a tag that does not move, or a digest.
pub(super) fn pinned(subject: &Subject<'_>) -> Vec<String> {
    let Some(image) = image(subject.app) else {
        return vec!["has no image; every part of the fleet is a container".to_owned()];
    };
    if image.contains("@sha256:") {
        return Vec::new();
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    match name.split_once(':').map(|(_, tag)| tag) {
        None => vec![format!(
            "{image} has no tag, and would be whatever is latest; such as {image}:0.1.0"
        )],
        Some("latest" | "") => vec![format!(
            "{image} moves; a tag must name one version, such as :0.1.0"
        )],
        Some(_) => Vec::new(),
    }
}
