//! The client against several masters, credentials and rejections.

#![allow(clippy::unwrap_used)]

mod fake;

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::http::header::LOCATION;
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse;
use moodvane_fleet::client::{ClientError, ClientOptions, Credentials, MarathonClient};
use moodvane_marathon_api::PathId;
use tokio::net::TcpListener;

use crate::fake::{Fake, client};

fn group() -> PathId {
    "/moodvane".parse().unwrap()
}

/// A master that responds to every request with this status and location.
async fn master(status: StatusCode, leader: Option<String>) -> String {
    let answer = async move |uri: Uri| match &leader {
        Some(leader) => (status, [(LOCATION, format!("{leader}{uri}"))]).into_response(),
        None => (status, "something else").into_response(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        axum::serve(listener, Router::new().fallback(answer))
            .await
            .unwrap()
    });
    address
}

/// An address without a listener.
async fn closed_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn logged_in(addresses: &[&str]) -> Arc<MarathonClient> {
    let addresses: Vec<String> = addresses.iter().map(|one| (*one).to_owned()).collect();
    let login = Credentials::Basic("operator".to_owned(), "hunter2".to_owned());
    Arc::new(MarathonClient::new(ClientOptions::new(&addresses, login, None).unwrap()).unwrap())
}

#[tokio::test]
async fn skips_unreachable_and_leaderless_masters() {
    let fake = Fake::start().await;
    let (unreachable, leaderless) = (
        closed_address().await,
        master(StatusCode::SERVICE_UNAVAILABLE, None).await,
    );
    let marathon = client(&[&unreachable, &leaderless, &fake.address]);
    assert_eq!(marathon.apps(&group()).await.unwrap(), []);
    assert!(
        fake.address
            .starts_with(marathon.address().as_str().trim_end_matches('/')),
        "the client remembers the address"
    );
    let error = client(&[&unreachable, &leaderless])
        .apps(&group())
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(error, ClientError::Unreachable(ref tried) if tried.len() == 2),
        "{text}"
    );
    assert!(
        text.contains("has no leader") && text.contains("whether it runs"),
        "{text}"
    );
}

#[tokio::test]
async fn follows_redirects_and_sends_credentials_only_to_given_addresses() {
    let fake = Fake::start().await;
    let follower = master(StatusCode::TEMPORARY_REDIRECT, Some(fake.address.clone())).await;
    assert_eq!(client(&[&follower]).apps(&group()).await.unwrap(), []);
    fake.world().authorization = Some("Basic b3BlcmF0b3I6aHVudGVyMg==".to_owned());
    assert_eq!(
        logged_in(&[&follower, &fake.address])
            .apps(&group())
            .await
            .unwrap(),
        []
    );
    let error = logged_in(&[&follower]).apps(&group()).await.unwrap_err();
    assert!(
        matches!(error, ClientError::UntrustedRedirect { .. }),
        "{error}"
    );
    assert!(!error.to_string().contains("hunter2"));
}

#[tokio::test]
async fn stops_at_redirect_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let to = address.clone();
    let answer = async move |uri: Uri| {
        (
            StatusCode::TEMPORARY_REDIRECT,
            [(LOCATION, format!("{to}{uri}"))],
        )
    };
    tokio::spawn(async move {
        axum::serve(listener, Router::new().fallback(answer))
            .await
            .unwrap()
    });
    let error = client(&[&address]).apps(&group()).await.unwrap_err();
    assert!(
        error.to_string().contains("redirects more than 3 times"),
        "{error}"
    );
}

#[tokio::test]
async fn reports_missing_and_wrong_credentials() {
    let fake = Fake::start().await;
    fake.world().authorization = Some("Basic xyz".to_owned());
    for marathon in [fake.client(), logged_in(&[&fake.address])] {
        let error = marathon.apps(&group()).await.unwrap_err();
        assert!(
            matches!(error, ClientError::Unauthorized { status: 401, .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn reports_responses_of_other_servers() {
    let other = master(StatusCode::OK, None).await;
    let error = client(&[&other]).apps(&group()).await.unwrap_err();
    assert!(
        matches!(error, ClientError::InvalidResponse { .. }),
        "{error}"
    );
    let refusal = master(StatusCode::BAD_REQUEST, None).await;
    let error = client(&[&refusal]).apps(&group()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("Marathon responds 400: something else"),
        "{error}"
    );
}

#[tokio::test]
async fn reports_rejected_fields() {
    let fake = Fake::start().await;
    let body = serde_json::json!({ "id": "/moodvane", "apps": [{ "id": "/moodvane/a", "cmd": "x", "cpus": "1" }] });
    let error = fake
        .client()
        .put_group(&group(), &body, false)
        .await
        .unwrap_err();
    assert!(
        matches!(error, ClientError::Rejected { status: 422, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("cpus"), "{error}");
}

#[test]
fn rejects_invalid_addresses() {
    let access = |address: &str, login: Credentials| {
        ClientOptions::new(&[address.to_owned()], login, None).map_err(|error| error.to_string())
    };
    let basic = || Credentials::Basic("operator".to_owned(), "hunter2".to_owned());
    for (address, login, expected) in [
        ("", Credentials::None, "1 to 16 addresses"),
        (
            "master-1:8080",
            Credentials::None,
            "expected the form http://master-1:8080",
        ),
        ("ftp://master-1", Credentials::None, "expected the form"),
        (
            "http://a:b@master-1:8080",
            Credentials::None,
            "must not contain a password",
        ),
        ("http://master-1:8080", basic(), "use https"),
    ] {
        let error = access(address, login).unwrap_err();
        assert!(error.contains(expected), "{address}: {error}");
        assert!(!error.contains("hunter2"));
    }
    for address in [
        "http://127.0.0.1:8080",
        "http://localhost:8080",
        "https://master-1",
        "http://[::1]:8080",
    ] {
        access(address, basic()).unwrap();
    }
}

#[test]
fn loads_credentials_and_rejects_invalid_combinations() {
    let login = |user: Option<&str>, password: Option<&str>, token: Option<&str>| {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Credentials::load(owned(user), (None, owned(password)), (None, owned(token)))
            .map_err(|error| error.to_string())
    };
    assert_eq!(login(None, None, None), Ok(Credentials::None));
    assert_eq!(
        login(Some("a"), Some("b\n"), None),
        Ok(Credentials::Basic("a".to_owned(), "b".to_owned()))
    );
    assert_eq!(
        login(None, None, Some("t")),
        Ok(Credentials::Token("t".to_owned()))
    );
    for (user, password, token, expected) in [
        (Some("a"), None, None, "--password-file"),
        (None, Some("b"), None, "needs --user"),
        (Some("a"), Some("b"), Some("t"), "excludes --user"),
        (None, None, Some(""), "1 to 65536 bytes"),
    ] {
        assert!(login(user, password, token).unwrap_err().contains(expected));
    }
    let missing =
        Credentials::load(None, (Some(Path::new("/nowhere")), None), (None, None)).unwrap_err();
    assert!(missing.to_string().contains("/nowhere"));
    let shown = format!(
        "{:?}",
        Credentials::Basic("a".to_owned(), "hunter2".to_owned())
    );
    assert!(!shown.contains("hunter2"), "{shown}");
}
