//! How many calls to the API server a request costs, counted by the API server itself.

mod support;

use sandbox::Status;
use serde_json::{Value, json};
use std::time::Duration;
use support::{
    lab::{Lab, RESET, UNLOCK, policy, reset, unlock},
    stage::Operator,
};
use testkit::control_plane::calls::Calls;

const GROUP: &str = "readmit.dev";
const COUNT: usize = 20;
/// Longer than a closed ledger entry waits for another write to ride on.
const CLOSED: Duration = Duration::from_secs(8);

/// What the API server counted so far in our group.
fn counted(lab: &Lab) -> Calls {
    lab.plane.calls(GROUP).expect("metrics")
}

/// What is new since then, without what the test itself asks for.
fn since(lab: &Lab, before: &Calls, own: &[&str]) -> Calls {
    lab.plane.calls_since(GROUP, before, own).expect("metrics")
}

#[track_caller]
fn assert_calls(found: &Calls, expected: &[(&str, usize)]) {
    let expected: Calls = expected
        .iter()
        .map(|(call, count)| ((*call).to_owned(), *count as i64))
        .collect();
    assert_eq!(*found, expected);
}

/// Waits for the end of all by the operator's own count, which costs no call.
#[track_caller]
fn await_ended(lab: &Lab, operator: &Operator, kind: &str, outcome: &str, count: usize) {
    lab.until(&format!("{count} {kind} {outcome}"), operator, || {
        let metrics = operator.http("/metrics");
        let ours = |line: &&str| {
            line.starts_with("readmit_requests_finished_total{") && line.contains(kind) && line.contains(outcome)
        };
        let value = |line: &str| {
            line.rsplit(' ')
                .next()
                .and_then(|n| n.parse::<f64>().ok())
                .unwrap_or_default()
        };
        let ended: f64 = metrics.lines().filter(ours).map(value).sum();
        (ended as usize >= count).then_some(()).ok_or(format!("{ended} so far"))
    });
}

/// The status has one owner, who is named and owns it as a whole: a list of its fields would be as long as itself, and
/// the API server would take it apart at every write.
fn assert_light(lab: &Lab, request: &str) {
    let get = ["get", "aur", request, "-o", "json", "--show-managed-fields"];
    let found: Value = serde_json::from_str(&lab.kubectl(&get)).expect("JSON");
    let managers = found["metadata"]["managedFields"].as_array().expect("managers");
    let of_status: Vec<_> = managers.iter().filter(|one| one["subresource"] == "status").collect();
    assert_eq!(of_status.len(), 1, "{managers:#?}");
    assert_eq!(of_status[0]["manager"], "readmit", "{managers:#?}");
    assert_eq!(of_status[0]["fieldsV1"], json!({"f:status": {}}), "{managers:#?}");
}

#[test]
fn a_request_costs_no_more_calls_than_promised() {
    let Some(lab) = Lab::open() else { return };
    lab.admin(&policy("desk", "Unlock, ResetPassword", ""));
    let nobody = "accounts: [{expression: \"account.login == 'nobody'\"}]";
    lab.admin(&policy("foreign", "Unlock", nobody));
    let operator = lab.operator(&[]);
    let (locked, active) = (
        lab.people("lou", COUNT, Status::LockedOut),
        lab.people("ada", COUNT, Status::Active),
    );
    let manifests = |make: fn(&str, &str, &str) -> String, prefix: &str, logins: &[String], more: &str| {
        let one = |(n, login): (usize, &String)| make(&format!("{prefix}-{n}"), login, more);
        logins.iter().enumerate().map(one).collect::<String>()
    };
    let create = |manifests: &str| lab.create("alice", manifests);
    let idle = || std::thread::sleep(Duration::from_secs(2));
    idle();

    // A person's unlock: one write, no read.
    let before = counted(&lab);
    create(&manifests(unlock, "unlock", &locked, ""));
    await_ended(&lab, &operator, "AccountUnlockRequest", "Succeeded", COUNT);
    std::thread::sleep(CLOSED);
    let status = |kind: &str| format!("PUT {kind}/status");
    let own = [format!("POST {UNLOCK}"), format!("POST {RESET}")];
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    assert_calls(&since(&lab, &before, &own), &[(&status(UNLOCK), COUNT)]);
    assert_light(&lab, "unlock-0");

    // Denied by a setting of the policy: one write, and the event is none of ours.
    let before = counted(&lab);
    create(&manifests(reset, "denied", &active, "method: TemporaryPassword"));
    await_ended(&lab, &operator, "PasswordResetRequest", "Denied", COUNT);
    std::thread::sleep(CLOSED);
    let denied = since(&lab, &before, &own);
    assert_eq!(denied.get(&status(RESET)), Some(&(COUNT as i64)), "{denied:?}");
    assert!(
        denied
            .keys()
            .all(|call| *call == status(RESET) || call == "LIST accounts"),
        "{denied:?}"
    );

    // Denied by a rule about the account: nothing but that write where no claim can be involved.
    let before = counted(&lab);
    create(&manifests(unlock, "foreign", &locked, "policy: foreign"));
    await_ended(&lab, &operator, "AccountUnlockRequest", "Denied", COUNT);
    assert_calls(&since(&lab, &before, &own), &[(&status(UNLOCK), COUNT)]);

    // The first reset of an account: a claim and a status, and the ledger's entry is closed later.
    let before = counted(&lab);
    create(&manifests(reset, "first", &active, ""));
    await_ended(&lab, &operator, "PasswordResetRequest", "Succeeded", COUNT);
    let soon = since(&lab, &before, &own);
    assert_eq!(soon.get("POST accounts"), Some(&(COUNT as i64)), "{soon:?}");
    std::thread::sleep(CLOSED);
    assert_calls(
        &since(&lab, &before, &own),
        &[
            ("POST accounts", COUNT),
            ("PUT accounts", COUNT),
            (&status(RESET), COUNT),
        ],
    );

    // A later reset of the same account: the ledger is read once.
    let before = counted(&lab);
    create(&manifests(reset, "later", &active, ""));
    await_ended(&lab, &operator, "PasswordResetRequest", "Succeeded", 2 * COUNT);
    std::thread::sleep(CLOSED);
    assert_calls(
        &since(&lab, &before, &own),
        &[
            ("GET accounts", COUNT),
            ("PUT accounts", 2 * COUNT),
            (&status(RESET), COUNT),
        ],
    );
}
