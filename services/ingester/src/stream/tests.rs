use std::collections::VecDeque;

use super::*;

/// A transport with frames of one message each, all of which have arrived.
struct ArrivedFrames {
    frames: VecDeque<String>,
    received: Option<String>,
}

impl ArrivedFrames {
    fn new(count: usize, bytes: usize) -> Self {
        Self {
            frames: (0..count).map(|_| "x".repeat(bytes)).collect(),
            received: None,
        }
    }
}

impl Transport for ArrivedFrames {
    async fn receive(&mut self) -> Result<usize, SourceError> {
        self.received = self.frames.pop_front();
        let bytes = self.received.as_ref().map(String::len);
        bytes.ok_or(SourceError::Closed)
    }

    fn next_message(&mut self) -> Option<Message> {
        self.received.take().map(Ok)
    }
}

#[tokio::test]
async fn bounds_batch_in_messages_and_bytes() {
    async fn batch(transport: &mut ArrivedFrames, limit: usize) -> (usize, bool) {
        let first = transport.receive().await;
        let decode = |message: Message, raws: &mut Vec<RawMessage>| {
            raws.push(RawMessage::Text(message.unwrap()));
            Ok(())
        };
        let (raws, outcome) = collect_batch(transport, first, limit, decode);
        (raws.len(), outcome.is_ok())
    }
    let mut small = ArrivedFrames::new(7, 1);
    for expected in [(3, true), (3, true), (1, false), (0, false)] {
        assert_eq!(batch(&mut small, 3).await, expected);
    }
    let mut large = ArrivedFrames::new(9, MAX_BATCH_BYTES / 2 - 1);
    for expected in [(3, true), (3, true), (3, true), (0, false)] {
        assert_eq!(batch(&mut large, 1_000).await, expected);
    }
}
