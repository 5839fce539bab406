//! What becomes of a call when something goes wrong, and that it is sent once.

use crate::world::{ADA, BOB, World, call, connect, failed, spec};
use readmit::{
    directory::{Call, Directory, Lane},
    domain::account::{FailureClass, ReadFailure, Sent, Step},
    secret::Secret,
};
use sandbox::FaultKind;
use sandbox::cxone::Quirk;
use std::time::{Duration, Instant};

fn status(status: u16) -> FaultKind {
    FaultKind::Status { status, body: None }
}

/// Where a fault leaves a reset and the end of a session.
async fn check(fault: FaultKind, expected: &str) {
    for (step, method, path) in [
        (Step::SetPassword, "PUT", "*/reset-password"),
        (Step::RevokeSessions, "POST", "*/logout"),
    ] {
        let world = World::start().await;
        // Signed in, so that the fault strikes the write.
        world.find(BOB).await.unwrap();
        world.sandbox.inject_once(method, path, fault.clone());
        let sent = world.act(step, BOB).await;
        assert_eq!(sent.as_str(), expected, "{step:?} {fault:?}: {sent:?}");
        let sends = world.calls().iter().filter(|entry| entry.method != "GET").count();
        assert_eq!(sends, 2, "a sign-in, and the call once: {fault:?}");
    }
}

#[tokio::test]
async fn what_broke_leaves_it_unknown_whether_or_not_it_was_applied() {
    check(FaultKind::ErrorApplied, "Unknown").await;
    check(FaultKind::ErrorNotApplied, "Unknown").await;
    check(FaultKind::Unavailable, "Unknown").await;
    for code in [202, 408, 502, 504] {
        check(status(code), "Unknown").await;
    }
}

#[tokio::test]
async fn a_lost_reply_leaves_it_unknown() {
    check(FaultKind::ReplyLostBeforeCommit, "Unknown").await;
    check(FaultKind::ReplyLostAfterCommit, "Unknown").await;
    check(FaultKind::LateCommit { ms: 300 }, "Unknown").await;
}

#[tokio::test]
async fn refusals_are_refused() {
    for code in [400, 403, 404, 405, 409, 302] {
        check(status(code), "Refused").await;
    }
    let away = FaultKind::Redirect {
        location: "https://elsewhere.example/".into(),
    };
    check(away, "Refused").await;
}

#[tokio::test]
async fn an_answer_of_another_shape_is_told_and_not_guessed() {
    for body in [
        "",
        "<html>",
        "[]",
        "{}",
        r#"{"resetResult":{}}"#,
        r#"{"resetResult":"SUCCESS"}"#,
    ] {
        let world = World::start().await;
        let fault = FaultKind::Status {
            status: 200,
            body: Some(body.into()),
        };
        world.sandbox.inject_once("PUT", "*", fault.clone());
        assert_eq!(world.act(Step::SetPassword, BOB).await.as_str(), "Unknown", "{body}");
        world.sandbox.inject_once("GET", "*/agents", fault);
        assert!(failed(&world.find(ADA).await).is_some(), "{body}");
    }
}

#[tokio::test]
async fn what_is_too_large_or_breaks_off_is_unknown() {
    for fault in [FaultKind::MalformedJson, FaultKind::HugeBody { bytes: 2 << 20 }] {
        let world = World::start().await;
        world.sandbox.inject_once("PUT", "*", fault.clone());
        assert_eq!(world.act(Step::SetPassword, BOB).await.as_str(), "Unknown", "{fault:?}");
        world.sandbox.inject_once("GET", "*/agents", fault.clone());
        assert!(failed(&world.find(BOB).await).is_some(), "{fault:?}");
    }
}

#[tokio::test]
async fn a_429_was_not_sent_and_is_waited_out_with_and_without_a_time() {
    check(FaultKind::ConcurrencyLimited, "NotSent").await;
    let limited = FaultKind::RateLimited {
        limit: 1,
        reset_seconds: 90,
    };
    check(limited.clone(), "NotSent").await;
    let world = World::start().await;
    world.find(BOB).await.unwrap();
    world.sandbox.inject_once("GET", "*", limited);
    let Some(FailureClass::RateLimited(wait)) = failed(&world.find(BOB).await) else {
        panic!("it was not limited")
    };
    assert_eq!(wait, Duration::from_secs(90));
    let soon = Call {
        lane: Lane::ReadBack,
        deadline: Instant::now() + Duration::from_secs(5),
    };
    let (before, began) = (world.calls().len(), Instant::now());
    let again = world.directory.read(&soon, &world.target(BOB)).await;
    assert!(
        matches!(failed(&again), Some(FailureClass::RateLimited(_))),
        "{again:?}"
    );
    assert!(
        began.elapsed() < Duration::from_secs(1) && world.calls().len() == before,
        "at once, unsent"
    );
}

#[tokio::test]
async fn a_429_without_a_time_grows_with_each_in_a_row() {
    let world = World::start().await;
    world.find(BOB).await.unwrap();
    let mut waits = Vec::new();
    for _ in 0..2 {
        world
            .sandbox
            .inject_once("GET", "*/agents", FaultKind::ConcurrencyLimited);
        let Some(FailureClass::RateLimited(wait)) = failed(&world.find(BOB).await) else {
            panic!("it was not limited")
        };
        waits.push(wait);
    }
    assert!(waits[1] > waits[0], "{waits:?}");
}

#[tokio::test]
async fn a_missing_agent_and_a_wrong_version_are_told_apart() {
    let world = World::start().await;
    let gone = world.directory.find(&call(), &crate::world::by_id("424242")).await;
    assert_eq!(gone, Err(ReadFailure::NotFound));
    // Every call is a 404 then, and the probe says what to do.
    world.tenant().set_quirk(Quirk::VersionUnknown, true);
    let probe = world.directory.probe(&call()).await.unwrap_err();
    assert_eq!(probe.class, FailureClass::NeedsConfig);
    assert_eq!(failed(&world.find(BOB).await), Some(FailureClass::NeedsConfig));
    assert_eq!(failed(&world.read(BOB).await), Some(FailureClass::NeedsConfig));
}

#[tokio::test]
async fn the_reason_is_read_from_the_header_where_the_body_is_empty() {
    for in_header in [true, false] {
        let world = World::start().await;
        world.tenant().set_quirk(Quirk::ReasonInHeader, in_header);
        world.tenant().set_quirk(Quirk::LogoutRefused, true);
        let Sent::Refused(failure) = world.act(Step::RevokeSessions, BOB).await else {
            panic!("it was not refused")
        };
        assert!(failure.private.contains("The session cannot be ended"), "{failure:?}");
        assert!(
            !failure.public.contains("session cannot"),
            "the upstream's text is not for everybody"
        );
    }
}

#[tokio::test]
async fn every_call_says_that_it_takes_json() {
    // The sandbox refuses all others.
    let world = World::start().await;
    world.find(BOB).await.unwrap();
    world.tenant().set_quirk(Quirk::AcceptDemanded, false);
    world.find(BOB).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_was_not_sent_to() {
    let world = World::start().await;
    let mut spec = spec(&world.sandbox);
    spec.url = "http://127.0.0.1:1".into();
    let directory = connect(&spec).unwrap();
    let password = Secret::new(crate::world::NEW_PASSWORD.into());
    let sent = directory
        .set_password(&call(), &world.target(BOB), &password, &[])
        .await;
    assert!(matches!(sent, Sent::NotSent(why) if why.class == FailureClass::Transient(None)));
}
