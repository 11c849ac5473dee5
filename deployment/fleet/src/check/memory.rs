//! Resources must be set and sufficient.

use super::Subject;

/// Memory of a JVM per MiB of heap: thread stacks, classes and buffers add a quarter.
const OVERHEAD_FACTOR: f64 = 1.25;
/// Memory of a JVM without heap.
const JVM_MIB: f64 = 128.0;

/// CPUs, memory and disk are set, instead of Marathon's defaults.
pub(super) fn resources_are_set(subject: &Subject<'_>) -> Vec<String> {
    let app = subject.app;
    [("cpus", app.cpus), ("mem", app.mem), ("disk", app.disk)]
        .into_iter()
        .filter(|(_, amount)| *amount <= 0.0)
        .map(|(name, amount)| {
            format!("{name} is {amount}: must be what a task uses, or agents are overcommitted")
        })
        .collect()
}

/// The memory limit exceeds the JVM's heap plus overhead, else the kernel kills a busy JVM.
pub(super) fn exceeds_heap(subject: &Subject<'_>) -> Vec<String> {
    let heaps = [
        subject.variable("KAFKA_HEAP_OPTS").and_then(|options| {
            let mut options = options.split_whitespace();
            options.find_map(|option| to_mib(option.strip_prefix("-Xmx")?))
        }),
        subject.variable("MAX_HEAP_SIZE").and_then(to_mib),
    ];
    let Some(heap) = heaps.into_iter().flatten().next() else {
        return Vec::new();
    };
    let needed = (heap * OVERHEAD_FACTOR + JVM_MIB).ceil();
    if subject.app.mem >= needed {
        return Vec::new();
    }
    vec![format!(
        "mem is {}, but the heap may be {heap} MiB: must be at least {needed}",
        subject.app.mem
    )]
}

fn to_mib(text: &str) -> Option<f64> {
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
