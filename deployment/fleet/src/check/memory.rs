//! What a task takes is said, and is enough.

use super::Subject;

/// Beside its heap a JVM needs stacks, classes, buffers: a quarter more, and so much for itself.
const BESIDE_HEAP: f64 = 1.25;
const JVM_MIB: f64 = 128.0;

/// Processors, memory and disk are stated and not Marathon's defaults.
pub(super) fn stated(subject: &Subject<'_>) -> Vec<String> {
    let app = subject.app;
    [("cpus", app.cpus), ("mem", app.mem), ("disk", app.disk)]
        .into_iter()
        .filter(|(_, amount)| *amount <= 0.0)
        .map(|(name, amount)| {
            format!("{name} is {amount}: it must say what a task takes, or agents are overbooked")
        })
        .collect()
}

/// The memory limit is above the JVM's heap, or the kernel kills what is only busy.
pub(super) fn above_heap(subject: &Subject<'_>) -> Vec<String> {
    let heaps = [
        subject.variable("KAFKA_HEAP_OPTS").and_then(|options| {
            options
                .split_whitespace()
                .find_map(|option| mib(option.strip_prefix("-Xmx")?))
        }),
        subject.variable("MAX_HEAP_SIZE").and_then(mib),
    ];
    let Some(heap) = heaps.into_iter().flatten().next() else {
        return Vec::new();
    };
    let needed = (heap * BESIDE_HEAP + JVM_MIB).ceil();
    if subject.app.mem >= needed {
        return Vec::new();
    }
    vec![format!(
        "mem is {}, but the heap may be {heap} MiB: it must be {needed} at least",
        subject.app.mem
    )]
}

fn mib(text: &str) -> Option<f64> {
    let unit = text.chars().last()?.to_ascii_lowercase();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: f64 = digits.parse().ok()?;
    match unit {
        'g' => Some(number * 1024.0),
        'm' => Some(number),
        'k' => Some(number / 1024.0),
        _ => Some(number / 1_048_576.0),
    }
}
