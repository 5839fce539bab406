//! Limits on one account, whatever comes at once and whoever forgets: many requests, several operators, deletions,
//! restarts.

mod support;

use jiff::{SignedDuration, Timestamp};
use sandbox::{SEED_PASSWORD, SeedUser, Status};
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};
use support::{
    lab::{Lab, RESET, UNLOCK, audit, check, directory, policy, request, reset, unlock},
    stage::{Operator, ready},
};

/// Both act at once: nothing but the claims keeps them apart.
const NO_LEASE: &[(&str, &str)] = &[("READMIT_LEASE", "false")];

fn reason(request: &Value) -> &str {
    ready(&request["status"])["reason"].as_str().unwrap_or_default()
}

fn uid(request: &Value) -> String {
    request["metadata"]["uid"].as_str().expect("a uid").to_owned()
}

/// The uids of requests for which an operator sent a reset link and was told that it was done.
fn effects(operators: &[&Operator]) -> Vec<String> {
    let lines = operators.iter().flat_map(|operator| audit(operator));
    let done = lines.filter(|line| line["event"] == "result" && line["step"] == "SendLink" && line["result"] == "Done");
    done.map(|line| line["request"]["uid"].as_str().expect("a uid").to_owned())
        .collect()
}

/// The time that a wait for a limit names.
fn next_time(request: &Value) -> Timestamp {
    let message = ready(&request["status"])["message"].as_str().unwrap_or_default();
    let time = message
        .rsplit("the next is possible at ")
        .next()
        .and_then(|time| time.parse().ok());
    time.unwrap_or_else(|| panic!("no time in {message:?}"))
}

/// As many resets of one account at once, from two namespaces, to two operators without a lease: `effective` of them
/// have an effect, each once and said so, and all others wait for the limit.
fn storm(lab: &Lab, operators: &[&Operator], login: &str, count: usize, policies: [&str; 2], effective: usize) {
    // All become due at once: when the Directory is not suspended any more.
    lab.suspend(true);
    std::thread::scope(|scope| {
        for (namespace, policy, person) in [("default", policies[0], "alice"), ("team-a", policies[1], "bob")] {
            scope.spawn(move || {
                let more = format!("policy: {policy}");
                let one = |n| request("PasswordResetRequest", (namespace, &format!("storm-{n}")), login, &more);
                lab.create(person, &(0..count / 2).map(one).collect::<String>());
            });
        }
    });
    lab.until_all(RESET, "everything to wait", operators[0], |all| {
        let all_wait = all.len() == count && all.iter().all(|request| reason(request) == "Suspended");
        all_wait.then_some(())
    });
    lab.suspend(false);
    let await_settled = || {
        lab.until_all(RESET, "everything to be decided", operators[0], |all| {
            let decided =
                |request: &&Value| request["status"]["outcome"].is_string() || reason(request) == "LimitReached";
            let settled = all.len() == count && all.iter().all(decided);
            settled.then(|| all.iter().copied().cloned().collect::<Vec<Value>>())
        })
    };
    await_settled();
    // What is decided stays so: nobody finds room that is not there. Till the last claim is closed in the ledger, seconds
    // after its request has ended, an operator that has not executed it says that the account is busy, and may write so
    // over what the other one says.
    std::thread::sleep(Duration::from_secs(6));
    let all = await_settled();
    let (ended, waiting): (Vec<&Value>, Vec<&Value>) =
        all.iter().partition(|request| request["status"]["outcome"].is_string());
    let mails = lab.okta.mails().iter().filter(|mail| mail.to == login).count();
    let sent = lab.applied("/lifecycle/reset_password");
    assert_eq!((sent.len(), mails), (effective, effective), "{ended:#?}");
    assert_eq!((ended.len(), waiting.len()), (effective, count - effective));
    for request in &ended {
        check(&request["status"], "Succeeded", "LinkSent", "");
    }
    let said: BTreeSet<String> = ended.iter().map(|request| uid(request)).collect();
    let done = effects(operators);
    assert_eq!(done.len(), effective, "one effect for each: {done:?}");
    assert_eq!(said, done.into_iter().collect(), "outcome and truth differ");
    let first = ended
        .iter()
        .map(|request| time(&request["metadata"]["creationTimestamp"]))
        .min();
    let next = first.expect("one has ended") + SignedDuration::from_hours(24);
    for request in waiting {
        let named = next_time(request).duration_since(next);
        assert!(
            named >= SignedDuration::ZERO && named < SignedDuration::from_mins(2),
            "{request:#}"
        );
    }
}

fn time(value: &Value) -> Timestamp {
    value.as_str().and_then(|time| time.parse().ok()).expect("a time")
}

fn person(lab: &Lab) -> String {
    let login = "storm@example.com".to_owned();
    lab.okta
        .seed([SeedUser::new(&login, Status::Active, Some(SEED_PASSWORD))])
        .expect("a user");
    login
}

#[test]
fn three_resets_a_day_whatever_comes_at_once_and_whoever_forgets() {
    let Some(lab) = Lab::open() else { return };
    let login = person(&lab);
    lab.admin(&policy("desk", "ResetPassword", ""));
    let (first, second) = (lab.operator(NO_LEASE), lab.operator(NO_LEASE));
    storm(&lab, &[&first, &second], &login, 50, ["desk", "desk"], 3);

    // The limit is in the account's ledger, not in the requests or in anybody's memory.
    for namespace in ["default", "team-a"] {
        lab.kubectl(&["delete", RESET, "--all", "-n", namespace]);
    }
    lab.create("alice", &reset("after-deletion", &login, ""));
    lab.waits(&first, RESET, "after-deletion", "LimitReached");
    first.kill();
    second.kill();
    let third = lab.operator(&[]);
    lab.create("alice", &reset("after-restart", &login, ""));
    lab.waits(&third, RESET, "after-restart", "LimitReached");
    let fourth = lab.operator(NO_LEASE);
    lab.create("alice", &reset("second-replica", &login, ""));
    lab.waits(&fourth, RESET, "second-replica", "LimitReached");
    assert_eq!(lab.applied("/lifecycle/reset_password").len(), 3);
}

#[test]
fn the_directory_limits_over_all_policies() {
    let Some(lab) = Lab::open() else { return };
    let login = person(&lab);
    lab.admin(&directory(
        "okta",
        &lab.okta,
        "  limits: [{actions: [ResetPassword], max: 4, per: 24h}]",
    ));
    lab.admin(&(policy("berlin", "ResetPassword", "") + &policy("lisbon", "ResetPassword", "")));
    let (first, second) = (lab.operator(NO_LEASE), lab.operator(NO_LEASE));
    storm(&lab, &[&first, &second], &login, 20, ["berlin", "lisbon"], 4);
    let whose = |request: &Value| ready(&request["status"])["message"].as_str().map(str::to_owned);
    let messages: Vec<String> = lab.list(RESET).iter().filter_map(whose).collect();
    assert!(
        messages
            .iter()
            .any(|message| message.contains("the Directory's limit of 4")),
        "{messages:?}"
    );
}

#[test]
fn an_unlock_under_a_limit_goes_through_a_claim() {
    let Some(lab) = Lab::open() else { return };
    let login = lab.people("lim", 1, Status::LockedOut).remove(0);
    lab.admin(&policy(
        "desk",
        "Unlock",
        "limits: [{actions: [Unlock], max: 1, per: 1h}]",
    ));
    let operator = lab.operator(&[]);
    lab.create("alice", &unlock("one", &login, ""));
    let status = lab.finished(&operator, UNLOCK, "one");
    check(&status, "Succeeded", "Unlocked", "");
    let ledger = lab.get("accounts", status["account"]["ref"].as_str().expect("an Account"));
    assert_eq!(ledger["ledger"][0]["action"], "Unlock", "{ledger:#}");
    // An account that is not locked needs nothing, whatever the limit.
    lab.create("alice", &unlock("not-locked", &login, ""));
    check(
        &lab.finished(&operator, UNLOCK, "not-locked"),
        "Succeeded",
        "NotLocked",
        "",
    );
    lab.okta.lock(&login).expect("locked");
    lab.create("alice", &unlock("two", &login, ""));
    let waits = lab.waits(&operator, UNLOCK, "two", "LimitReached");
    check(&waits, "", "LimitReached", "policy desk's limit of 1 in 1h");
    assert_eq!(lab.applied("/lifecycle/unlock").len(), 1);
}

#[test]
fn an_empty_list_switches_limits_off() {
    let Some(lab) = Lab::open() else { return };
    let login = person(&lab);
    lab.admin(&policy("desk", "ResetPassword, Unlock", "limits: []"));
    let operator = lab.operator(&[]);
    for n in 1..=5 {
        let name = format!("reset-{n}");
        lab.create("alice", &reset(&name, &login, ""));
        check(&lab.finished(&operator, RESET, &name), "Succeeded", "LinkSent", "");
    }
    assert_eq!(lab.applied("/lifecycle/reset_password").len(), 5);
}
