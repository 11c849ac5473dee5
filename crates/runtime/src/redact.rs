//! Values as messages may show them: short, and without secrets.

use toml::Value;

/// Replaces a secret in a message.
pub(crate) const REDACTED: &str = "***";

/// The longest value that a message shows, in characters.
const MAX_SHOWN_CHARS: usize = 60;

/// Whether the key's value is a secret.
pub(crate) fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    ["token", "key", "password", "secret"]
        .iter()
        .any(|word| key.contains(word))
}

/// The value as a message may show it.
pub(crate) fn displayed(key: &str, value: &Value) -> String {
    if is_secret(key) {
        return REDACTED.to_owned();
    }
    let text = value.to_string();
    let text = match text.split_once('?') {
        // The query of a URL may contain an API key.
        Some((base, _)) if key.to_lowercase().ends_with("url") => format!("{base}?{REDACTED}"),
        _ => text,
    };
    let mut short: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
