//! Images must be reproducible.

use super::{Subject, image};

/// An image has a fixed tag or a digest.
pub(super) fn is_pinned(subject: &Subject<'_>) -> Vec<String> {
    let Some(image) = image(subject.app) else {
        return vec!["has no image; every app of the fleet is a container".to_owned()];
    };
    if image.contains("@sha256:") {
        return Vec::new();
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    match name.split_once(':').map(|(_, tag)| tag) {
        None => vec![format!(
            "{image} has no tag and would mean latest; use a version, such as {image}:0.1.0"
        )],
        Some("latest" | "") => vec![format!(
            "{image} is not fixed; the tag must name one version, such as :0.1.0"
        )],
        Some(_) => Vec::new(),
    }
}
