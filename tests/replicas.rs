//! Several operators, and ends of all kinds: one acts at a time, another finishes what one left, a stop drains, and an
//! API server that goes away under load costs nothing but time.

mod support;

use sandbox::{Latency, Status};
use serde_json::Value;
use std::time::Duration;
use support::{
    lab::{Lab, RESET, UNLOCK, audit, check, policy, reset, unlock},
    stage::{Operator, ready},
};

/// Far enough away, within what a request may live.
fn not_after() -> String {
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(2);
    let later = jiff::Timestamp::from_second(later.as_second()).expect("a time");
    format!("notAfter: '{later}'")
}

fn slow(lab: &Lab, milliseconds: u64) {
    lab.okta.set_latency(Latency {
        base_ms: milliseconds,
        spread_ms: 50,
    });
}

/// Unlocks with and without a claim, and resets.
fn mixture(lab: &Lab, name: &str, count: usize) -> (usize, usize) {
    let locked = lab.people(&format!("{name}-l"), 2 * count, Status::LockedOut);
    let active = lab.people(&format!("{name}-a"), count, Status::Active);
    let mut manifests = String::new();
    for (n, login) in locked.iter().enumerate() {
        let more = if n % 2 == 0 { String::new() } else { not_after() };
        manifests += &unlock(&format!("{name}-unlock-{n}"), login, &more);
    }
    for (n, login) in active.iter().enumerate() {
        manifests += &reset(&format!("{name}-reset-{n}"), login, "method: ChangeAtNextSignIn");
    }
    lab.create("alice", &manifests);
    (2 * count, count)
}

/// Everything ended well, and the directory's own log says the same: each account was unlocked or expired once.
fn all_well(lab: &Lab, operator: &Operator, (unlocks, resets): (usize, usize)) {
    for request in lab.all_finished(operator, UNLOCK, unlocks) {
        let status = &request["status"];
        // Without a claim nobody remembers an unlock whose sender was killed; that the lock is gone is what counts.
        let forgotten = ready(status)["reason"] == "NotLocked" && request["spec"]["notAfter"].is_null();
        let reason = if forgotten { "NotLocked" } else { "Unlocked" };
        check(status, "Succeeded", reason, "");
    }
    for request in lab.all_finished(operator, RESET, resets) {
        check(&request["status"], "Succeeded", "ChangeRequired", "");
    }
    let changed = |path: &str, field: &str| {
        let entries = lab.applied(path);
        let accounts: Vec<String> = entries
            .iter()
            .filter(|entry| entry.changes.iter().any(|change| change.field == field))
            .filter_map(|entry| entry.account.clone())
            .collect();
        let mut unique = accounts.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(accounts.len(), unique.len(), "{path} changed an account twice");
        unique.len()
    };
    assert_eq!(changed("/lifecycle/unlock", "status"), unlocks);
    assert_eq!(changed("/lifecycle/expire_password", "status"), resets);
}

fn open_claims<'a>(accounts: impl IntoIterator<Item = &'a Value>) -> Vec<Value> {
    let ledgers = accounts.into_iter().filter_map(|account| account["ledger"].as_array());
    let open = ledgers.flatten().filter(|entry| entry["claim"].is_object());
    open.cloned().collect()
}

#[track_caller]
fn all_closed(lab: &Lab, operator: &Operator) {
    lab.until_all("accounts", "every entry to be closed", operator, |accounts| {
        open_claims(accounts.iter().copied()).is_empty().then_some(())
    });
}

fn acted(operator: &Operator) -> usize {
    audit(operator).iter().filter(|line| line["event"] == "send").count()
}

#[track_caller]
fn has_begun(lab: &Lab, operator: &Operator) {
    lab.until("the operator to act", operator, || {
        let done = lab.applied("/lifecycle/unlock").len();
        (done > 2).then_some(()).ok_or(format!("{done} unlocks"))
    });
}

fn permissive(lab: &Lab) {
    lab.admin(&policy("desk", "Unlock, ResetPassword", ""));
}

#[test]
fn one_acts_and_another_finishes_what_a_killed_one_left() {
    let Some(lab) = Lab::open() else { return };
    permissive(&lab);
    let leader = lab.operator(&[]);
    let other = Operator::start(lab.plane, &[]);
    lab.until("the other to be ready", &other, || {
        let said = other.http("/readyz");
        said.starts_with("ready").then_some(()).ok_or(said)
    });
    slow(&lab, 300);
    let counts = mixture(&lab, "kill", 6);
    has_begun(&lab, &leader);
    assert_eq!(acted(&other), 0, "a replica without the lease acted");
    leader.kill();
    assert!(
        !open_claims(&lab.list("accounts")).is_empty(),
        "the kill came too late to leave anything"
    );
    all_well(&lab, &other, counts);
    assert!(acted(&other) > 0);
    all_closed(&lab, &other);
}

#[test]
fn a_stop_drains_and_leaves_nothing_open() {
    let Some(lab) = Lab::open() else { return };
    permissive(&lab);
    let operator = lab.operator(&[]);
    slow(&lab, 400);
    let counts = mixture(&lab, "stop", 6);
    lab.until("the operator to act under claims", &operator, || {
        let claimed = audit(&operator).iter().filter(|line| line["event"] == "claim").count();
        let acted = acted(&operator);
        let begun = claimed > 2 && acted > 2;
        begun.then_some(()).ok_or(format!("{claimed} claims, {acted} sends"))
    });
    let status = operator.terminate();
    assert_eq!(status.code(), Some(0), "{}", operator.tail());
    let ledgers = lab.list("accounts");
    assert_eq!(open_claims(&ledgers), Vec::<Value>::new(), "{}", operator.tail());
    assert!(!ledgers.is_empty());
    // What was not begun is left to the next one.
    let next = lab.operator(&[]);
    all_well(&lab, &next, counts);
}

#[test]
fn an_api_server_that_goes_away_under_load_costs_time_only() {
    let Some(lab) = Lab::open() else { return };
    permissive(&lab);
    // The lease cannot be renewed meanwhile; a process that lost it ends, and in a cluster it is started again.
    let operator = lab.operator(&[("READMIT_LEASE", "false")]);
    slow(&lab, 200);
    let counts = mixture(&lab, "away", 10);
    has_begun(&lab, &operator);
    // Killed: an orderly stop would wait for the watches.
    lab.plane.signal_api_server("KILL").expect("killed");
    lab.plane.stop_api_server().expect("stopped");
    std::thread::sleep(Duration::from_secs(2));
    lab.plane.start_api_server().expect("started");
    all_well(&lab, &operator, counts);
    all_closed(&lab, &operator);
}
