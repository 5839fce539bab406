//! What becomes of a call when something goes wrong, and that it is sent once.

use crate::world::{World, call, connect, failed, login, secret_ref, spec};
use readmit::{
    api::{common::AccountSelector, provider::ServiceNowProvider},
    directory::{Call, Directory, Lane, servicenow::ServiceNow},
    domain::account::{AccountRead, FailureClass, ReadFailure, Sent, Step},
};
use sandbox::servicenow::{Quirk, RateRule};
use sandbox::{Fault, FaultKind};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The steps that are a write.
const STEPS: [Step; 3] = [Step::Unlock, Step::SetPassword, Step::RequireChange];

/// A server that answers everything alike, and the provider that talks to it.
pub struct Parrot {
    pub directory: ServiceNow,
    task: tokio::task::JoinHandle<()>,
}

impl Parrot {
    pub async fn find(&self, key: AccountSelector) -> Result<AccountRead, ReadFailure> {
        self.directory.find(&call(), &key).await
    }
}

impl Drop for Parrot {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub async fn answering(status: u16, kind: &str, body: &str) -> Parrot {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let spec = ServiceNowProvider {
        username: Some("readmit".into()),
        password_secret_ref: secret_ref(),
        ..spec(&url)
    };
    Parrot {
        directory: connect(&spec, "secret", None).unwrap(),
        task,
    }
}

/// Every step meets this fault; each comes to this word and arrived once.
async fn check(fault: FaultKind, expected: &str) {
    for step in STEPS {
        let world = World::start().await;
        world.sandbox.inject(Fault::always("PATCH", "*", fault.clone()));
        let sent = world.act(step, "ada.byte").await;
        assert_eq!(sent.as_str(), expected, "{step:?} under {fault:?}: {sent:?}");
        assert_eq!(world.writes().len(), 1, "{step:?} under {fault:?} is sent once");
    }
}

fn status(status: u16) -> FaultKind {
    FaultKind::Status { status, body: None }
}

#[tokio::test]
async fn a_202_is_no_success_and_nothing_was_done() {
    for step in STEPS {
        let world = World::with(&[Quirk::QueueOverflow202]).await;
        let sent = world.act(step, "ada.byte").await;
        assert!(
            matches!(&sent, Sent::NotSent(why) if matches!(why.class, FailureClass::RateLimited(_))),
            "{sent:?}"
        );
        assert_eq!(world.user("ada.byte")["locked_out"], "true");
    }
}

#[tokio::test]
async fn what_broke_leaves_it_unknown_whether_or_not_it_was_applied() {
    check(FaultKind::ErrorApplied, "Unknown").await;
    check(FaultKind::ErrorNotApplied, "Unknown").await;
    check(FaultKind::Unavailable, "Unknown").await;
    for code in [408, 499, 502, 503, 504] {
        check(status(code), "Unknown").await;
    }
}

#[tokio::test]
async fn a_lost_reply_leaves_it_unknown() {
    check(FaultKind::ReplyLostBeforeCommit, "Unknown").await;
    check(FaultKind::ReplyLostAfterCommit, "Unknown").await;
}

#[tokio::test]
async fn refusals_are_refused() {
    for code in [400, 403, 404, 405, 406, 409, 415, 302] {
        check(status(code), "Refused").await;
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let away = FaultKind::Redirect {
        location: "https://elsewhere.example/".into(),
    };
    check(away, "Refused").await;
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_leaves_it_unknown() {
    check(FaultKind::MalformedJson, "Unknown").await;
    check(FaultKind::HugeBody { bytes: 2 << 20 }, "Unknown").await;
    let kind = FaultKind::WrongContentType {
        content_type: "text/html".into(),
    };
    check(kind, "Unknown").await;
}

#[tokio::test]
async fn an_error_beside_the_result_is_not_a_result() {
    let world = World::with(&[Quirk::ErrorBesideResult]).await;
    assert_eq!(
        failed(&world.find(login("ada.byte")).await),
        Some(FailureClass::Transient(None))
    );
    assert_eq!(world.act(Step::Unlock, "ada.byte").await.as_str(), "Unknown");
}

#[tokio::test]
async fn a_page_of_a_hibernating_instance_is_no_answer() {
    let world = World::with(&[Quirk::Hibernating]).await;
    let found = world.find(login("ada.byte")).await;
    assert_eq!(
        failed(&found),
        Some(FailureClass::Transient(Some(Duration::from_secs(60))))
    );
    assert_eq!(world.act(Step::Unlock, "ada.byte").await.as_str(), "Unknown");
}

#[tokio::test]
async fn a_page_under_404_is_a_wrong_url() {
    let parrot = answering(404, "text/html", "<html>").await;
    assert_eq!(
        failed(&parrot.find(login("ada.byte")).await),
        Some(FailureClass::NeedsConfig)
    );
    let parrot = answering(404, "application/json", "{}").await;
    assert_eq!(parrot.find(login("ada.byte")).await, Err(ReadFailure::NotFound));
}

#[tokio::test]
async fn an_answer_of_another_shape_is_told_and_not_guessed() {
    for body in [
        "[]",
        "{}",
        r#"{"result":{}}"#,
        r#"{"result":[1]}"#,
        r#"{"result":[{"user_name":"ada.byte"}]}"#,
    ] {
        let parrot = answering(200, "application/json;charset=UTF-8", body).await;
        let found = parrot.find(login("ada.byte")).await;
        assert!(failed(&found).is_some(), "{body}: {found:?}");
    }
}

#[tokio::test]
async fn an_empty_list_is_asked_of_version_two_where_it_is_no_404() {
    let world = World::start().await;
    assert_eq!(world.find(login("nobody.here")).await, Err(ReadFailure::NotFound));
    assert!(
        world
            .calls()
            .iter()
            .all(|entry| entry.status == Some(200) && entry.path.starts_with("/api/now/v2/"))
    );
}

#[tokio::test]
async fn a_rate_limit_was_not_sent_and_stops_every_lane_for_as_long_as_it_says() {
    let limited = FaultKind::RateLimited {
        limit: 100,
        reset_seconds: 1260,
    };
    check(limited.clone(), "NotSent").await;
    let world = World::start().await;
    world.sandbox.inject_once("GET", "*", limited);
    let Some(FailureClass::RateLimited(wait)) = failed(&world.find(login("bob.ross")).await) else {
        panic!("it was not limited")
    };
    assert_eq!(wait, Duration::from_secs(1260));
    let soon = Call {
        lane: Lane::ReadBack,
        deadline: Instant::now() + Duration::from_secs(5),
    };
    let began = Instant::now();
    let again = world.directory.read(&soon, &world.target("bob.ross")).await;
    assert!(
        matches!(failed(&again), Some(FailureClass::RateLimited(_))),
        "{again:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(1), "at once");
    assert_eq!(world.calls().len(), 1);
}

#[tokio::test]
async fn a_semaphore_that_is_full_is_waited_for_briefly() {
    check(FaultKind::ConcurrencyLimited, "NotSent").await;
    for plain in [true, false] {
        let world = World::start().await;
        world.instance().set_quirk(Quirk::SemaphorePlain429, plain);
        world.sandbox.inject_once("GET", "*", FaultKind::ConcurrencyLimited);
        let found = failed(&world.find(login("bob.ross")).await);
        let briefly = Duration::from_millis(500)..=Duration::from_secs(1);
        assert!(
            matches!(found, Some(FailureClass::RateLimited(wait)) if briefly.contains(&wait)),
            "{found:?}"
        );
        let began = Instant::now();
        assert!(world.find(login("bob.ross")).await.is_ok());
        assert!(began.elapsed() >= *briefly.start(), "waited for");
    }
}

#[tokio::test]
async fn headers_of_a_rate_rule_without_remaining_do_not_stop_anything() {
    let world = World::start().await;
    world.instance().configure(|settings| {
        settings.rate_rules = vec![RateRule {
            id: "rule1".into(),
            table: None,
            per_hour: 1000,
        }];
    });
    for _ in 0..3 {
        assert!(world.find(login("bob.ross")).await.is_ok());
    }
}

#[tokio::test]
async fn a_rate_rule_that_counts_late_is_believed_once_it_bites() {
    let world = World::with(&[Quirk::RateCountsLate]).await;
    world.instance().configure(|settings| {
        settings.rate_rules = vec![RateRule {
            id: "rule1".into(),
            table: None,
            per_hour: 10,
        }];
    });
    for _ in 0..6 {
        assert!(world.find(login("bob.ross")).await.is_ok());
    }
    assert!(world.calls().len() > 10, "more than the rule allows");
    world.sandbox.advance(31_000);
    let Some(FailureClass::RateLimited(wait)) = failed(&world.find(login("bob.ross")).await) else {
        panic!("it was not limited")
    };
    assert!((3560..=3570).contains(&wait.as_secs()), "until the hour ends: {wait:?}");
    let before = world.calls().len();
    let soon = Call {
        deadline: Instant::now() + Duration::from_secs(5),
        ..call()
    };
    let again = world.directory.read(&soon, &world.target("bob.ross")).await;
    assert!(
        matches!(failed(&again), Some(FailureClass::RateLimited(_))),
        "{again:?}"
    );
    assert_eq!(world.calls().len(), before, "nothing more is sent until then");
}

#[tokio::test]
async fn every_call_names_its_media_types() {
    // The sandbox refuses all others with 400, 406 or 415.
    let world = World::start().await;
    assert!(world.find(login("bob.ross")).await.is_ok());
    for step in STEPS {
        assert_eq!(world.act(step, "ada.byte").await, Sent::Done, "{step:?}");
    }
    assert!(world.calls().iter().all(|entry| entry.status == Some(200)));
}

/// However often it was overloaded before: an answer in between begins anew.
#[tokio::test]
async fn an_overload_that_is_over_does_not_lengthen_the_next_one() {
    let world = World::start().await;
    for round in 0..3 {
        world.sandbox.inject_once("GET", "*", FaultKind::ConcurrencyLimited);
        let found = failed(&world.find(login("bob.ross")).await);
        assert!(
            matches!(found, Some(FailureClass::RateLimited(wait)) if wait <= Duration::from_secs(1)),
            "{round}: {found:?}"
        );
        assert!(world.find(login("bob.ross")).await.is_ok(), "after a second");
    }
}

#[tokio::test]
async fn a_late_commit_is_not_waited_for() {
    let world = World::start().await;
    world
        .sandbox
        .inject_once("PATCH", "*", FaultKind::LateCommit { ms: 300 });
    assert_eq!(world.act(Step::Unlock, "ada.byte").await.as_str(), "Unknown");
    assert_eq!(world.user("ada.byte")["locked_out"], "true");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.user("ada.byte")["locked_out"], "false");
}

#[tokio::test]
async fn a_server_that_is_not_there_was_not_sent_to() {
    let world = World::start().await;
    let spec = ServiceNowProvider {
        username: Some("readmit".into()),
        ..spec("http://127.0.0.1:1")
    };
    let directory = connect(&spec, "secret", None).unwrap();
    let sent = directory.unlock(&call(), &world.target("ada.byte")).await;
    assert!(matches!(sent, Sent::NotSent(why) if why.class == FailureClass::Transient(None)));
}
