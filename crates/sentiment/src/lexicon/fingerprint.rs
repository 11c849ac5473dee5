//! Fingerprint of the lexicon scorer: a hash of its tables and constants, and the version of its rules.

use std::sync::LazyLock;

use xxhash_rust::xxh3::Xxh3;

use super::data;
use super::weigh::CONSTANTS;

/// The version of the rules, which the hash does not cover. Raise it when a code change alters a score.
///
/// 2: texts are scored in their normal form.
const RULES: u32 = 2;

static FINGERPRINT: LazyLock<String> = LazyLock::new(compute);

/// The fingerprint, computed at the first call.
pub(crate) fn fingerprint() -> &'static str {
    &FINGERPRINT
}

fn compute() -> String {
    let mut hash = Xxh3::new();
    for file in [data::AFINN, data::AFINN_EMOTICONS, data::OWN] {
        hash.update(file.as_bytes());
        hash.update(&[0]);
    }
    for number in CONSTANTS.numbers() {
        hash.update(&number.to_le_bytes());
    }
    format!("lexicon-{RULES}-{:08x}", hash.digest() as u32)
}
