//! The token endpoint.

use sandbox::SEED_PASSWORD;
use sandbox::servicenow::Quirk;
use serde_json::Value;

use crate::client::Fixture;

async fn token(fixture: &Fixture, form: &[(&str, &str)]) -> (u16, Value) {
    let call = fixture.http.post(fixture.url("/oauth_token.do")).form(form);
    let answer = call.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

const APP: &[(&str, &str)] = &[
    ("grant_type", "client_credentials"),
    ("client_id", "app"),
    ("client_secret", "app-secret"),
];

#[tokio::test]
async fn the_same_token_comes_again_while_it_is_good() {
    let fixture = Fixture::start().await;
    let (_, first) = token(&fixture, APP).await;
    assert_eq!(first["expires_in"], 1800);
    fixture.sandbox.advance(60_000);
    let (_, second) = token(&fixture, APP).await;
    assert_eq!(first["access_token"], second["access_token"]);
    assert!(second["expires_in"].as_i64() < Some(1800), "{second}");
    fixture.sandbox.advance(1_800_000);
    let (_, third) = token(&fixture, APP).await;
    assert_ne!(first["access_token"], third["access_token"]);
    let own = fixture
        .http
        .get(fixture.url("/api/now/v2/table/sys_user?sysparm_query=user_name=ada.byte"))
        .bearer_auth(third["access_token"].as_str().expect("a token"))
        .header("accept", "application/json");
    assert_eq!(own.send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn refusals_name_an_error() {
    let fixture = Fixture::start().await;
    let wrong: Vec<(&str, &str)> = vec![APP[0], APP[1], ("client_secret", "no")];
    assert_eq!(token(&fixture, &wrong).await.1["error"], "invalid_client");
    let without_user = [
        APP[0],
        ("client_id", "login-app"),
        ("client_secret", "login-app-secret"),
    ];
    assert_eq!(token(&fixture, &without_user).await.1["error"], "unauthorized_client");
    fixture
        .sandbox
        .servicenow()
        .set_quirk(Quirk::ClientCredentialsOff, true);
    assert_eq!(
        token(&fixture, APP).await,
        (
            401,
            serde_json::json!({
                "error": "unauthorized_client", "error_description": "The grant type is not enabled on this instance"
            })
        )
    );
}

#[tokio::test]
async fn the_password_grant_counts_wrong_passwords_and_gives_a_refresh_token() {
    let fixture = Fixture::start().await;
    let form = |password| {
        let mut form = vec![("grant_type", "password"), ("client_id", "login-app")];
        form.extend([
            ("client_secret", "login-app-secret"),
            ("username", "bob.ross"),
            ("password", password),
        ]);
        form
    };
    assert_eq!(token(&fixture, &form("wrong")).await.1["error"], "access_denied");
    assert_eq!(
        fixture.sandbox.servicenow().user("bob.ross").expect("a user")["failed_attempts"],
        "1"
    );
    let (_, granted) = token(&fixture, &form(SEED_PASSWORD)).await;
    let refresh = granted["refresh_token"].as_str().expect("a token").to_owned();
    let again = [
        ("grant_type", "refresh_token"),
        ("client_id", "login-app"),
        ("client_secret", "login-app-secret"),
        ("refresh_token", &refresh),
    ];
    assert_eq!(token(&fixture, &again).await.0, 200);
}
