//! Shapes, states and refusals.

use crate::client::{ADMIN, Fixture, sign_in};
use reqwest::Method;
use sandbox::cxone::{Quirk, SignIn};
use sandbox::{SEED_PASSWORD, fingerprint};
use serde_json::{Value, json};

#[tokio::test]
async fn there_is_no_call_that_unlocks() {
    let fixture = Fixture::start().await;
    let id = fixture.id("ada.byte@example.com");
    for (method, path) in [
        (Method::PUT, format!("{ADMIN}/agents/{id}/unlock")),
        (Method::POST, format!("{ADMIN}/agents/{id}/unlock")),
        (Method::PUT, format!("{ADMIN}/agents/{id}")),
        (Method::PATCH, format!("{ADMIN}/agents/{id}")),
        (Method::PUT, "/user-management/v1/users".to_owned()),
    ] {
        let call = fixture
            .call(method.clone(), &path)
            .json(&json!({"agent": {"locked": false}}));
        let status = call.send().await.expect("an answer").status().as_u16();
        assert!(matches!(status, 404 | 405), "{method} {path}: {status}");
    }
    assert!(
        fixture
            .sandbox
            .cxone()
            .agent("ada.byte@example.com")
            .expect("an agent")
            .locked
    );
}

#[tokio::test]
async fn a_list_has_the_shape_of_the_sample_and_a_single_agent_shows_no_lock() {
    let fixture = Fixture::start().await;
    let list = fixture
        .get(&format!("{ADMIN}/agents?isLocked=true&isActive=true&top=2&skip=0"))
        .await;
    for member in [
        "businessUnitId",
        "totalRecords",
        "hiddenAgents",
        "lastPollTime",
        "_links",
        "agents",
    ] {
        assert!(!list[member].is_null(), "{member}: {list}");
    }
    assert_eq!(list["totalRecords"], 3);
    assert_eq!(list["agents"].as_array().map(Vec::len), Some(2));
    assert!(
        list["_links"]["next"]
            .as_str()
            .is_some_and(|next| next.contains("skip=2"))
    );
    let first = &list["agents"][0];
    assert!(
        first["agentId"].is_u64() && first["userID"].is_string() && first["locked"] == true,
        "{first}"
    );
    let one = fixture.get(&format!("{ADMIN}/agents/{}", first["agentId"])).await;
    assert_eq!(one["agents"][0]["userName"], first["userName"]);
    assert!(one["agents"][0]["locked"].is_null(), "{one}");
    let few = fixture
        .get(&format!("{ADMIN}/agents?fields=agentId,userId,locked&top=1"))
        .await;
    let members: Vec<&String> = few["agents"][0].as_object().expect("an agent").keys().collect();
    assert_eq!(members, ["agentId", "locked", "userID"]);
    let lower = ADMIN.to_lowercase();
    assert!(fixture.get(&format!("{lower}/agents?top=1")).await["agents"].is_array());
}

#[tokio::test]
async fn a_search_by_ids_answers_an_array_of_arrays() {
    let fixture = Fixture::start().await;
    let id = fixture.id("bob.ross@example.com").to_string();
    let call = fixture.call(Method::POST, &format!("{ADMIN}/agents/search"));
    let answer: Value = call
        .json(&json!({"agentIds": [id]}))
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(
        answer["agentResults"][0][0]["userName"], "bob.ross@example.com",
        "{answer}"
    );
    assert_eq!(answer["errorCount"], 0);
}

#[tokio::test]
async fn a_reset_is_all_in_the_query_and_the_truth_keeps_no_password() {
    let fixture = Fixture::start().await;
    let id = fixture.id("bob.ross@example.com");
    let reset = |password: &str| {
        let path = format!("{ADMIN}/agents/{id}/reset-password");
        let query = [("requestedPassword", password), ("forceChangeOnLogon", "true")];
        fixture.call(Method::PUT, &path).query(&query).send()
    };
    let answer: Value = reset("Ganz+Neu&7")
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(answer, json!({"resetResult": {"passwordComplexityResult": "SUCCESS"}}));
    let weak: Value = reset("weak").await.expect("an answer").json().await.expect("JSON");
    assert_ne!(weak, answer);
    let truth = serde_json::to_string(&fixture.sandbox.truth()).expect("plain data");
    assert!(!truth.contains("Neu") && truth.contains(&fingerprint("Ganz+Neu&7")));
    let tenant = fixture.sandbox.cxone();
    let sign_in = |password| tenant.sign_in("bob.ross@example.com", password, None);
    assert_eq!(sign_in("Ganz+Neu&7"), SignIn::MustChange);
    assert_eq!(sign_in(SEED_PASSWORD), SignIn::Refused);
}

#[tokio::test]
async fn errors_have_each_apis_own_shape() {
    let fixture = Fixture::start().await;
    let path = format!("{ADMIN}/agents/424242");
    let answer = fixture.call(Method::GET, &path).send().await.expect("an answer");
    assert_eq!(answer.status(), 404);
    assert!(answer.headers().contains_key("icstatusdescription"));
    assert!(answer.bytes().await.expect("a body").is_empty());
    fixture.sandbox.cxone().set_quirk(Quirk::ReasonInHeader, false);
    let answer = fixture.call(Method::GET, &path).send().await.expect("an answer");
    let body: Value = answer.json().await.expect("JSON");
    assert!(body["errorDescription"].is_string(), "{body}");
    let answer = fixture
        .call(Method::GET, "/user-management/v3/users/nobody")
        .send()
        .await;
    let body: Value = answer.expect("an answer").json().await.expect("JSON");
    assert!(body["entityType"].is_string() && body["hostName"].is_string(), "{body}");
    let answer = sign_in(&fixture.sandbox, &fixture.http, "wrong")
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 400);
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(body["error"], "invalid_grant");
}

#[tokio::test]
async fn without_the_accept_header_nothing_can_be_rendered() {
    let fixture = Fixture::start().await;
    let call = fixture.call(Method::GET, &format!("{ADMIN}/server-time"));
    let mut request = call.build().expect("a request");
    request
        .headers_mut()
        .insert("accept", "text/html".parse().expect("a value"));
    let answer = fixture.http.execute(request).await.expect("an answer");
    assert_eq!(answer.status(), 400);
    assert!(fixture.get(&format!("{ADMIN}/server-time")).await["ServerTime"].is_string());
    let unit = fixture.get(&format!("{ADMIN}/business-unit")).await;
    assert!(unit["businessUnits"][0]["tenantId"].is_string(), "{unit}");
}

#[tokio::test]
async fn calls_beyond_the_rate_are_throttled() {
    let fixture = Fixture::start().await;
    fixture
        .sandbox
        .cxone()
        .configure(|settings| settings.per_second = Some(3));
    let mut statuses = Vec::new();
    for _ in 0..12 {
        let answer = fixture.call(Method::GET, &format!("{ADMIN}/server-time")).send().await;
        let answer = answer.expect("an answer");
        assert!(!answer.headers().contains_key("retry-after"));
        statuses.push(answer.status().as_u16());
    }
    assert!(statuses.contains(&429) && statuses.contains(&200), "{statuses:?}");
}

#[tokio::test]
async fn wrong_sign_ins_lock_and_two_idle_days_lock_again() {
    let fixture = Fixture::start().await;
    let tenant = fixture.sandbox.cxone();
    let locked = || tenant.agent("bob.ross@example.com").expect("an agent").locked;
    for _ in 0..5 {
        tenant.sign_in("bob.ross@example.com", "wrong", None);
    }
    assert!(locked());
    assert_eq!(
        tenant.sign_in("bob.ross@example.com", SEED_PASSWORD, None),
        SignIn::Refused
    );
    tenant.unlock("bob.ross@example.com").expect("unlocked");
    assert!(!locked());
    fixture.sandbox.advance(49 * 3_600_000);
    assert!(locked());
    tenant.set_quirk(Quirk::TwoDayRule, false);
    tenant.unlock("bob.ross@example.com").expect("unlocked");
    fixture.sandbox.advance(49 * 3_600_000);
    assert!(!locked());
}
