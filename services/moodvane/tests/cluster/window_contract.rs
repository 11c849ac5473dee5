//! A separate ingester and processor cannot disagree about the duplicate window: each checks at start
//! what the other declared in the log.

use crate::world::{Servers, Service, World, wait_for_all};

#[tokio::test(flavor = "multi_thread")]
async fn ingester_and_processor_with_disagreeing_windows_do_not_start() {
    let world = World::new(Servers::shared());
    let files = world.files(0, 1);
    let expected = world.expected(&[&files]).await;
    let (config, store) = (world.config(&files), world.store().await);

    // It covers the ingester's default batches: 8,000 in flight, 16,384 unsaved, 2,000 of the spool.
    let processor = Service::start("processor", &config, &["--set", "processor.window=30000"]);
    Service::start("ingester", &config, &[]).finish();
    assert_eq!(wait_for_all(&store, &expected).await, expected);

    let more = [
        "--set",
        "ingester.batches_in_flight=8",
        "--set",
        "probe.port=0",
    ];
    let ingester = world.fail_service("ingester", &config, &more);
    for part in [
        "34384 records",
        "16000 in flight",
        "the duplicate window of its processors, 30000",
    ] {
        assert!(ingester.contains(part), "{part} in {ingester}");
    }
    let smaller = ["--set", "processor.window=20000", "--set", "probe.port=0"];
    let refused = world.fail_service("processor", &config, &smaller);
    assert!(refused.contains("raise it to at least 26384"), "{refused}");
    let rescore = world.fail(&config, &["rescore", "--set", "processor.window=26383"]);
    assert!(rescore.contains("too small for"), "{rescore}");
    processor.terminate();
}
