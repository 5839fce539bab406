//! A restart goes on where the System Log was left: what happened meanwhile is known, and what was known before too.

mod support;

use sandbox::{SEED_PASSWORD, SeedUser, Status};
use serde_json::Value;
use std::time::Duration;
use support::{
    lab::{Lab, directory},
    stage::Operator,
};

const LIMIT: &str = "too many failed sign-ins; Okta does not end this lock by itself";

fn lock_out(lab: &Lab, login: &str) {
    let user = SeedUser::new(login, Status::Active, Some(SEED_PASSWORD));
    lab.okta.seed([user]).expect("a new login");
    for _ in 0..10 {
        lab.okta.sign_in(login, "wrong", None);
    }
}

/// What the Account objects say of a lock, by login.
fn cause(lab: &Lab, login: &str) -> Option<String> {
    let list: Value = serde_json::from_str(&lab.kubectl(&["get", "accounts", "-o", "json"])).expect("JSON");
    let accounts = list["items"].as_array().cloned().unwrap_or_default();
    let ours = accounts.iter().find(|account| account["lockout"]["login"] == login)?;
    ours["lockout"]["cause"].as_str().map(str::to_owned)
}

fn queries(lab: &Lab) -> Vec<String> {
    let calls = lab.okta.truth().into_iter().filter(|call| call.path == "/api/v1/logs");
    calls.map(|call| call.query).collect()
}

#[test]
fn a_restart_goes_on_where_the_log_was_left() {
    let Some(lab) = Lab::open() else { return };
    lab.admin(&directory("okta", &lab.okta, "  lockouts: {poll: 1s}"));
    let first = lab.operator(&[]);
    let mark = || lab.kubectl(&["get", "directory", "okta", "-o", "jsonpath={.status.lockLog.cursor}"]);
    lab.until("a cursor to be kept", &first, || (!mark().is_empty()).then_some(()));
    lock_out(&lab, "before@example.com");
    let known = |operator: &Operator, login: &str| {
        lab.until("the lock to be explained", operator, || {
            cause(&lab, login).filter(|cause| cause == LIMIT)
        });
    };
    known(&first, "before@example.com");
    // The place is written again once something was new, at most twice a minute.
    first.terminate();
    let (left, asked) = (mark(), queries(&lab).len());
    lock_out(&lab, "meanwhile@example.com");
    let second = lab.operator(&[]);
    known(&second, "meanwhile@example.com");
    let later = queries(&lab).split_off(asked);
    assert!(later.iter().all(|query| !query.contains("since=")), "{later:?}");
    assert!(left.ends_with(&later[0]), "{left} is where it went on: {later:?}");
    // What an earlier process had read is still told, on the account and on a request.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(cause(&lab, "before@example.com").as_deref(), Some(LIMIT));
    second.terminate();
}
