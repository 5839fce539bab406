//! What becomes of a call when something goes wrong, and that it is sent once.

use crate::world::{World, call, connect, login};
use readmit::{
    directory::{Directory, Lane},
    domain::account::{FailureClass, ReadFailure, Sent, Step},
};
use sandbox::{Fault, FaultKind};
use serde_json::json;
use std::time::{Duration, Instant};

/// Every step meets this fault once; answers each step's word, and how often it arrived.
async fn struck(fault: FaultKind) -> Vec<(Step, Sent)> {
    let mut results = Vec::new();
    for step in Step::ALL {
        let world = World::start().await;
        world.read("bob@example.com").await.unwrap();
        let account = if step == Step::Unlock {
            "alice@example.com"
        } else {
            "bob@example.com"
        };
        let method = if step == Step::RevokeSessions { "DELETE" } else { "POST" };
        world.sandbox.inject(Fault::always(method, "*", fault.clone()));
        let sent = world.act(step, account).await;
        assert_eq!(world.writes().len(), 1, "{step:?} under {fault:?} is sent once");
        results.push((step, sent));
    }
    results
}

/// All steps come to the same.
async fn check(fault: FaultKind, expected: &str) {
    for (step, sent) in struck(fault.clone()).await {
        assert_eq!(sent.as_str(), expected, "{step:?} under {fault:?}: {sent:?}");
    }
}

fn status(status: u16, code: &str) -> FaultKind {
    let body =
        (!code.is_empty()).then(|| json!({"errorCode": code, "errorSummary": "x", "errorId": "oae1"}).to_string());
    FaultKind::Status { status, body }
}

#[tokio::test]
async fn a_500_leaves_it_unknown_whether_or_not_it_was_applied() {
    check(FaultKind::ErrorApplied, "Unknown").await;
    check(FaultKind::ErrorNotApplied, "Unknown").await;
}

#[tokio::test]
async fn a_broken_gateway_leaves_it_unknown() {
    for code in [500, 502, 503, 504, 408] {
        check(status(code, ""), "Unknown").await;
    }
}

#[tokio::test]
async fn a_lost_reply_leaves_it_unknown() {
    check(FaultKind::ReplyLostBeforeCommit, "Unknown").await;
    check(FaultKind::ReplyLostAfterCommit, "Unknown").await;
}

#[tokio::test]
async fn a_rate_limit_was_not_sent() {
    let limited = FaultKind::RateLimited {
        limit: 600,
        reset_seconds: 20,
    };
    check(limited, "NotSent").await;
    check(FaultKind::ConcurrencyLimited, "NotSent").await;
    check(status(429, ""), "NotSent").await;
}

#[tokio::test]
async fn refusals_are_refused() {
    for (code, error) in [
        (400, "E0000001"),
        (403, "E0000006"),
        (403, "E0000014"),
        (409, "E0000112"),
        (423, "E0000239"),
        (501, "E0000060"),
        (503, "E0000010"),
        (403, ""),
        (404, ""),
    ] {
        check(status(code, error), "Refused").await;
    }
}

#[tokio::test]
async fn a_redirect_is_refused_and_not_followed() {
    let away = FaultKind::Redirect {
        location: "https://elsewhere.example/".into(),
    };
    check(away, "Refused").await;
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_leaves_it_unknown_where_the_body_matters() {
    for fault in [FaultKind::MalformedJson, FaultKind::HugeBody { bytes: 2 << 20 }] {
        for (step, sent) in struck(fault.clone()).await {
            let expected = match step {
                // Their success has no body.
                Step::Unlock | Step::RevokeSessions => "Done",
                Step::SetPassword | Step::SendLink | Step::RequireChange => "Unknown",
            };
            assert_eq!(sent.as_str(), expected, "{step:?} under {fault:?}: {sent:?}");
        }
    }
}

#[tokio::test]
async fn a_link_in_the_answer_was_not_mailed_and_goes_nowhere() {
    let world = World::start().await;
    let link = json!({"resetPasswordUrl": "https://example.okta.com/signin/reset-password/s3cret"});
    let handed_out = FaultKind::Status {
        status: 200,
        body: Some(link.to_string()),
    };
    world.sandbox.inject_once("POST", "*", handed_out);
    let sent = world.act(Step::SendLink, "bob@example.com").await;
    assert_eq!(sent.as_str(), "Unknown");
    assert!(!format!("{sent:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_good_status_about_somebody_else_is_not_done() {
    let world = World::start().await;
    let other = FaultKind::Status {
        status: 200,
        body: Some(json!({"id": "00uSomebodyElse"}).to_string()),
    };
    world.sandbox.inject(Fault::always("POST", "*", other));
    for step in [Step::SetPassword, Step::RequireChange] {
        assert_eq!(world.act(step, "bob@example.com").await.as_str(), "Unknown", "{step:?}");
    }
}

#[tokio::test]
async fn a_slow_answer_leaves_it_unknown_and_is_not_waited_for_longer_than_the_timeout() {
    let world = World::start().await;
    let okta = connect(
        &world.sandbox.addresses().http,
        sandbox::ADMIN_TOKEN,
        None,
        Duration::from_millis(300),
        false,
    );
    world
        .sandbox
        .inject_once("POST", "*", FaultKind::LateCommit { ms: 600 });
    world
        .sandbox
        .inject_once("DELETE", "*", FaultKind::LatencyAfterCommit { ms: 2000 });
    let (okta, bob) = (okta.unwrap(), world.target("bob@example.com"));
    assert_eq!(okta.send_reset_link(&call(), &bob).await.as_str(), "Unknown");
    let began = Instant::now();
    assert_eq!(okta.revoke_sessions(&call(), &bob).await.as_str(), "Unknown");
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_server_that_is_not_there_was_not_sent_to() {
    let world = World::start().await;
    let okta = connect("http://127.0.0.1:1", "t", None, Duration::from_secs(1), false).unwrap();
    let sent = okta.unlock(&call(), &world.target("alice@example.com")).await;
    assert!(matches!(sent, Sent::NotSent(f) if f.class == FailureClass::Transient(None)));
}

#[tokio::test]
async fn several_broken_answers_open_the_circuit() {
    let world = World::start().await;
    world.sandbox.inject(Fault::always("POST", "*", FaultKind::Unavailable));
    for _ in 0..5 {
        world.act(Step::Unlock, "alice@example.com").await;
    }
    let sent = world.act(Step::Unlock, "alice@example.com").await;
    assert!(
        matches!(&sent, Sent::NotSent(f) if matches!(f.class, FailureClass::Transient(Some(_)))),
        "{sent:?}"
    );
    assert_eq!(world.writes().len(), 5);
}

#[tokio::test]
async fn a_rate_limit_stops_every_lane_until_the_reset() {
    let world = World::start().await;
    let limited = FaultKind::RateLimited {
        limit: 600,
        reset_seconds: 20,
    };
    world.sandbox.inject_once("GET", "*", limited);
    let Err(ReadFailure::Failed(first)) = world.read("bob@example.com").await else {
        panic!("not limited")
    };
    let FailureClass::RateLimited(after) = first.class else {
        panic!("{first:?}")
    };
    assert!((18..=23).contains(&after.as_secs()), "{after:?}");
    let soon = readmit::directory::Call {
        lane: Lane::ReadBack,
        deadline: Instant::now() + Duration::from_secs(5),
    };
    let began = Instant::now();
    let again = world.okta.read(&soon, &world.target("bob@example.com")).await;
    assert!(matches!(again, Err(ReadFailure::Failed(f)) if matches!(f.class, FailureClass::RateLimited(_))));
    assert!(began.elapsed() < Duration::from_secs(1), "at once");
    assert_eq!(world.calls().len(), 1);
}

#[tokio::test]
async fn a_concurrency_limit_is_not_taken_at_its_word() {
    let world = World::start().await;
    world.sandbox.inject_once("GET", "*", FaultKind::ConcurrencyLimited);
    let Err(ReadFailure::Failed(failure)) = world.read("bob@example.com").await else {
        panic!("not limited")
    };
    let FailureClass::RateLimited(after) = failure.class else {
        panic!("{failure:?}")
    };
    assert!(after <= Duration::from_secs(1), "its reset is a hint only: {after:?}");
    assert!(world.read("bob@example.com").await.is_ok(), "after a second");
}

#[tokio::test]
async fn low_budgets_of_the_organisation_are_left_alone() {
    let world = World::start().await;
    world.sandbox.configure(|settings| {
        settings.rate_limits.limits.insert("GET /api/v1/users/{id}".into(), 20);
        settings.rate_limits.token_share = 100;
    });
    let mut refused = 0;
    for _ in 0..25 {
        let soon = readmit::directory::Call {
            lane: Lane::Person,
            deadline: Instant::now() + Duration::from_secs(2),
        };
        refused += u32::from(world.okta.read(&soon, &world.target("bob@example.com")).await.is_err());
    }
    assert!(refused >= 5, "{refused}");
    assert!(
        world.calls().iter().all(|entry| entry.status != Some(429)),
        "the limit itself is never met"
    );
}

#[tokio::test]
async fn reads_that_make_no_sense_are_told_and_not_guessed() {
    for fault in [
        FaultKind::MalformedJson,
        FaultKind::HugeBody { bytes: 2 << 20 },
        FaultKind::ReplyLostAfterCommit,
        FaultKind::ErrorApplied,
        FaultKind::Status {
            status: 200,
            body: Some("<html>".into()),
        },
        FaultKind::Status {
            status: 404,
            body: Some("<html>".into()),
        },
        FaultKind::Redirect {
            location: "https://elsewhere.example/".into(),
        },
    ] {
        let world = World::start().await;
        world
            .sandbox
            .inject(Fault::always("GET", "/api/v1/users*", fault.clone()));
        for key in [login("bob@example.com"), login("team/oscar@example.com")] {
            let found = world.find(key).await;
            assert!(matches!(found, Err(ReadFailure::Failed(_))), "{fault:?}: {found:?}");
        }
    }
}
