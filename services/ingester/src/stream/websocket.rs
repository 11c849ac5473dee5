//! The text frames of a websocket.
//!
//! Guarantee: the protocol answers pings whenever the socket is read. Errors name the server's
//! origin only: the rest of a URL may hold a key.

use std::time::Duration;

use futures::StreamExt;
use moodvane_model::Timestamp;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::http::Response;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message as Frame};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use url::Url;

use super::{Message, Transport};
use crate::error::{BoxError, SourceError};
use crate::http::requested_pause;
use crate::source_context::SourceContext;

/// The longest accepted message, in bytes.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// The longest message that does not break the connection. It exceeds the other limit, so that an
/// overlong message is dropped and counted; otherwise it would come again after each reconnect.
const MAX_SOCKET_BYTES: usize = 4 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A transport whose messages are text frames.
pub(crate) struct WebSocket {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    frame: Option<Frame>,
}

impl WebSocket {
    /// Connects to `url`.
    ///
    /// # Errors
    /// [`SourceError`] if the server is unreachable, refuses, or does not answer in time.
    pub(crate) async fn connect(url: &Url, context: &SourceContext) -> Result<Self, SourceError> {
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MAX_SOCKET_BYTES))
            .max_frame_size(Some(MAX_SOCKET_BYTES));
        let failed = |source: BoxError| SourceError::Connect {
            url: origin(url),
            source,
        };
        let connecting = connect_async_with_config(url.as_str(), Some(limits), true);
        tokio::select! {
            biased;
            connected = connecting => match connected {
                Ok((socket, _)) => Ok(Self { socket, frame: None }),
                Err(WsError::Http(response)) => Err(refusal(&response, context.now())),
                Err(error) => Err(failed(error.into())),
            },
            () = context.shared.clock.sleep(CONNECT_TIMEOUT) => {
                Err(failed(SourceError::Timeout(CONNECT_TIMEOUT).into()))
            }
        }
    }
}

/// The status of a server that answers without opening a websocket, and the pause it requests.
fn refusal<B>(response: &Response<B>, now: Timestamp) -> SourceError {
    SourceError::Status {
        status: response.status().as_u16(),
        retry_after: requested_pause(response.status(), response.headers(), now),
    }
}

/// The part of a URL that may be shown.
pub(crate) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

impl Transport for WebSocket {
    async fn receive(&mut self) -> Result<usize, SourceError> {
        match self.socket.next().await {
            None | Some(Ok(Frame::Close(_))) => Err(SourceError::Closed),
            Some(Ok(frame)) => {
                let bytes = frame.len();
                self.frame = Some(frame);
                Ok(bytes)
            }
            Some(Err(error)) => Err(SourceError::Stream(error.into())),
        }
    }

    fn next_message(&mut self) -> Option<Message> {
        match self.frame.take()? {
            Frame::Text(text) if text.len() > MAX_MESSAGE_BYTES => Some(Err("too_long")),
            Frame::Text(text) => Some(Ok(text.to_string())),
            Frame::Binary(_) => Some(Err("binary")),
            Frame::Ping(_) | Frame::Pong(_) | Frame::Close(_) | Frame::Frame(_) => None,
        }
    }

    async fn close(&mut self) {
        // All batches are acknowledged; the server's answer may get lost.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, self.socket.close(None)).await;
    }
}
