//! The pages for people, and the files that they are made of, which ship in the binary.
//!
//! Guarantee: a page asks no other host for anything. The content security policy forbids it to,
//! and forbids scripts and styles that are not among these files.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::not_found;
use crate::problem::Problem;
use crate::state::State;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const GUARDS: [(HeaderName, &str); 3] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
];

struct File {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

macro_rules! file {
    ($kind:expr, $path:literal) => {
        File {
            path: $path,
            kind: $kind,
            text: include_str!(concat!("../web/", $path)),
        }
    };
}

/// All that is served under `/assets`. A test holds it to what lies in `web`.
const FILES: &[File] = &[
    file!(SVG, "icon.svg"),
    file!(CSS, "base.css"),
    file!(CSS, "docs.css"),
    file!(CSS, "page.css"),
    file!(SCRIPT, "js/answer.js"),
    file!(SCRIPT, "js/api.js"),
    file!(SCRIPT, "js/charts.js"),
    file!(SCRIPT, "js/choice.js"),
    file!(SCRIPT, "js/controls.js"),
    file!(SCRIPT, "js/docs.js"),
    file!(SCRIPT, "js/dom.js"),
    file!(SCRIPT, "js/main.js"),
    file!(SCRIPT, "js/schema.js"),
    file!(SCRIPT, "js/sources.js"),
    file!(SCRIPT, "js/table.js"),
    file!(SCRIPT, "js/time.js"),
    file!(SCRIPT, "vendor/uplot/uPlot.iife.min.js"),
    file!(CSS, "vendor/uplot/uPlot.min.css"),
    file!(TEXT, "vendor/uplot/LICENSE"),
];
const INDEX: File = file!(HTML, "index.html");
/// The interface, as its OpenAPI document describes it. A page of our own: the usual ones have
/// one to three megabytes and need styles in their markup, which the policy forbids.
const DOCS: File = file!(HTML, "docs.html");

pub(crate) fn routes() -> Router<State> {
    Router::new()
        .route("/", get(|| async { INDEX.answer() }))
        .route("/docs", get(|| async { DOCS.answer() }))
        .route("/assets/{*path}", get(asset))
        .layer(from_fn(guard))
}

async fn asset(Path(path): Path<String>, uri: Uri) -> Result<Response, Problem> {
    match FILES.iter().find(|file| file.path == path) {
        Some(file) => Ok(file.answer()),
        None => Err(not_found(uri).await),
    }
}

/// Tells browsers what a page may do.
async fn guard(request: axum::extract::Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in GUARDS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

impl File {
    fn answer(&self) -> Response {
        ([(header::CONTENT_TYPE, self.kind)], self.text).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// What lies in the folder for those who maintain it, not for browsers.
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
    fn every_file_of_the_folder_is_served() {
        let mut lying = BTreeSet::new();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        files_under(&folder, "", &mut lying);
        let served: BTreeSet<String> = FILES.iter().map(|f| f.path.to_owned()).collect();
        assert_eq!(lying, served);
    }

    #[test]
    fn what_files_refer_to_is_served_by_this_server() {
        for file in FILES.iter().chain([&INDEX, &DOCS]) {
            let quoted = file.text.split(['"', '\'', '(', ')']);
            for reference in quoted.filter(|part| part.starts_with("/assets/")) {
                let path = &reference["/assets/".len()..];
                assert!(FILES.iter().any(|f| f.path == path), "{reference}");
            }
            if file.path.starts_with("vendor") || file.path.ends_with(".svg") {
                continue;
            }
            assert!(!file.text.contains("://"), "{} names a host", file.path);
        }
    }
}
