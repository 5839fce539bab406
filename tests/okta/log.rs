//! The system log of locks, page by page.

use crate::world::{World, call};
use jiff::{SignedDuration, Timestamp};
use readmit::{
    directory::{Directory, LogPage, LogStart},
    domain::{
        account::{Failure, FailureClass, Step},
        lock_log::Turn,
    },
};
use sandbox::{Fault, FaultKind, HELP_DESK_TOKEN, Quirk};
use serde_json::json;

const LOCK: &str = "too many failed sign-ins";
const LIMIT: &str = "too many failed sign-ins; Okta does not end this lock by itself";

async fn page(world: &World, from: LogStart<'_>) -> Result<LogPage, Failure> {
    let page = world.okta.lock_log(&call(), from).await;
    page.map(|page| page.expect("Okta has a log"))
}

/// What a minute ago and later tells.
async fn recent(world: &World) -> LogPage {
    let since = Timestamp::now() - SignedDuration::from_secs(60);
    page(world, LogStart::Since(since)).await.unwrap()
}

fn told(world: &World, page: &LogPage, login: &str) -> Vec<Turn> {
    let id = world.id(login);
    let events = page.events.iter().filter(|event| event.account == id);
    events.map(|event| event.turn.clone()).collect()
}

fn locked(cause: &str) -> Turn {
    Turn::Locked(cause.into())
}

#[tokio::test]
async fn locks_are_told_with_their_cause_whoever_is_named_as_the_subject() {
    for actor_only in [true, false] {
        for (ends, cause) in [(None, LIMIT), (Some(300), LOCK)] {
            let world = World::start().await;
            world.sandbox.set_quirk(Quirk::LockEventActorOnly, actor_only);
            world.sandbox.configure(|settings| settings.lockout.seconds = ends);
            for _ in 0..10 {
                world.sandbox.sign_in("bob@example.com", "wrong", None);
            }
            let first = recent(&world).await;
            assert_eq!(
                told(&world, &first, "bob@example.com"),
                [locked(cause)],
                "actor only: {actor_only}"
            );
            assert_eq!(world.act(Step::Unlock, "bob@example.com").await.as_str(), "Done");
            let second = page(&world, LogStart::After(&first.cursor)).await.unwrap();
            assert_eq!(told(&world, &second, "bob@example.com"), [Turn::Unlocked]);
        }
    }
}

#[tokio::test]
async fn the_cursor_goes_on_over_empty_pages_and_misses_nothing_that_is_stored_late() {
    let world = World::start().await;
    let empty = recent(&world).await;
    assert_eq!((empty.events.len(), empty.more), (0, false));
    world.sandbox.lock("bob@example.com").unwrap();
    let first = page(&world, LogStart::After(&empty.cursor)).await.unwrap();
    assert_eq!(told(&world, &first, "bob@example.com"), [locked(LOCK)]);
    let again = page(&world, LogStart::After(&first.cursor)).await.unwrap();
    assert!(again.events.is_empty(), "{again:?}");
    // Stored now, and published two hours ago.
    let now = world.sandbox.shared().clock.now();
    let quinn = json!({"id": world.id("quinn@example.com"), "type": "User"});
    let late = json!({"eventType": "user.account.lock", "actor": quinn});
    let published = now - SignedDuration::from_hours(2);
    world.sandbox.shared().okta().inject_event(published, now, late);
    let last = page(&world, LogStart::After(&again.cursor)).await.unwrap();
    assert_eq!(told(&world, &last, "quinn@example.com"), [locked(LOCK)]);
}

#[tokio::test]
async fn only_the_first_page_names_a_time_and_none_names_an_end() {
    let world = World::start().await;
    let first = recent(&world).await;
    page(&world, LogStart::After(&first.cursor)).await.unwrap();
    let queries: Vec<String> = world.calls().into_iter().map(|entry| entry.query).collect();
    assert!(
        queries[0].contains("since=") && !queries[0].contains("after="),
        "{queries:?}"
    );
    assert!(
        queries[1].contains("after=") && !queries[1].contains("since="),
        "{queries:?}"
    );
    for query in queries {
        assert!(
            query.contains("sortOrder=ASCENDING") && query.contains("limit=1000"),
            "{query}"
        );
        assert!(!query.contains("until=") && !query.contains("published"), "{query}");
    }
}

#[tokio::test]
async fn a_long_log_is_read_page_by_page() {
    let world = World::start().await;
    let (now, bob) = (world.sandbox.shared().clock.now(), world.id("bob@example.com"));
    for _ in 0..1100 {
        let event = json!({"eventType": "user.account.unlock", "target": [{"id": bob, "type": "User"}]});
        world.sandbox.shared().okta().inject_event(now, now, event);
    }
    let first = recent(&world).await;
    assert_eq!((first.events.len(), first.more), (1000, true));
    let second = page(&world, LogStart::After(&first.cursor)).await.unwrap();
    assert_eq!((second.events.len(), second.more), (100, false));
}

#[tokio::test]
async fn a_cursor_of_another_place_is_not_followed() {
    let world = World::start().await;
    let own = world.sandbox.addresses().http.clone();
    for cursor in [
        "https://elsewhere.example/api/v1/logs?after=x",
        "/api/v1/logs?after=x",
        "",
        &format!("{own}/api/v1/users?limit=200"),
        &format!("{}/api/v1/logs?after=x", own.replace("http://", "http://me@")),
    ] {
        let failure = page(&world, LogStart::After(cursor)).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Permanent, "{cursor}");
    }
    assert!(world.calls().is_empty());
    let away = FaultKind::ForeignNextLink {
        host: "elsewhere.example".into(),
    };
    world.sandbox.inject(Fault::always("GET", "/api/v1/logs", away));
    let failure = page(&world, LogStart::Since(Timestamp::now())).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::NeedsConfig);
}

#[tokio::test]
async fn a_cursor_that_okta_does_not_take_is_told_apart() {
    let world = World::start().await;
    let cursor = format!(
        "{}/api/v1/logs?after=bm90IG9uZQ&sortOrder=ASCENDING&limit=1000",
        world.sandbox.addresses().http
    );
    let failure = page(&world, LogStart::After(&cursor)).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Permanent);
}

#[tokio::test]
async fn a_log_that_may_not_be_read_names_the_right() {
    let world = World::with_token(HELP_DESK_TOKEN).await;
    let failure = page(&world, LogStart::Since(Timestamp::now())).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::NeedsConfig);
    assert!(failure.public.contains("okta.logs.read"), "{}", failure.public);
    assert!(
        world.read("alice@example.com").await.is_ok(),
        "nothing else depends on it"
    );
}
