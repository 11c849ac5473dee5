//! HTTP requests with limits of time and size.
//!
//! Guarantee: no error contains a URL or a token.

use std::time::{Duration, SystemTime};

use moodvane_model::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, RequestBuilder, Response, StatusCode};
use url::{Host, Url};

use crate::error::SourceError;

/// Size limit of a response body.
pub(crate) const MAX_BODY_BYTES: usize = 1 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time limit of a complete response.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_REDIRECTS: usize = 3;
/// Headers with the time at which a rate limit resets: of Weatherbit and Mastodon, and of X.
const RATE_RESETS: [&str; 2] = ["x-ratelimit-reset", "x-rate-limit-reset"];
/// A server that requests a longer pause gets the next request after this one.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// A client for the server at `base`. The user agent names `contact` if it is not empty. For https
/// the system needs certificates of authorities.
pub(crate) fn client(base: &Url, contact: &str) -> Result<Client, SourceError> {
    build(builder(base, contact).timeout(TIMEOUT))
}

/// A client for streams of the server at `base`, whose responses may last for ever. The caller
/// limits the time to the response's start, and to each part.
pub(crate) fn streaming_client(base: &Url) -> Result<Client, SourceError> {
    build(builder(base, ""))
}

fn build(builder: ClientBuilder) -> Result<Client, SourceError> {
    builder.build().map_err(request_error)
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
        // Building fails on a system without certificates, such as a slim container.
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

/// Sends a GET request and returns the response body. `now` is the time of the request.
pub(crate) async fn get(client: &Client, url: Url, now: Timestamp) -> Result<Vec<u8>, SourceError> {
    read_body(send(client.get(url), now).await?).await
}

/// Sends a request and returns the response before its body. `now` is the time of the request.
pub(crate) async fn send(request: RequestBuilder, now: Timestamp) -> Result<Response, SourceError> {
    let response = request.send().await.map_err(request_error)?;
    // X answers 201 to an added rule.
    if matches!(response.status(), StatusCode::OK | StatusCode::CREATED) {
        return Ok(response);
    }
    Err(SourceError::Status {
        status: response.status().as_u16(),
        retry_after: requested_pause(response.status(), response.headers(), now),
    })
}

/// Reads a complete response body.
pub(crate) async fn read_body(mut response: Response) -> Result<Vec<u8>, SourceError> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(request_error)? {
        if body.len() + part.len() > MAX_BODY_BYTES {
            return Err(SourceError::TooLong {
                max: MAX_BODY_BYTES,
            });
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// The pause that a server requests: `Retry-After`, or, for a 429, the time until the rate limit
/// resets, in seconds since 1970 or as Mastodon writes it, as a date.
pub(crate) fn requested_pause(
    status: StatusCode,
    headers: &HeaderMap,
    now: Timestamp,
) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let retry_after = text(RETRY_AFTER.as_str());
    let pause = match retry_after.and_then(|text| parse_retry_after(text, now)) {
        Some(pause) => pause,
        None if status == StatusCode::TOO_MANY_REQUESTS => {
            let reset = RATE_RESETS.into_iter().find_map(text)?;
            time_until(reset, now)?
        }
        None => return None,
    };
    Some(pause.min(MAX_RETRY_AFTER))
}

/// Parses seconds, or a date of any form that RFC 9110 requires recipients to accept. A past date is
/// none: the server's clock or ours is wrong.
fn parse_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let since_1970 = until.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let now = Duration::from_millis(u64::try_from(now.millis()).ok()?);
    since_1970.checked_sub(now)
}

fn time_until(reset: &str, now: Timestamp) -> Option<Duration> {
    let ms = match reset.parse::<i64>() {
        Ok(seconds) => seconds.checked_mul(1000)?,
        Err(_) => Timestamp::parse_rfc3339(reset).ok()?.millis(),
    };
    u64::try_from(ms.checked_sub(now.millis())?)
        .ok()
        .map(Duration::from_millis)
}

/// The error without the URL, which may hold a key.
pub(crate) fn request_error(error: reqwest::Error) -> SourceError {
    SourceError::Request(error.without_url().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderName;

    #[test]
    fn honours_requested_pause_up_to_an_hour() {
        let now = Timestamp::from_millis(1_514_772_900_000).unwrap();
        let cases = [
            (503, "retry-after", "7", Some(7)),
            (429, "retry-after", " 90 ", Some(90)),
            (429, "retry-after", "99999999", Some(3600)),
            (429, "retry-after", "soon", None),
            (
                503,
                "retry-after",
                "Mon, 01 Jan 2018 02:16:40 GMT",
                Some(100),
            ),
            (
                503,
                "retry-after",
                "Monday, 01-Jan-18 02:16:40 GMT",
                Some(100),
            ),
            (503, "retry-after", "Mon Jan  1 02:16:40 2018", Some(100)),
            (
                429,
                "retry-after",
                "Tue, 02 Jan 2018 02:16:40 GMT",
                Some(3600),
            ),
            (429, "retry-after", "Mon, 01 Jan 2018 02:00:00 GMT", None),
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
                requested_pause(status, &headers, now),
                seconds.map(Duration::from_secs),
                "{status} {name}: {text}"
            );
        }
        assert_eq!(
            requested_pause(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), now),
            None
        );
    }
}
