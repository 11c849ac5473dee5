//! The web pages and their assets, which are part of the binary.
//!
//! Guarantee: a page sends no request to another host. The content security policy forbids such
//! requests, and all scripts and styles that are not assets of this server.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::problem::{Problem, not_found};
use crate::state::ServerState;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const SECURITY_HEADERS: [(HeaderName, &str); 3] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
];

struct Asset {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

macro_rules! asset {
    ($kind:expr, $path:literal) => {
        Asset {
            path: $path,
            kind: $kind,
            text: include_str!(concat!("../web/", $path)),
        }
    };
}

/// All files under `/assets`. A test compares them with the folder `web`.
const ASSETS: &[Asset] = &[
    asset!(SVG, "icon.svg"),
    asset!(CSS, "base.css"),
    asset!(CSS, "docs.css"),
    asset!(CSS, "page.css"),
    asset!(SCRIPT, "js/answer.js"),
    asset!(SCRIPT, "js/api.js"),
    asset!(SCRIPT, "js/charts.js"),
    asset!(SCRIPT, "js/choice.js"),
    asset!(SCRIPT, "js/controls.js"),
    asset!(SCRIPT, "js/docs.js"),
    asset!(SCRIPT, "js/effect.js"),
    asset!(SCRIPT, "js/dom.js"),
    asset!(SCRIPT, "js/main.js"),
    asset!(SCRIPT, "js/schema.js"),
    asset!(SCRIPT, "js/sources.js"),
    asset!(SCRIPT, "js/stream.js"),
    asset!(SCRIPT, "js/table.js"),
    asset!(SCRIPT, "js/time.js"),
    asset!(SCRIPT, "vendor/uplot/uPlot.iife.min.js"),
    asset!(CSS, "vendor/uplot/uPlot.min.css"),
    asset!(TEXT, "vendor/uplot/LICENSE"),
];
const INDEX: Asset = asset!(HTML, "index.html");
/// The API reference, which displays the OpenAPI document. The usual viewers have one to three
/// megabytes and need inline styles, which the content security policy forbids.
const DOCS: Asset = asset!(HTML, "docs.html");

pub(crate) fn routes() -> Router<ServerState> {
    Router::new()
        .route("/", get(|| async { INDEX.response() }))
        .route("/docs", get(|| async { DOCS.response() }))
        .route("/assets/{*path}", get(asset))
        .layer(from_fn(add_security_headers))
}

async fn asset(Path(path): Path<String>, uri: Uri) -> Result<Response, Problem> {
    match ASSETS.iter().find(|asset| asset.path == path) {
        Some(asset) => Ok(asset.response()),
        None => Err(not_found(uri).await),
    }
}

/// Adds the headers that restrict a page in the browser.
async fn add_security_headers(request: axum::extract::Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in SECURITY_HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

impl Asset {
    fn response(&self) -> Response {
        ([(header::CONTENT_TYPE, self.kind)], self.text).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// Files of the folder for maintainers, which are not served.
    const NOT_SERVED: [&str; 2] = ["vendor/uplot/NOTICE.md", "vendor/uplot/fetch"];

    fn files_under(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                files_under(&entry.path(), &format!("{name}/"), found);
            } else if !NOT_SERVED.contains(&name.as_str()) && !name.ends_with(".html") {
                found.insert(name);
            }
        }
    }

    #[test]
    fn serves_every_file_of_the_folder() {
        let mut present = BTreeSet::new();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        files_under(&folder, "", &mut present);
        let served: BTreeSet<String> = ASSETS.iter().map(|f| f.path.to_owned()).collect();
        assert_eq!(present, served);
    }

    #[test]
    fn serves_every_referenced_asset() {
        for file in ASSETS.iter().chain([&INDEX, &DOCS]) {
            let quoted = file.text.split(['"', '\'', '(', ')']);
            for reference in quoted.filter(|part| part.starts_with("/assets/")) {
                let path = &reference["/assets/".len()..];
                assert!(ASSETS.iter().any(|f| f.path == path), "{reference}");
            }
            if file.path.starts_with("vendor") || file.path.ends_with(".svg") {
                continue;
            }
            assert!(!file.text.contains("://"), "{} contains a host", file.path);
        }
    }
}
