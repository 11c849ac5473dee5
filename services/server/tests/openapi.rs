//! The OpenAPI document and its agreement with the routes.
#![allow(clippy::unwrap_used)]

mod common;

use common::TestApp;
use serde_json::Value;

async fn document() -> Value {
    TestApp::with_rows(Vec::new())
        .get("/openapi.json")
        .await
        .json()
}

#[tokio::test]
async fn document_matches_snapshot() {
    let mut document = document().await;
    document["info"]["version"] = "VERSION".into();
    insta::assert_json_snapshot!(document);
}

#[tokio::test]
async fn is_openapi_3_1_without_dangling_references() {
    let document = document().await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let text = document.to_string();
    let references: Vec<&str> = text
        .split("\"$ref\":\"#")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert!(references.len() > 20, "{}", references.len());
    for reference in references {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

/// The values that the document allows for a parameter.
fn documented_values(document: &Value, path: &str, parameter: &str) -> Vec<String> {
    let all = document["paths"][path]["get"]["parameters"]
        .as_array()
        .unwrap();
    let found = all.iter().find(|known| known["name"] == parameter).unwrap();
    let text = found["schema"].to_string();
    let (_, reference) = text.split_once("\"$ref\":\"#").unwrap();
    let schema = document
        .pointer(reference.split('"').next().unwrap())
        .unwrap();
    let values = schema["enum"].as_array().unwrap().iter();
    values
        .map(|value| value.as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn documented_values_are_accepted_values() {
    let app = TestApp::with_rows(Vec::new());
    let document = document().await;
    let hours = "begin=2018-01-01T00&end=2018-01-01T23";
    let cases = [
        ("/v1/relation", "variable", ""),
        ("/v1/relation", "weight", "&variable=wind"),
        ("/v1/relation", "cycles", "&variable=wind"),
        ("/v1/hours", "format", ""),
    ];
    for (path, parameter, more) in cases {
        let refused = app
            .get(&format!("{path}?{hours}{more}&{parameter}=nonsense"))
            .await;
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        let (_, accepted) = detail.split_once("must be one of ").unwrap();
        let accepted: Vec<&str> = accepted.split(", ").collect();
        assert_eq!(
            documented_values(&document, path, parameter),
            accepted,
            "{parameter}"
        );
    }
}

#[tokio::test]
async fn documents_every_route_but_metrics() {
    let app = TestApp::with_rows(Vec::new());
    let document = document().await;
    let paths = document["paths"].as_object().unwrap();
    for path in paths.keys() {
        assert_ne!(app.get(path).await.status, 404, "{path}");
    }
    // The response to an unknown path lists every route.
    let detail = app.get("/nowhere").await.json()["detail"]
        .as_str()
        .unwrap()
        .to_owned();
    let routes: Vec<&str> = detail
        .split("the paths are ")
        .nth(1)
        .unwrap()
        .split(", ")
        .collect();
    assert_eq!(routes.len(), paths.len() + 1);
    for route in routes {
        assert!(paths.contains_key(route) || route == "/metrics", "{route}");
    }
}
