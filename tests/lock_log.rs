//! A restart goes on where the System Log was left: what happened meanwhile is known, and what was known before too.

mod support;

use sandbox::{SEED_PASSWORD, SeedUser, Status};
use serde_json::Value;
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
    cause_in(&lab.list("accounts").iter().collect::<Vec<_>>(), login)
}

fn cause_in(accounts: &[&Value], login: &str) -> Option<String> {
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
    let mark = |directory: &Value| directory["status"]["lockLog"]["cursor"].as_str().map(str::to_owned);
    lab.until_one(("directory", "okta"), "a cursor to be kept", &first, mark);
    lock_out(&lab, "before@example.com");
    let known = |operator: &Operator, login: &str| {
        lab.until_all("accounts", "the lock to be explained", operator, |accounts| {
            cause_in(accounts, login).filter(|cause| cause == LIMIT)
        });
    };
    known(&first, "before@example.com");
    // The place is written again once something was new, at most twice a minute.
    first.terminate();
    let left = mark(&lab.get("directory", "okta")).expect("a cursor");
    let asked = queries(&lab).len();
    lock_out(&lab, "meanwhile@example.com");
    let second = lab.operator(&[]);
    known(&second, "meanwhile@example.com");
    let later = queries(&lab).split_off(asked);
    assert!(later.iter().all(|query| !query.contains("since=")), "{later:?}");
    assert!(left.ends_with(&later[0]), "{left} is where it went on: {later:?}");
    // What an earlier process had read is still told, on the account and on a request.
    let asked = queries(&lab).len();
    lab.until("the log to be read twice more", &second, || {
        let more = queries(&lab).len() - asked;
        (more >= 2).then_some(()).ok_or(format!("{more} times"))
    });
    assert_eq!(cause(&lab, "before@example.com").as_deref(), Some(LIMIT));
    second.terminate();
}
