//! The scorer's fingerprint: a hash over its tables and constants, and the version of its rules.

use std::sync::LazyLock;

use xxhash_rust::xxh3::Xxh3;

use super::table;
use super::weigh::WEIGHTS;

/// The version of the rules, which no hash covers. Raise it when code changes an answer.
const RULES: u32 = 1;

static FINGERPRINT: LazyLock<String> = LazyLock::new(compute);

/// The fingerprint; it is computed at the first call.
pub(crate) fn fingerprint() -> &'static str {
    &FINGERPRINT
}

fn compute() -> String {
    let mut hash = Xxh3::new();
    for file in [table::AFINN, table::AFINN_EMOTICONS, table::OWN] {
        hash.update(file.as_bytes());
        hash.update(&[0]);
    }
    for number in WEIGHTS.numbers() {
        hash.update(&number.to_le_bytes());
    }
    format!("lexicon-{RULES}-{:08x}", hash.digest() as u32)
}
