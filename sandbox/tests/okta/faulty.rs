//! Scripted faults, and that the truth log tells what was really committed under each.

use std::time::{Duration, Instant};

use sandbox::{Entry, Fault, FaultKind, Status};

use crate::client::{Fixture, eventually};

const UNLOCK: &str = "/api/v1/users/alice/lifecycle/unlock";

/// What a client sees of a call: a status, or a lost connection.
async fn unlock(fixture: &Fixture) -> Option<(u16, String)> {
    let request = fixture
        .http
        .post(fixture.address(UNLOCK))
        .header("authorization", format!("SSWS {}", fixture.token));
    let response = request.send().await.ok()?;
    Some((
        response.status().as_u16(),
        response
            .text()
            .await
            .unwrap_or_else(|error| format!("broken off: {error}")),
    ))
}

fn status(fixture: &Fixture) -> Status {
    fixture.sandbox.account("alice@example.com").expect("alice").status
}

fn last_call(fixture: &Fixture) -> Entry {
    fixture
        .sandbox
        .truth()
        .into_iter()
        .rfind(|entry| entry.path == UNLOCK)
        .expect("the call is in the truth log")
}

/// One fault, one call: what the client saw, and whether it took effect.
async fn check(fault: FaultKind, seen: Option<u16>, applied: bool) -> String {
    let fixture = Fixture::start().await;
    fixture
        .sandbox
        .inject_once("POST", "/api/v1/users/*/lifecycle/*", fault.clone());
    let answer = unlock(&fixture).await;
    assert_eq!(answer.as_ref().map(|(status, _)| *status), seen, "{fault:?}");
    assert_eq!(status(&fixture) == Status::Active, applied, "{fault:?}");
    let entry = last_call(&fixture);
    assert_eq!(
        (entry.applied, entry.committed.is_some(), entry.status),
        (applied, applied, seen),
        "{fault:?}"
    );
    assert_eq!(entry.faults, [fault.name()]);
    // The fault struck once: the next call goes through as the state demands.
    let next = unlock(&fixture).await.map(|(status, _)| status);
    assert_eq!(next, Some(if applied { 403 } else { 200 }), "{fault:?}");
    answer.map(|(_, body)| body).unwrap_or_default()
}

#[tokio::test]
async fn refusals_are_not_applied() {
    check(
        FaultKind::RateLimited {
            limit: 600,
            reset_seconds: 7,
        },
        Some(429),
        false,
    )
    .await;
    check(FaultKind::ConcurrencyLimited, Some(429), false).await;
    check(FaultKind::Unavailable, Some(503), false).await;
    check(FaultKind::ErrorNotApplied, Some(500), false).await;
    check(
        FaultKind::Redirect {
            location: "https://evil.example/".into(),
        },
        Some(302),
        false,
    )
    .await;
    let body = check(
        FaultKind::Status {
            status: 502,
            body: Some("<html>".into()),
        },
        Some(502),
        false,
    )
    .await;
    assert_eq!(body, "<html>");
}

#[tokio::test]
async fn replies_get_lost_before_and_after_the_commit() {
    check(FaultKind::ReplyLostBeforeCommit, None, false).await;
    check(FaultKind::ReplyLostAfterCommit, None, true).await;
    check(FaultKind::ErrorApplied, Some(500), true).await;
}

#[tokio::test]
async fn answers_are_spoilt_after_the_commit() {
    let body = check(FaultKind::MalformedJson, Some(200), true).await;
    assert!(
        serde_json::from_str::<serde_json::Value>(&body).is_err(),
        "{body} is JSON"
    );
    check(
        FaultKind::WrongContentType {
            content_type: "text/html".into(),
        },
        Some(200),
        true,
    )
    .await;
    let body = check(FaultKind::HugeBody { bytes: 20_000_000 }, Some(200), true).await;
    assert!(body.len() >= 20_000_000);
    let started = Instant::now();
    check(FaultKind::SlowBody { ms_per_byte: 100 }, Some(200), true).await;
    assert!(
        started.elapsed() >= Duration::from_millis(200),
        "two bytes at 100 ms each"
    );
}

#[tokio::test]
async fn a_late_commit_is_in_the_truth_log_only_once_it_happened() {
    let fixture = Fixture::start().await;
    fixture
        .sandbox
        .inject_once("POST", "*", FaultKind::LateCommit { ms: 1500 });
    assert_eq!(unlock(&fixture).await, None);
    assert_eq!(
        (status(&fixture), last_call(&fixture).committed),
        (Status::LockedOut, None)
    );
    eventually("the late commit happened", || last_call(&fixture).committed.is_some()).await;
    let entry = last_call(&fixture);
    assert_eq!(
        (status(&fixture), entry.applied, entry.answered),
        (Status::Active, true, None)
    );
    let delay = entry.committed.expect("committed").duration_since(entry.received);
    assert!(delay.as_millis() >= 1500, "{delay:?}");
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_stop_its_call() {
    let fixture = Fixture::start().await;
    fixture
        .sandbox
        .inject_once("POST", "*", FaultKind::Latency { ms: 2000 });
    let arrived = eventually("the call arrived", || !fixture.sandbox.truth().is_empty());
    tokio::select! {
        answer = unlock(&fixture) => panic!("answered at once: {answer:?}"),
        () = arrived => {}
    }
    assert_eq!(status(&fixture), Status::LockedOut);
    eventually("the abandoned call took effect", || status(&fixture) == Status::Active).await;
}

#[tokio::test]
async fn the_nth_call_is_struck_and_a_next_link_may_lead_elsewhere() {
    let fixture = Fixture::start().await;
    let foreign = FaultKind::ForeignNextLink {
        host: "evil.example".into(),
    };
    fixture.sandbox.inject(Fault {
        nth: 2,
        ..Fault::once("GET", "/api/v1/users", foreign)
    });
    let hosts = [
        fixture.get("/api/v1/users?limit=2").await,
        fixture.get("/api/v1/users?limit=2").await,
    ];
    let [first, second] = hosts.map(|page| page.next().expect("a next link"));
    assert!(first.starts_with(&fixture.sandbox.addresses().http), "{first}");
    assert!(second.starts_with("https://evil.example/"), "{second}");
}

#[tokio::test]
async fn commits_are_numbered_in_order_of_effect() {
    let fixture = Fixture::start().await;
    fixture
        .sandbox
        .inject_once("POST", "*alice*", FaultKind::Latency { ms: 2000 });
    let (slow, fast) = tokio::join!(unlock(&fixture), async {
        eventually("the slow call arrived", || !fixture.sandbox.truth().is_empty()).await;
        fixture.post("/api/v1/users/victor/lifecycle/unlock").await
    });
    assert_eq!((slow.map(|(status, _)| status), fast.status), (Some(200), 200));
    let order = |path: &str| {
        let entry = fixture
            .sandbox
            .truth()
            .into_iter()
            .find(|entry| entry.path.contains(path))
            .expect("logged");
        (entry.seq, entry.commit_seq.expect("committed"))
    };
    let (alice, victor) = (order("alice"), order("victor"));
    assert!(alice.0 < victor.0 && alice.1 > victor.1, "{alice:?} {victor:?}");
}
