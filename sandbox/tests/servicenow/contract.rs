//! Shapes, queries, writes and errors.

use reqwest::Method;
use sandbox::servicenow::{Quirk, Setup, SignIn, User};
use sandbox::{Fault, FaultKind, SEED_PASSWORD};
use serde_json::{Value, json};

use crate::client::Fixture;

const USERS: &str = "/api/now/v2/table/sys_user";

fn rows(answer: &Value) -> usize {
    answer["result"].as_array().expect("a list").len()
}

#[tokio::test]
async fn every_scalar_is_a_text() {
    let fixture = Fixture::start().await;
    let fields = "sys_id,user_name,active,locked_out,failed_attempts,manager,nonsense";
    let answer = fixture
        .get(&format!(
            "{USERS}?sysparm_query=user_name=ada.byte&sysparm_fields={fields}"
        ))
        .await;
    let user = answer["result"][0].as_object().expect("a user").clone();
    assert_eq!(user["active"], "true");
    assert_eq!(user["locked_out"], "true");
    assert_eq!(user["failed_attempts"], "5");
    assert_eq!(user["manager"], "");
    assert!(!user.contains_key("nonsense"), "unknown fields are left out");
}

#[tokio::test]
async fn an_invalid_part_of_a_query_is_ignored_and_the_rest_is_run() {
    let fixture = Fixture::start().await;
    let path = format!("{USERS}?sysparm_query=usr_name=ada.byte^active=true");
    assert!(rows(&fixture.get(&path).await) > 5);
    fixture
        .sandbox
        .servicenow()
        .set_quirk(Quirk::InvalidQueryIgnored, false);
    assert_eq!(rows(&fixture.get(&path).await), 0);
}

#[tokio::test]
async fn a_script_in_a_query_is_evaluated() {
    let fixture = Fixture::start().await;
    let own = fixture
        .get(&format!("{USERS}?sysparm_query=sys_id=javascript:gs.getUserID()"))
        .await;
    assert_eq!(own["result"][0]["user_name"], "readmit.operator");
    fixture
        .get(&format!("{USERS}?sysparm_query=user_name=javascript:gs.sleep(1)"))
        .await;
    let truth = fixture.sandbox.truth();
    let script = truth.last().expect("a call").values_of("script");
    assert_eq!(script, ["gs.sleep(1)"]);
}

#[tokio::test]
async fn version_one_answers_an_empty_list_with_404_and_version_two_with_200() {
    let fixture = Fixture::start().await;
    let query = "sysparm_query=user_name=nobody";
    for (version, status) in [("v1/", 404), ("v2/", 200), ("", 200)] {
        let path = format!("/api/now/{version}table/sys_user?{query}");
        let answer = fixture.call(Method::GET, &path).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{version}");
    }
}

#[tokio::test]
async fn lists_have_pages_and_a_count() {
    let fixture = Fixture::start().await;
    let path = format!("{USERS}?sysparm_query=active=true^ORDERBYuser_name&sysparm_limit=2");
    let answer = fixture.call(Method::GET, &path).send().await.expect("an answer");
    assert!(
        answer.headers()["link"]
            .to_str()
            .expect("text")
            .contains("rel=\"next\"")
    );
    let total: usize = answer.headers()["x-total-count"]
        .to_str()
        .expect("text")
        .parse()
        .expect("a number");
    assert!(total > 5, "{total}");
    assert_eq!(rows(&answer.json().await.expect("JSON")), 2);
}

#[tokio::test]
async fn rights_on_rows_come_after_limit_and_count() {
    let fixture = Fixture::start().await;
    let path = format!("{USERS}?sysparm_query=user_name=dora.left");
    let answer = fixture.call(Method::GET, &path).send().await.expect("an answer");
    assert_eq!(answer.headers()["x-total-count"], "1");
    assert_eq!(
        rows(&answer.json().await.expect("JSON")),
        0,
        "inactive users are hidden"
    );
    fixture.sandbox.servicenow().set_quirk(Quirk::AclAfterLimit, false);
    let answer = fixture.call(Method::GET, &path).send().await.expect("an answer");
    assert_eq!(answer.headers()["x-total-count"], "0");
}

#[tokio::test]
async fn a_password_is_hashed_only_as_a_display_value() {
    let fixture = Fixture::start().await;
    let path = format!("{USERS}/{}", fixture.id("bob.ross"));
    let sign_in = |password| fixture.sandbox.servicenow().sign_in("bob.ross", password, None);
    let body = json!({"user_password": "Neues-Wort-4711"});
    assert_eq!(fixture.patch(&path, body.clone()).await.status(), 200);
    assert_eq!(sign_in("Neues-Wort-4711"), SignIn::Refused, "stored as given");
    let path = format!("{path}?sysparm_input_display_value=true");
    assert_eq!(fixture.patch(&path, body).await.status(), 200);
    assert_eq!(sign_in("Neues-Wort-4711"), SignIn::Success);
    assert_eq!(sign_in(SEED_PASSWORD), SignIn::Refused);
}

#[tokio::test]
async fn only_the_first_record_of_a_list_is_processed() {
    let fixture = Fixture::start().await;
    let path = format!("{USERS}/{}", fixture.id("ada.byte"));
    let body = json!([{"locked_out": "false"}, {"failed_attempts": "0"}]);
    assert_eq!(fixture.patch(&path, body).await.status(), 200);
    let user = fixture.sandbox.servicenow().user("ada.byte").expect("a user");
    assert_eq!(
        (user["locked_out"].as_str(), user["failed_attempts"].as_str()),
        ("false", "5")
    );
}

#[tokio::test]
async fn equal_values_are_no_change() {
    let fixture = Fixture::start().await;
    let path = format!("{USERS}/{}", fixture.id("bob.ross"));
    let count = || fixture.sandbox.servicenow().user("bob.ross").expect("a user")["sys_mod_count"].clone();
    let before = count();
    fixture.patch(&path, json!({"locked_out": "false"})).await;
    assert_eq!(count(), before);
    fixture.sandbox.servicenow().set_quirk(Quirk::EqualWriteCounts, true);
    fixture.patch(&path, json!({"locked_out": "false"})).await;
    assert_ne!(count(), before);
}

#[tokio::test]
async fn media_types_are_checked() {
    let fixture = Fixture::start().await;
    let operator = ("readmit.operator", sandbox::servicenow::OPERATOR_PASSWORD);
    let path = format!("{USERS}/{}", fixture.id("bob.ross"));
    let write = |accept: &str, content: &str| {
        let request = fixture
            .http
            .patch(fixture.url(&path))
            .basic_auth(operator.0, Some(operator.1));
        let request = request.header("accept", accept).body("{}");
        match content {
            "" => request,
            content => request.header("content-type", content),
        }
    };
    for (accept, content, status) in [
        ("application/json", "application/json", 200),
        ("application/json", "", 400),
        ("application/json", "text/plain", 415),
        ("text/html", "application/json", 406),
    ] {
        let answer = write(accept, content).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{accept} {content}");
    }
    let answer = fixture.call(Method::DELETE, USERS).send().await.expect("an answer");
    assert_eq!(answer.status(), 405);
}

#[tokio::test]
async fn references_look_as_they_are_asked_for() {
    let fixture = Fixture::start().await;
    let path =
        "/api/now/v2/table/incident?sysparm_query=number=INC0010001&sysparm_fields=assigned_to,category,work_notes";
    let of = |answer: Value| answer["result"][0].clone();
    let plain = of(fixture.get(path).await);
    assert!(
        plain["assigned_to"]["link"].is_string() && plain["work_notes"] == "",
        "{plain}"
    );
    let bare = of(fixture
        .get(&format!("{path}&sysparm_exclude_reference_link=true"))
        .await);
    assert!(bare["assigned_to"].is_string(), "{bare}");
    let all = of(fixture.get(&format!("{path}&sysparm_display_value=all")).await);
    assert_eq!(
        all["category"],
        json!({"display_value": "Password Reset", "value": "password_reset"})
    );
    assert_eq!(all["assigned_to"]["display_value"], "grace desk");
}

#[tokio::test]
async fn work_notes_are_added_and_never_replaced() {
    let fixture = Fixture::start().await;
    let id = fixture
        .sandbox
        .servicenow()
        .record("incident", "number", "INC0010001")
        .expect("an incident")["sys_id"]
        .clone();
    let path = format!("/api/now/v2/table/incident/{id}");
    for _ in 0..2 {
        let answer = fixture.patch(&path, json!({"work_notes": "the same"})).await;
        assert_eq!(answer.status(), 200);
    }
    assert_eq!(
        fixture.sandbox.servicenow().journal(&id, "work_notes"),
        ["the same", "the same"]
    );
}

#[tokio::test]
async fn resolving_demands_a_code_and_notes() {
    let fixture = Fixture::start().await;
    let id = fixture
        .sandbox
        .servicenow()
        .record("incident", "number", "INC0010001")
        .expect("an incident")["sys_id"]
        .clone();
    let path = format!("/api/now/v2/table/incident/{id}");
    assert_eq!(fixture.patch(&path, json!({"state": "6"})).await.status(), 403);
    let whole = json!({"state": "6", "close_code": "user_error", "close_notes": "done"});
    assert_eq!(fixture.patch(&path, whole).await.status(), 200);
}

#[tokio::test]
async fn a_session_that_is_sent_back_is_queued_and_nothing_is_done() {
    let fixture = Fixture::start().await;
    let path = format!("{USERS}/{}", fixture.id("ada.byte"));
    let first = fixture.call(Method::GET, &path).send().await.expect("an answer");
    let cookie = first.headers()["set-cookie"].to_str().expect("text").to_owned();
    let call = fixture.call(Method::PATCH, &path).header("cookie", cookie);
    let answer = call
        .json(&json!({"locked_out": "false"}))
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 202);
    assert_eq!(
        fixture.sandbox.servicenow().user("ada.byte").expect("a user")["locked_out"],
        "true"
    );
}

#[tokio::test]
async fn locks_end_by_themselves_where_that_is_set_and_a_rule_may_lock_again() {
    let fixture = Fixture::start().await;
    let instance = fixture.sandbox.servicenow();
    let locked = || instance.user("ada.byte").expect("a user")["locked_out"].clone();
    instance.configure(|settings| settings.unlock_minutes = Some(15));
    assert_eq!(locked(), "true");
    fixture.sandbox.advance(16 * 60_000);
    assert_eq!(locked(), "false");
    instance.set_quirk(Quirk::AsyncRuleRelocks, true);
    let id = instance.add(&User::locked("later.locked"));
    fixture
        .patch(&format!("{USERS}/{id}"), json!({"locked_out": "false"}))
        .await;
    assert_eq!(instance.user(&id).expect("a user")["locked_out"], "false");
    fixture.sandbox.advance(600);
    assert_eq!(instance.user(&id).expect("a user")["locked_out"], "true");
}

#[tokio::test]
async fn faults_and_rates_have_this_vendors_shape() {
    let fixture = Fixture::start().await;
    let limited = FaultKind::RateLimited {
        limit: 100,
        reset_seconds: 1260,
    };
    fixture.sandbox.inject(Fault::once("GET", "/api/now/*", limited));
    let answer = fixture.call(Method::GET, USERS).send().await.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["retry-after"].to_str().ok()),
        (429, Some("1260"))
    );
    assert!(!answer.headers().contains_key("x-ratelimit-remaining"));
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(body["status"], "failure");
    fixture.sandbox.servicenow().configure(|settings| {
        settings.rate_rules = vec![sandbox::servicenow::RateRule {
            id: "rule1".into(),
            table: Some("incident".into()),
            per_hour: 1,
        }];
    });
    let path = "/api/now/v2/table/incident";
    let mut statuses = Vec::new();
    for _ in 0..2 {
        let answer = fixture.call(Method::GET, path).send().await.expect("an answer");
        assert_eq!(answer.headers()["x-ratelimit-rule"], "rule1");
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses, [200, 429]);
}

#[tokio::test]
async fn states_and_categories_are_the_instances_own() {
    let mut setup = Setup::default();
    setup.settings.quirks.set(Quirk::StateNumbersDiffer, true);
    setup.settings.quirks.set(Quirk::CategoryMissing, true);
    let fixture = Fixture::with(setup).await;
    let incident = fixture
        .sandbox
        .servicenow()
        .record("incident", "number", "INC0010001")
        .expect("an incident");
    assert_eq!(
        (incident["state"].as_str(), incident["category"].as_str()),
        ("20", "inquiry")
    );
}
