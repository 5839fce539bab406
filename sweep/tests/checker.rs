//! The checker on made-up histories: a good one passes, and each fault that is put into it is named.

use serde_json::{Value, json};
use sweep::{check, history::Event};

const UID: &str = "u-1";

fn audit(at: i64, process: &str, event: &str, more: Value) -> Value {
    let mut line = json!({"log": "audit", "event": event, "request": {"uid": UID}});
    let more = more.as_object().expect("an object").clone();
    line.as_object_mut().expect("an object").extend(more);
    json!({"event": "audit", "at": at, "process": process, "line": line})
}

fn ledger(at: i64, outcome: Value, claim: Value) -> Value {
    let entry = json!({"uid": UID, "action": "ResetPassword", "outcome": outcome, "claim": claim});
    json!({"event": "ledger", "at": at, "account": "id", "ledger": [entry]})
}

fn status(at: i64, outcome: &str, reason: &str) -> Value {
    let condition = json!({"type": "Ready", "reason": reason, "message": "it was so"});
    let delivery = (reason == "PasswordReset").then(|| json!({"sealed": "..."}));
    let status = json!({"outcome": outcome, "conditions": [condition], "delivery": delivery});
    json!({"event": "status", "at": at, "uid": UID, "status": status})
}

fn effect(at: i64, value: &str) -> Value {
    json!({
        "event": "effect", "account": "id", "step": "set-password", "by": "operator", "changed": true, "value": value,
        "at": at,
    })
}

/// A temporary password in Okta, claimed, set once, told and closed.
fn good() -> Vec<Value> {
    let ask = json!({
        "upstream": "Okta", "work": "Temporary", "account": 0, "locked": false, "seconds": null, "suspended": false,
    });
    let case = json!({
        "name": "made-up", "crew": "Solo", "asks": [ask], "trouble": "None", "changes": [], "second": null, "given": [],
    });
    vec![
        json!({"event": "case", "case": case, "seed": 1, "limit": 3}),
        json!({
            "event": "request", "at": 1000, "uid": UID, "kind": "PasswordResetRequest", "name": "r", "ask": 0,
            "account": "id",
        }),
        audit(1010, "a1", "claim", json!({})),
        ledger(
            1015,
            Value::Null,
            json!({"deadline": "1970-01-01T00:00:01.6Z", "writer": "w"}),
        ),
        audit(1020, "a1", "send", json!({"step": "SetPassword"})),
        audit(1040, "a1", "result", json!({"step": "SetPassword", "result": "Done"})),
        status(1100, "Succeeded", "PasswordReset"),
        ledger(1200, json!("Done"), Value::Null),
        json!({"event": "delivered", "uid": UID, "value": "one", "inForce": true}),
        effect(1030, "one"),
        json!({"event": "account", "account": "id", "locked": false, "mustChange": true}),
        json!({"event": "end", "at": 2000, "millis": 1000}),
    ]
}

fn judge(history: &[Value]) -> Vec<String> {
    let events: Vec<Event> = history
        .iter()
        .map(|event| serde_json::from_value(event.clone()).unwrap_or_else(|error| panic!("{event}: {error}")))
        .collect();
    check::judge(&events)
}

#[test]
fn what_is_as_it_should_be_passes() {
    assert_eq!(judge(&good()), [""; 0]);
}

/// A change to the good history, and what the checker must say of it.
type Row = (&'static str, fn(&mut Vec<Value>), &'static str);

#[test]
fn each_fault_is_named() {
    let rows: &[Row] = &[
        ("no end", |h| drop(h.pop()), "the history has no end"),
        ("never ended", |h| drop(h.remove(6)), "never ended"),
        (
            "gave up",
            |h| h.insert(7, json!({"event": "gave-up", "at": 1, "what": "waiting"})),
            "gave up: waiting",
        ),
        (
            "the ending changed",
            |h| h.insert(7, status(1150, "Unknown", "OutcomeUnknown")),
            "changed",
        ),
        (
            "told and lost",
            |h| drop(h.remove(9)),
            "1 resets are told of account id, and 0 took effect",
        ),
        (
            "a second value",
            |h| h.insert(10, effect(1031, "two")),
            "2 resets took effect",
        ),
        (
            "failed, and done",
            |h| h[6] = status(1100, "Failed", "Refused"),
            "1 resets took effect",
        ),
        (
            "unknown for no reason",
            |h| h[6] = status(1100, "Unknown", "OutcomeUnknown"),
            "nothing was hidden",
        ),
        ("not delivered", |h| drop(h.remove(8)), "delivers nothing"),
        (
            "another one delivered",
            |h| h[8]["value"] = json!("two"),
            "was never set",
        ),
        ("not in force", |h| h[8]["inForce"] = json!(false), "is in force"),
        ("after the end", |h| h[9] = effect(1900, "one"), "after r had ended"),
        ("still claimed", |h| drop(h.remove(7)), "still claimed"),
        (
            "not charged",
            |h| h[7]["ledger"] = json!([]),
            "1 resets of account id took effect and 0 are charged",
        ),
        (
            "closed wrongly",
            |h| h[7]["ledger"][0]["outcome"] = json!("Unknown"),
            "its ledger entry says",
        ),
        (
            "closed by a word that was not told",
            |h| h[6] = status(1100, "Unknown", "OutcomeUnknown"),
            "r is Unknown, and its ledger entry says",
        ),
        ("before the claim", |h| h[9] = effect(900, "one"), "before any claim"),
        (
            "after the deadline",
            |h| h[9] = effect(5000, "one"),
            "after the time of its claim",
        ),
        (
            "somebody else's claim",
            |h| h[4] = audit(1020, "b1", "send", json!({"step": "SetPassword"})),
            "after another's claim",
        ),
    ];
    for (name, spoil, expected) in rows {
        let mut history = good();
        spoil(&mut history);
        let found = judge(&history);
        assert!(found.iter().any(|what| what.contains(expected)), "{name}: {found:?}");
    }
}

/// The same for an account of Okta whose credentials live in slapd.
fn good_elsewhere() -> Vec<Value> {
    let mut history = good();
    history[0]["case"]["asks"][0]["upstream"] = json!("Routed");
    history[1]["named"] = json!("cloud-id");
    history[6]["status"]["account"] = json!({"directory": "openldap", "id": "id"});
    history[6]["status"]["named"] = json!({"directory": "routed", "id": "cloud-id"});
    let cloud = json!({"event": "account", "account": "cloud-id", "locked": false, "mustChange": false});
    history.insert(11, cloud);
    history
}

#[test]
fn each_fault_of_acting_elsewhere_is_named() {
    assert_eq!(judge(&good_elsewhere()), [""; 0]);
    let unlock = || json!({"event": "effect", "account": "id", "step": "unlock", "by": "operator", "changed": true});
    let rows: &[Row] = &[
        (
            "written where it is named",
            |h| {
                let mut effect = effect(1030, "one");
                effect["account"] = json!("cloud-id");
                h.insert(10, effect);
            },
            "SetPassword was sent to cloud-id, which r only names",
        ),
        (
            "claimed where it is named",
            |h| {
                let mut ledger = h[7].clone();
                ledger["account"] = json!("cloud-id");
                h.insert(8, ledger);
            },
            "cloud-id has a ledger",
        ),
        (
            "told of another account",
            |h| h[6]["status"]["account"]["id"] = json!("cloud-id"),
            "its account is",
        ),
        (
            "told of another directory",
            |h| h[6]["status"]["named"]["directory"] = json!("okta"),
            "its named is",
        ),
        (
            "still locked where it is named",
            |h| h[11]["locked"] = json!(true),
            "and cloud-id is locked",
        ),
    ];
    for (name, spoil, expected) in rows {
        let mut history = good_elsewhere();
        spoil(&mut history);
        let found = judge(&history);
        assert!(found.iter().any(|what| what.contains(expected)), "{name}: {found:?}");
    }
    let mut history = good_elsewhere();
    history.splice(10..10, [unlock(), unlock()]);
    let found = judge(&history);
    let twice = |what: &String| what.contains("the lock was cleared 2 times");
    assert!(found.iter().any(twice), "{found:?}");
}

#[test]
fn an_unknown_that_was_hidden_passes() {
    let mut history = good();
    history[6] = status(1100, "Unknown", "OutcomeUnknown");
    // The process died between the send and its result.
    history[5] = json!({"event": "process", "at": 1040, "process": "a1", "what": "killed"});
    history[7]["ledger"][0]["outcome"] = json!("Unknown");
    assert_eq!(judge(&history), [""; 0]);
}

/// The documented residue: nobody looks at the deadline again between the last look and the send.
#[test]
fn a_pause_between_the_last_look_and_the_send_passes() {
    let paused = |stopped: i64| {
        let mut history = good();
        history[9] = effect(5000, "one");
        history[6]["at"] = json!(5100);
        history.insert(
            5,
            json!({"event": "process", "at": stopped, "process": "a1", "what": "stopped"}),
        );
        judge(&history)
    };
    assert_eq!(paused(1025), [""; 0]);
    let before = paused(1005);
    assert!(
        before.iter().any(|what| what.contains("after the time of its claim")),
        "{before:?}"
    );
}

#[test]
fn more_than_the_limit_is_named() {
    let mut history = good();
    for value in ["two", "three", "four"] {
        history.insert(10, effect(1030, value));
    }
    let found = judge(&history);
    assert!(
        found
            .iter()
            .any(|what| what.contains("4 resets took effect on account id, 3 were allowed")),
        "{found:?}"
    );
}
