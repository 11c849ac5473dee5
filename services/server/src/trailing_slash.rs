//! Ignores one slash at the end of a request's path.
//!
//! The path is rewritten before it is routed, so that no client has to follow a redirect, and metrics
//! have one label for both forms.

use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use tower::util::MapRequest;

/// The router with paths that may end with a slash.
pub(crate) fn accept_trailing_slash(router: Router) -> Router {
    Router::new().fallback_service(MapRequest::new(router, rewrite))
}

fn rewrite(mut request: Request) -> Request {
    if let Some(uri) = without_trailing_slash(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

/// The address without the slash at the end of its path; `None` if there is none, or only the root.
fn without_trailing_slash(uri: &Uri) -> Option<Uri> {
    let path = uri
        .path()
        .strip_suffix('/')
        .filter(|path| !path.is_empty())?;
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_one_slash_of_path_and_keeps_query() {
        for (uri, expected) in [
            ("/weather/", Some("/weather")),
            (
                "/v1/hours/?begin=a/&end=b/",
                Some("/v1/hours?begin=a/&end=b/"),
            ),
            ("http://example.org/test/", Some("http://example.org/test")),
            ("/weather", None),
            ("/", None),
            ("/?a=/", None),
            ("/weather//", Some("/weather/")),
            ("*", None),
        ] {
            let found = without_trailing_slash(&uri.parse().unwrap());
            assert_eq!(
                found.map(|uri| uri.to_string()).as_deref(),
                expected,
                "{uri}"
            );
        }
    }
}
