//! Parses any bytes as a message of X, and as a response about rules.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use moodvane_fuzz::{check_error, check_format, selections, source};
use moodvane_upstream::RawMessage;
use moodvane_upstream::x::{XFormat, disconnect_reason, parse_rule_changes, parse_rules, rule_changes};

fuzz_target!(|bytes: &[u8]| {
    match parse_rules(bytes) {
        Ok(listed) => {
            let changes = rule_changes(source(), &[], &listed);
            assert!(changes.add.is_empty() && changes.delete.len() <= listed.len());
        }
        Err(error) => check_error(&error),
    }
    if let Err(error) = parse_rule_changes(bytes) {
        check_error(&error);
    }
    let text = String::from_utf8_lossy(bytes).into_owned();
    if let Some(reason) = disconnect_reason(&text) {
        assert!(reason.chars().count() <= 256);
    }
    let raw = RawMessage::Text(text);
    for selection in selections() {
        check_format(&XFormat::new(source(), selection, BTreeSet::new()), &raw);
    }
});
