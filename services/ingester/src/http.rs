//! HTTP requests with every limit stated: for an answer as a whole, and for one that never ends.
//!
//! Guarantee: no error holds a URL or a token.

use std::error::Error;
use std::time::Duration;

use moodvane_model::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, RequestBuilder, Response, StatusCode};
use url::{Host, Url};

use crate::error::SourceError;

/// The longest answer, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 1 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest wait for a whole answer.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_REDIRECTS: usize = 3;
/// When requests are counted anew, as Weatherbit and Mastodon say it, and as X does.
const RATE_RESETS: [&str; 2] = ["x-ratelimit-reset", "x-rate-limit-reset"];
/// Whoever asks for a longer pause is asked again nevertheless.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// A client for the server at `base`, which may turn to `contact` where that is not empty. For https it
/// needs the system's certificates of authorities.
pub(crate) fn client(base: &Url, contact: &str) -> Result<Client, SourceError> {
    built(builder(base, contact).timeout(TIMEOUT))
}

/// A client for streams of the server at `base`: what it is answered may last for ever. Who asks
/// bounds the wait for the answer's beginning, and for each part.
pub(crate) fn streaming_client(base: &Url) -> Result<Client, SourceError> {
    built(builder(base, ""))
}

fn built(builder: ClientBuilder) -> Result<Client, SourceError> {
    builder.build().map_err(failed)
}

fn builder(base: &Url, contact: &str) -> ClientBuilder {
    let agent = concat!("moodvane/", env!("CARGO_PKG_VERSION"));
    let agent = match contact {
        "" => agent.to_owned(),
        contact => format!("{agent} ({contact})"),
    };
    let mut builder = Client::builder()
        .user_agent(agent)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(Policy::limited(MAX_REDIRECTS));
    if base.scheme() == "http" {
        // Else the client could not be made where the system has none, as in a slim container.
        builder = builder.tls_certs_only([]);
    }
    if is_loopback(base) {
        // A proxy of the environment cannot reach this machine.
        builder = builder.no_proxy();
    }
    builder
}

fn is_loopback(base: &Url) -> bool {
    match base.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The body of the answer to a GET that is made `now`.
pub(crate) async fn get(client: &Client, url: Url, now: Timestamp) -> Result<Vec<u8>, SourceError> {
    body(open(client.get(url), now).await?).await
}

/// The answer to a request that is made `now`, its body still to come.
pub(crate) async fn open(request: RequestBuilder, now: Timestamp) -> Result<Response, SourceError> {
    let answer = request.send().await.map_err(failed)?;
    // Whoever adds something answers 201.
    if matches!(answer.status(), StatusCode::OK | StatusCode::CREATED) {
        return Ok(answer);
    }
    Err(SourceError::Status {
        status: answer.status().as_u16(),
        retry_after: pause(answer.status(), answer.headers(), now),
    })
}

/// The whole body of an answer.
pub(crate) async fn body(mut answer: Response) -> Result<Vec<u8>, SourceError> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(failed)? {
        if body.len() + part.len() > MAX_BODY_BYTES {
            return Err(SourceError::TooLong {
                max: MAX_BODY_BYTES,
            });
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// How long to wait: by `Retry-After`, else, for who asked too often, until the moment at which the
/// requests are counted anew: in seconds since 1970, or as Mastodon writes it, as a date.
fn pause(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let asked = text(RETRY_AFTER.as_str()).and_then(|text| text.parse::<u64>().ok());
    let asked = match asked {
        None if status == StatusCode::TOO_MANY_REQUESTS => {
            let reset = RATE_RESETS.into_iter().find_map(text)?;
            until(reset, now)?
        }
        None => return None,
        Some(seconds) => Duration::from_secs(seconds),
    };
    Some(asked.min(MAX_RETRY_AFTER))
}

fn until(reset: &str, now: Timestamp) -> Option<Duration> {
    let ms = match reset.parse::<i64>() {
        Ok(seconds) => seconds.checked_mul(1000)?,
        Err(_) => Timestamp::parse_rfc3339(reset).ok()?.millis(),
    };
    u64::try_from(ms.checked_sub(now.millis())?)
        .ok()
        .map(Duration::from_millis)
}

/// The error with its causes, as the outermost says little, and without the URL, as it may hold a
/// key.
pub(crate) fn failed(error: reqwest::Error) -> SourceError {
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        reason.push_str(": ");
        reason.push_str(&inner.to_string());
        cause = inner.source();
    }
    SourceError::Request(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderName;

    #[test]
    fn the_pause_that_a_provider_asks_for_is_honoured_up_to_an_hour() {
        let now = Timestamp::from_millis(1_514_772_900_000).unwrap();
        let cases = [
            (503, "retry-after", "7", Some(7)),
            (429, "retry-after", " 90 ", Some(90)),
            (429, "retry-after", "99999999", Some(3600)),
            (429, "retry-after", "soon", None),
            (429, RATE_RESETS[0], "1514773000", Some(100)),
            (429, RATE_RESETS[0], "1514772000", None),
            (429, RATE_RESETS[0], "1514851200", Some(3600)),
            (429, RATE_RESETS[0], "2018-01-01T02:16:40Z", Some(100)),
            (429, RATE_RESETS[0], "tomorrow", None),
            (503, RATE_RESETS[0], "1514773000", None),
            (429, RATE_RESETS[1], "1514773000", Some(100)),
            (503, RATE_RESETS[1], "1514773000", None),
        ];
        for (status, name, text, seconds) in cases {
            let status = StatusCode::from_u16(status).unwrap();
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static(name), text.parse().unwrap());
            assert_eq!(
                pause(status, &headers, now),
                seconds.map(Duration::from_secs),
                "{status} {name}: {text}"
            );
        }
        assert_eq!(
            pause(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), now),
            None
        );
    }
}
