//! Credentials and rights.

use reqwest::Method;
use sandbox::SEED_PASSWORD;
use sandbox::servicenow::{OPERATOR, OPERATOR_PASSWORD, Quirk};
use serde_json::{Value, json};

use crate::client::Fixture;

const USERS: &str = "/api/now/v2/table/sys_user";

#[tokio::test]
async fn wrong_passwords_lock_the_caller() {
    let fixture = Fixture::start().await;
    for _ in 0..5 {
        let call = fixture.call_as(OPERATOR, "wrong", Method::GET, USERS);
        assert_eq!(call.send().await.expect("an answer").status(), 401);
    }
    let own = fixture.sandbox.servicenow().user(OPERATOR).expect("a user");
    assert_eq!(own["locked_out"], "true");
    let call = fixture.call_as(OPERATOR, OPERATOR_PASSWORD, Method::GET, USERS);
    assert_eq!(
        call.send().await.expect("an answer").status(),
        401,
        "right, and too late"
    );
}

#[tokio::test]
async fn what_may_not_be_read_is_left_out() {
    let fixture = Fixture::start().await;
    let path = format!("{USERS}?sysparm_query=user_name=ada.byte&sysparm_fields=user_name,locked_out,active");
    for (quirk, field) in [
        (Quirk::LockedOutUnreadable, "locked_out"),
        (Quirk::ActiveUnreadable, "active"),
    ] {
        fixture.sandbox.servicenow().set_quirk(quirk, true);
        let answer = fixture.get(&path).await;
        assert!(answer["result"][0].get(field).is_none(), "{answer}");
    }
}

#[tokio::test]
async fn what_may_not_be_written_is_dropped_and_answered_with_200() {
    let fixture = Fixture::start().await;
    let path = format!("{USERS}/{}", fixture.id("ada.byte"));
    fixture.sandbox.servicenow().set_quirk(Quirk::LockedOutUnwritable, true);
    let answer = fixture
        .patch(&path, json!({"locked_out": "false", "failed_attempts": "0"}))
        .await;
    assert_eq!(answer.status(), 200);
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(
        (&body["result"]["locked_out"], &body["result"]["failed_attempts"]),
        (&json!("true"), &json!("0"))
    );
}

#[tokio::test]
async fn without_the_role_users_cannot_be_written_and_roles_not_seen() {
    let fixture = Fixture::start().await;
    let path = format!("{USERS}/{}", fixture.id("ada.byte"));
    let call = fixture.call_as("ivan.itil", SEED_PASSWORD, Method::PATCH, &path);
    let answer = call
        .json(&json!({"locked_out": "false"}))
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 403);
    let path = "/api/now/v2/table/sys_user_has_role?sysparm_fields=user,role.name";
    let call = fixture.call_as("ivan.itil", SEED_PASSWORD, Method::GET, path);
    let answer = call.send().await.expect("an answer");
    assert_eq!(answer.headers()["x-total-count"], "6", "more than what is seen");
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(body["result"].as_array().expect("a list").len(), 1, "its own");
}

#[tokio::test]
async fn user_admin_cannot_change_an_administrator() {
    let fixture = Fixture::start().await;
    let path = format!("{USERS}/{}", fixture.id("frank.root"));
    let answer = fixture.patch(&path, json!({"locked_out": "false"})).await;
    assert_eq!(answer.status(), 403);
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(body["status"], "failure");
}

#[tokio::test]
async fn deactivating_locks() {
    let fixture = Fixture::start().await;
    let path = format!("{USERS}/{}", fixture.id("bob.ross"));
    fixture.patch(&path, json!({"active": "false"})).await;
    assert_eq!(
        fixture.sandbox.servicenow().user("bob.ross").expect("a user")["locked_out"],
        "true"
    );
}
