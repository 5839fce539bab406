//! An Okta that is slow, full or talks nonsense: the request waits, says so, and goes on by itself.

use crate::support::{
    org::{Org, check, says},
    stage::stage,
};
use sandbox::{Fault, FaultKind};

const LOGIN: &str = "alice@example.com";

fn org(name: &str) -> Option<Org> {
    Some(Org::start(stage()?, name))
}

fn ask(org: &Org) {
    org.stage
        .create("bob", &org.unlock(&org.name, &format!("{{login: {LOGIN}}}")));
}

/// Waits for this reason, and gives the message's status.
fn waits(org: &Org, reason: &str, message: &str) {
    let status = org.stage.waits("aur", &org.name, reason);
    says(&status, reason, message);
    assert!(status["outcome"].is_null(), "{status:#}");
}

const LIMITED: FaultKind = FaultKind::RateLimited {
    limit: 600,
    reset_seconds: 4,
};

#[test]
fn a_write_that_meets_a_rate_limit_waits_and_is_sent_once() {
    let Some(org) = org("full-write") else { return };
    org.strike("POST", LOGIN, "/lifecycle/unlock", LIMITED);
    ask(&org);
    waits(&org, "RateLimited", "rate limit");
    let status = org.stage.finished("aur", &org.name);
    check(&status, "Succeeded", "Unlocked", "");
    let answers: Vec<_> = org
        .writes(LOGIN)
        .iter()
        .map(|call| (call.status, call.applied))
        .collect();
    assert_eq!(answers, [(Some(429), false), (Some(200), true)]);
}

#[test]
fn a_reset_that_meets_a_rate_limit_is_sent_once_and_charged_once() {
    let Some(org) = org("full-reset") else { return };
    let path = "/lifecycle/reset_password";
    org.strike("POST", LOGIN, path, LIMITED);
    let status = org.is_reset(&org.name, LOGIN, "Link");
    check(&status, "Succeeded", "LinkSent", "");
    let writes = org.writes(LOGIN).into_iter().filter(|call| call.path.ends_with(path));
    let answers: Vec<_> = writes.map(|call| (call.status, call.applied)).collect();
    assert_eq!(answers, [(Some(429), false), (Some(200), true)]);
    assert_eq!(org.sandbox.mails().len(), 1);
    let account = status["account"]["ref"].as_str().expect("a ledger");
    let ledger = &org.stage.get("account", "default", account)["ledger"];
    assert_eq!(ledger.as_array().map(Vec::len), Some(1), "{ledger:#}");
}

#[test]
fn a_read_that_meets_a_rate_limit_waits() {
    let Some(org) = org("full-read") else { return };
    org.sandbox.inject_once("GET", "/api/v1/users/alice*", LIMITED);
    ask(&org);
    waits(&org, "RateLimited", "rate limit");
    check(&org.stage.finished("aur", &org.name), "Succeeded", "Unlocked", "");
}

#[track_caller]
fn reads_are(name: &str, fault: FaultKind) {
    let Some(org) = org(name) else { return };
    org.sandbox.inject(Fault::always("GET", "/api/v1/users/alice*", fault));
    ask(&org);
    waits(&org, "DirectoryUnavailable", "");
    assert!(org.writes(LOGIN).is_empty());
    org.sandbox.clear_faults();
    check(&org.stage.finished("aur", &org.name), "Succeeded", "Unlocked", "");
    assert_eq!(org.written(LOGIN), ["POST /lifecycle/unlock"]);
}

#[test]
fn an_answer_that_breaks_off_is_asked_for_again() {
    reads_are("broken-malformed", FaultKind::MalformedJson);
}

#[test]
fn an_answer_without_an_end_is_asked_for_again() {
    reads_are("broken-huge", FaultKind::HugeBody { bytes: 64 << 20 });
}

#[test]
fn an_answer_that_never_ends_in_time_is_asked_for_again() {
    reads_are("broken-slow", FaultKind::SlowBody { ms_per_byte: 500 });
}

#[test]
fn a_page_of_html_is_not_taken_for_an_account() {
    let page = FaultKind::Status {
        status: 200,
        body: Some("<html>sign in</html>".into()),
    };
    reads_are("broken-page", page);
}

#[test]
fn an_unavailable_okta_is_asked_again() {
    let unavailable = FaultKind::Status {
        status: 503,
        body: None,
    };
    reads_are("broken-503", unavailable);
}
