//! The web pages, their assets and their security headers.
#![allow(clippy::unwrap_used)]

mod common;

use common::TestApp;

#[tokio::test]
async fn serves_pages_and_assets_with_strict_policy() {
    let app = TestApp::with_rows(Vec::new());
    let cases = [
        ("/", "text/html; charset=utf-8", "<title>Moodvane</title>"),
        (
            "/?city=paris&range=7d",
            "text/html; charset=utf-8",
            "/assets/js/main.js",
        ),
        ("/docs", "text/html; charset=utf-8", "/assets/js/docs.js"),
        (
            "/assets/js/main.js",
            "text/javascript; charset=utf-8",
            "import",
        ),
        ("/assets/page.css", "text/css; charset=utf-8", ".hero"),
        ("/assets/icon.svg", "image/svg+xml", "<svg"),
        (
            "/assets/vendor/uplot/LICENSE",
            "text/plain; charset=utf-8",
            "MIT License",
        ),
    ];
    for (path, kind, part) in cases {
        let answer = app.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), kind, "{path}");
        assert!(answer.body.contains(part), "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{path}");
        for loose in ["unsafe", "http", "*", "data:"] {
            assert!(!policy.contains(loose), "{path}: {loose}");
        }
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
}

#[tokio::test]
async fn unchanged_asset_is_304() {
    let app = TestApp::with_rows(Vec::new());
    let path = "/assets/vendor/uplot/uPlot.iife.min.js";
    let first = app.get(path).await;
    assert_eq!(first.header("cache-control"), "no-cache");
    let again = app
        .get_with(path, ("if-none-match", first.header("etag")))
        .await;
    assert_eq!(again.status, 304);
    assert!(again.body.is_empty());
    for coding in ["gzip", "br", "zstd"] {
        let small = app.get_with(path, ("accept-encoding", coding)).await;
        assert_eq!(small.header("content-encoding"), coding);
    }
}

#[tokio::test]
async fn unknown_asset_is_problem() {
    let app = TestApp::with_rows(Vec::new());
    for path in [
        "/assets/",
        "/assets/index.html",
        "/assets/../Cargo.toml",
        "/docs/x",
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.problem(), "/problems/not-found", "{path}");
    }
}
