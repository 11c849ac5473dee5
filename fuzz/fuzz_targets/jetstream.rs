//! Parses any bytes as an event of Jetstream.

#![no_main]

use libfuzzer_sys::fuzz_target;
use moodvane_fuzz::{check_format, selections, source};
use moodvane_upstream::RawMessage;
use moodvane_upstream::jetstream::{JetstreamFormat, time_us};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let _ = time_us(&text);
    let raw = RawMessage::Text(text);
    for selection in selections() {
        check_format(&JetstreamFormat::new(source(), selection), &raw);
    }
});
