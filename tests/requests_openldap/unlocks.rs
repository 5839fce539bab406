//! Unlocking: who is really locked gets in, who is not is left alone, and a lock that nothing here ends is told apart.

use crate::scene;
use crate::support::{
    ldap::{account, check, closed_ledger, id, in_seconds, says, set, signs_in, text, unlock, writes},
    stage::{Stage, ready},
};
use serde_json::{Value, json};
use testkit::slapd::{Slapd, initial_password};

/// Creates an unlock request as bob under policy `desk`, and gives its status once it ended.
fn ask(stage: &Stage, name: &str, login: &str, mut more: Value) -> Value {
    more["policy"] = "desk".into();
    stage.create("bob", &text(&[unlock(name, "ldap", login, &more)]));
    stage.finished("aur", name)
}

fn gets_in(slapd: &Slapd, uid: &str) -> bool {
    signs_in(slapd, uid, &initial_password(uid)).0
}

#[test]
fn a_locked_person_gets_back_in() {
    let Some((stage, slapd)) = scene() else { return };
    slapd.lock("dana").expect("locked by wrong sign-ins");
    assert!(!gets_in(slapd, "dana"), "really locked");
    let status = ask(stage, "dana-1", "dana", json!({}));
    check(&status, "Succeeded", "Unlocked", "read back as not locked");
    assert_eq!(status["policy"]["name"], "desk", "{status:#}");
    assert!(status["lockout"]["since"].is_string(), "{status:#}");
    assert!(gets_in(slapd, "dana"));
    assert_eq!(writes(slapd, "dana").len(), 1);
    // A person's unlock needs no claim, and leaves none.
    assert_eq!(account(stage, slapd, "dana"), None);
}

#[test]
fn people_are_found_by_id_by_address_and_by_names_full_of_syntax() {
    let Some((stage, slapd)) = scene() else { return };
    let by_id = json!({"id": id(slapd, "by-id")});
    for (name, uid, key) in [
        ("find-id", "by-id", by_id),
        ("find-email", "by-email", json!({"email": "BY-email@example.com"})),
        ("find-star", "star*", json!({"login": "star*"})),
        ("find-paren", "paren(s)", json!({"login": "paren(s)"})),
        ("find-comma", "o'hara, jo", json!({"login": "o'hara, jo"})),
    ] {
        slapd.lock(uid).expect("locked by wrong sign-ins");
        let status = ask(stage, name, uid, json!({"account": key}));
        check(&status, "Succeeded", "Unlocked", "read back");
        assert_eq!(status["account"]["id"], id(slapd, uid).as_str(), "{name}");
        assert!(gets_in(slapd, uid), "{name}");
    }
}

#[test]
fn nobody_is_found_by_a_filter() {
    let Some((stage, _)) = scene() else { return };
    for (name, key) in [
        ("inject-star", json!({"login": "*"})),
        ("inject-filter", json!({"login": "x)(|(uid=*"})),
        ("inject-dn", json!({"login": "alice,ou=people"})),
        ("inject-id", json!({"id": "*"})),
        ("inject-email", json!({"email": "*@example.com"})),
        ("two-match", json!({"email": "twins@example.com"})),
        ("none-match", json!({"login": "nobody"})),
    ] {
        let status = ask(stage, name, "", json!({"account": key}));
        check(
            &status,
            "Denied",
            "NotEligible",
            "no account that may be acted on matches",
        );
        assert!(status["account"].is_null(), "{name}: {status:#}");
    }
}

/// Each with nothing sent to the server.
#[test]
fn what_is_not_locked_or_cannot_be_unlocked_is_left_alone() {
    let Some((stage, slapd)) = scene() else { return };
    set(slapd, "ended", "pwdEndTime", "20200101000000Z");
    set(slapd, "early", "pwdStartTime", "20991231000000Z");
    // Not used for longer than the second that this policy allows, as told by times that are cut to seconds.
    assert!(gets_in(slapd, "idle"));
    slapd.set_policy("idle", "idle").expect("a policy");
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    for (name, uid, outcome, reason, message) in [
        (
            "not-locked",
            "erik",
            "Succeeded",
            "NotLocked",
            "read as not locked; nothing was done",
        ),
        ("ended", "ended", "Failed", "NotCapable", "pwdStartTime or pwdEndTime"),
        ("early", "early", "Failed", "NotCapable", "pwdStartTime or pwdEndTime"),
        ("idle", "idle", "Failed", "NotCapable", "only a new password"),
    ] {
        let status = ask(stage, name, uid, json!({}));
        check(&status, outcome, reason, message);
        assert_eq!(writes(slapd, uid), [], "{name}");
        assert_eq!(account(stage, slapd, uid), None, "{name}");
    }
}

#[test]
fn a_delay_that_nothing_ends_is_awaited() {
    let Some((stage, slapd)) = scene() else { return };
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(8);
    let stamp = until.strftime("%Y%m%d%H%M%SZ").to_string();
    slapd.cool_down("delayed", &stamp).expect("a delay");
    let more = json!({"policy": "desk"});
    stage.create("bob", &text(&[unlock("delayed-1", "ldap", "delayed", &more)]));
    let status = stage.waits("aur", "delayed-1", "AwaitingUpstream");
    says(&status, "AwaitingUpstream", "the directory itself ends this lock at ");
    let shown: jiff::Timestamp = status["lockout"]["until"]
        .as_str()
        .expect("a time")
        .parse()
        .expect("a time");
    assert_eq!(shown.as_second(), until.as_second(), "{status:#}");
    // It ends by itself, and then so does the request.
    let status = stage.finished("aur", "delayed-1");
    check(&status, "Succeeded", "NotLocked", "nothing was done");
    assert!(jiff::Timestamp::now() >= shown);
    assert_eq!(writes(slapd, "delayed"), []);
}

#[test]
fn what_cannot_be_read_is_never_called_not_locked() {
    let Some((stage, slapd)) = scene() else { return };
    slapd.set_policy("unreadable", "not-there").expect("a policy");
    let more = json!({"policy": "desk"});
    stage.create("bob", &text(&[unlock("unreadable-1", "ldap", "unreadable", &more)]));
    let status = stage.waits("aur", "unreadable-1", "MissingRights");
    says(&status, "MissingRights", "the lock state cannot be read: ");
    let stalled = |status: &Value| status["conditions"].to_string().contains("\"Stalled\"");
    assert!(stalled(&status), "somebody is needed: {status:#}");
    // Repaired, and the request looked at again.
    slapd.set_policy("unreadable", "two-seconds").expect("a policy");
    let patch = [
        "patch",
        "aur",
        "unreadable-1",
        "--type=merge",
        "-p",
        r#"{"spec":{"suspend":false}}"#,
    ];
    stage.plane.kubectl_as("bob", &patch).expect("suspend may change");
    let status = stage.finished("aur", "unreadable-1");
    check(&status, "Succeeded", "NotLocked", "nothing was done");
    assert!(!stalled(&status), "{status:#}");
}

#[test]
fn a_pipeline_unlocks_under_a_claim() {
    let Some((stage, slapd)) = scene() else { return };
    slapd.lock("pipelined").expect("locked by wrong sign-ins");
    let more = json!({"notAfter": in_seconds(600)});
    stage.create("pipeline", &text(&[unlock("pipelined-1", "ldap", "pipelined", &more)]));
    let status = stage.finished("aur", "pipelined-1");
    check(&status, "Succeeded", "Unlocked", "read back as not locked");
    assert_eq!(
        status["policy"]["name"], "pipelines",
        "the first that admits service accounts"
    );
    assert!(gets_in(slapd, "pipelined"));
    let account = account(stage, slapd, "pipelined").expect("the claim was written to an Account");
    assert_eq!(status["account"]["ref"], account["metadata"]["name"], "{status:#}");
    assert_eq!(closed_ledger(stage, slapd, "pipelined"), ["Done"]);
    assert_eq!(ready(&status)["status"], "True");
}
