//! The system log: what operations write, polling with a cursor, bounded reading.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use sandbox::{HELP_DESK_TOKEN, Options, READ_ONLY_TOKEN};
use serde_json::{Value, json};

use crate::client::{Answer, Fixture};

fn kinds(answer: &Answer) -> Vec<String> {
    let events = answer
        .body
        .as_ref()
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    events
        .iter()
        .map(|event| event["eventType"].as_str().unwrap_or_default().to_owned())
        .collect()
}

fn encoded(time: Timestamp) -> String {
    sandbox::clock::iso(time)
}

#[tokio::test]
async fn operations_leave_events_with_actor_and_target() {
    let fixture = Fixture::start().await;
    let alice = fixture.sandbox.account("alice@example.com").expect("alice").id;
    fixture.post("/api/v1/users/alice/lifecycle/unlock").await;
    fixture
        .post("/api/v1/users/alice/lifecycle/reset_password?sendEmail=true")
        .await;
    let log = fixture.get("/api/v1/logs").await;
    assert_eq!(
        kinds(&log),
        ["user.account.unlock_by_admin", "user.account.reset_password"]
    );
    assert_eq!(log.at("/0/target/0/id"), json!(alice));
    assert_eq!(log.at("/0/transaction/detail/requestApiTokenId"), "admin");
    assert_eq!(log.at("/0/outcome/result"), "SUCCESS");
}

#[tokio::test]
async fn an_automatic_lock_names_its_subject_as_actor_only() {
    let fixture = Fixture::start().await;
    for _ in 0..5 {
        fixture.sandbox.sign_in("bob@example.com", "wrong", None);
    }
    let filter = "/api/v1/logs?filter=eventType%20sw%20%22user.account.lock%22";
    let lock = fixture.get(filter).await;
    assert_eq!(kinds(&lock), ["user.account.lock.limit"]);
    assert_eq!(
        (lock.at("/0/actor/alternateId"), lock.at("/0/target")),
        (json!("bob@example.com"), Value::Null)
    );
}

#[tokio::test]
async fn polling_always_has_a_next_link_and_never_skips() {
    let mut options = Options::default();
    options.settings.log_delay_ms = 2000;
    let fixture = Fixture::with(options).await;
    let start = fixture.get("/api/v1/logs?sortOrder=ASCENDING&limit=1000").await;
    let mut cursor = start.next().expect("a next link on an empty page");
    assert_eq!(kinds(&start), Vec::<String>::new());
    fixture.post("/api/v1/users/alice/lifecycle/unlock").await;
    let early = fixture.get(&cursor).await;
    assert_eq!(kinds(&early), Vec::<String>::new(), "not persisted yet");
    cursor = early.next().expect("a next link");
    fixture.sandbox.advance(2001);
    let now = fixture.sandbox.shared().clock.now();
    let late = json!({"eventType": "user.account.lock", "version": "0"});
    fixture
        .sandbox
        .shared()
        .okta()
        .inject_event(now - SignedDuration::from_hours(2), now, late);
    let page = fixture.get(&cursor).await;
    assert_eq!(kinds(&page), ["user.account.unlock_by_admin", "user.account.lock"]);
    assert!(
        page.at("/1/published").as_str() < page.at("/0/published").as_str(),
        "published goes backwards"
    );
    let again = fixture.get(&page.next().expect("a next link")).await;
    assert_eq!(kinds(&again), Vec::<String>::new());
}

#[tokio::test]
async fn bounded_reading_goes_by_publication_and_ends() {
    let fixture = Fixture::start().await;
    let now = fixture.sandbox.shared().clock.now();
    let hours = SignedDuration::from_hours;
    for (age, name) in [(1, "one"), (3, "three"), (2, "two"), (30, "thirty")] {
        let event = json!({"eventType": format!("test.{name}"), "version": "0"});
        fixture
            .sandbox
            .shared()
            .okta()
            .inject_event(now - hours(age), now, event);
    }
    let range = format!("since={}&until={}&limit=2", encoded(now - hours(24)), encoded(now));
    let first = fixture.get(&format!("/api/v1/logs?{range}")).await;
    let second = fixture.get(&first.next().expect("a second page")).await;
    assert_eq!(
        (kinds(&first), kinds(&second)),
        (vec!["test.three".into(), "test.two".into()], vec!["test.one".into()])
    );
    assert_eq!(second.next(), None, "a bounded read ends");
    let newest = fixture.get(&format!("/api/v1/logs?{range}&sortOrder=DESCENDING")).await;
    assert_eq!(kinds(&newest), ["test.one", "test.two"]);
}

#[tokio::test]
async fn misuse_is_refused() {
    let fixture = Fixture::start().await;
    let next = fixture.get("/api/v1/logs").await.next().expect("a next link");
    for (target, code) in [
        (
            "/api/v1/logs?filter=published%20gt%20%222026-01-01T00:00:00Z%22".to_owned(),
            "E0000031",
        ),
        (format!("{next}&since=2026-01-01T00:00:00Z"), "E0000001"),
        ("/api/v1/logs?limit=1001".to_owned(), "E0000001"),
        ("/api/v1/logs?since=yesterday".to_owned(), "E0000001"),
    ] {
        let answer = fixture.get(&target).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, code), "{target}");
    }
    assert_eq!(
        fixture
            .call_as(READ_ONLY_TOKEN, Method::GET, "/api/v1/logs", None)
            .await
            .status,
        200
    );
    assert_eq!(
        fixture
            .call_as(HELP_DESK_TOKEN, Method::GET, "/api/v1/logs", None)
            .await
            .status,
        403
    );
}
