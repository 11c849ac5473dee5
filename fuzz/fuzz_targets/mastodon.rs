//! Parses any bytes as a stream of Mastodon, line by line, and as a page of a timeline.

#![no_main]

use libfuzzer_sys::fuzz_target;
use moodvane_fuzz::{check_error, check_format, selections, source};
use moodvane_upstream::mastodon::{MastodonFormat, new_status_id, parse_page, raw_message};
use moodvane_upstream::sse::{EventDecoder, MAX_EVENT_BYTES};

fuzz_target!(|bytes: &[u8]| {
    let formats = selections().map(|selection| MastodonFormat::new(source(), selection));
    let text = String::from_utf8_lossy(bytes);
    let mut events = EventDecoder::default();
    for line in text.split('\n') {
        if let Ok(Some(event)) = events.push_line(line) {
            assert!(event.data.len() <= MAX_EVENT_BYTES);
            let raw = raw_message(&event);
            let _ = new_status_id(&raw);
            formats.iter().for_each(|format| check_format(format, &raw));
        }
    }
    match parse_page(bytes) {
        Ok(page) => {
            for (id, raw) in &page {
                assert_eq!(new_status_id(raw).as_ref(), Some(id));
                formats.iter().for_each(|format| check_format(format, raw));
            }
        }
        Err(error) => check_error(&error),
    }
});
