//! The write time-out of a connection.
//!
//! Guarantee: a write that makes no progress for the time-out fails, so that a client that does not
//! read its response cannot hold a connection forever.

use std::pin::Pin;
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio_io_timeout::TimeoutWriter;

/// The stream with a time-out on its writes.
pub(crate) fn with_write_timeout<S: AsyncWrite>(
    stream: S,
    timeout: Duration,
) -> Pin<Box<TimeoutWriter<S>>> {
    let mut writer = TimeoutWriter::new(stream);
    writer.set_timeout(Some(timeout));
    Box::pin(writer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn slow_reader_gets_all_bytes() {
        let (ours, mut theirs) = duplex(8);
        let mut stream = with_write_timeout(ours, Duration::from_secs(60));
        let write = async {
            stream.write_all(&[7; 1000]).await.unwrap();
            stream.shutdown().await.unwrap();
        };
        let mut read = Vec::new();
        let (_, count) = tokio::join!(write, theirs.read_to_end(&mut read));
        assert_eq!(count.unwrap(), 1000);
    }

    #[tokio::test]
    async fn write_fails_when_reader_stops() {
        let (ours, _theirs) = duplex(8);
        let mut stream = with_write_timeout(ours, Duration::from_millis(10));
        let error = stream.write_all(&[7; 1000]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
