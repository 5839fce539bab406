//! Requests, from manifest to sign-in, on the real API server and a real Samba domain controller, with the documented
//! rights of the operator and no others. What the server was told is judged by its own audit log.

#[path = "../support/mod.rs"]
mod support;

use serde_json::{Value, json};
use std::sync::OnceLock;
use support::{
    domain::{directory, secret, sign_in, writes},
    ldap::{Recipient, check, in_seconds, policy, reset, says, text, unlock},
    stage::{Stage, stage},
};
use testkit::{
    samba::{DOMAIN_DN, INITIAL_PASSWORD, OPERATOR, Samba, person_dn},
    skip,
};

/// People besides the usual ones, each for one test.
const PEOPLE: &[&str] = &[
    "unlocked",
    "reset",
    "keeps-lock",
    "forced",
    "endless",
    "chief",
    "again",
    "wrong",
    "disabled",
];

const ONE_WRITE: &str = "lockoutTime replace 0, pwdLastSet replace 0, unicodePwd replace (hidden)";

/// The domain of this test program, with a Directory `corp` and a policy `desk` on the stage.
fn scene() -> Option<(&'static Stage, &'static Samba)> {
    static SAMBA: OnceLock<Option<Samba>> = OnceLock::new();
    let stage = stage()?;
    let samba = SAMBA.get_or_init(|| {
        let samba = skip::unless_missing(Samba::start(PEOPLE))?;
        let methods = ["Link", "TemporaryPassword", "ChangeAtNextSignIn"];
        let desk = json!({"password": {"methods": methods, "recipients": [keeper().public()]}});
        stage.admin(&text(&[
            secret("corp", &samba, samba.secret()),
            directory("corp", &samba, OPERATOR),
            policy("desk", "corp", &["Unlock", "ResetPassword"], &desk),
        ]));
        Some(samba)
    });
    Some((stage, samba.as_ref()?))
}

/// Who opens the passwords that are sealed to the policy's recipient.
fn keeper() -> &'static Recipient {
    static KEEPER: OnceLock<Recipient> = OnceLock::new();
    KEEPER.get_or_init(Recipient::new)
}

/// Creates a request as bob and waits for its end.
fn ask(stage: &Stage, kind: &str, request: &Value) -> Value {
    stage.create("bob", &text(std::slice::from_ref(request)));
    stage.finished(kind, request["metadata"]["name"].as_str().expect("a name"))
}

#[test]
fn a_locked_person_is_let_in_again() {
    let Some((stage, samba)) = scene() else { return };
    samba.lock("unlocked").expect("locked by wrong sign-ins");
    let status = ask(
        stage,
        "aur",
        &unlock("unlocked-1", "corp", "unlocked@example.test", &json!({})),
    );
    check(&status, "Succeeded", "Unlocked", "read back as not locked");
    assert!(status["lockout"]["since"].is_string(), "{status:#}");
    assert!(status["attempts"].is_null(), "one send did it: {status:#}");
    assert_eq!(sign_in(samba, "unlocked", INITIAL_PASSWORD), None);
    assert_eq!(writes(samba, "unlocked"), ["lockoutTime replace 0"]);
    let status = ask(stage, "aur", &unlock("unlocked-2", "corp", "unlocked", &json!({})));
    check(&status, "Succeeded", "NotLocked", "nothing was done");
    assert_eq!(writes(samba, "unlocked").len(), 1);
}

#[test]
fn a_reset_with_unlock_and_forced_change_is_one_write() {
    let Some((stage, samba)) = scene() else { return };
    samba.lock("reset").expect("locked by wrong sign-ins");
    let request = reset("reset-1", "corp", "reset", &json!({"method": "TemporaryPassword"}));
    let status = ask(stage, "pwr", &request);
    check(&status, "Succeeded", "PasswordReset", "open status.delivery.sealed");
    let steps: Vec<&str> = status["attempts"]
        .as_array()
        .expect("attempts")
        .iter()
        .filter_map(|attempt| attempt["step"].as_str())
        .collect();
    assert_eq!(steps, ["SetPassword", "Unlock", "RequireChange"]);
    let password = keeper().open(&status).expect("sealed to the policy's recipient");
    assert_eq!(
        sign_in(samba, "reset", &password).as_deref(),
        Some("773"),
        "it must be changed"
    );
    assert_eq!(sign_in(samba, "reset", INITIAL_PASSWORD).as_deref(), Some("52e"));
    assert_eq!(writes(samba, "reset"), [ONE_WRITE]);
}

#[test]
fn a_reset_may_leave_the_lock() {
    let Some((stage, samba)) = scene() else { return };
    samba.lock("keeps-lock").expect("locked by wrong sign-ins");
    let more = json!({"method": "TemporaryPassword", "unlock": false});
    let status = ask(stage, "pwr", &reset("keeps-lock-1", "corp", "keeps-lock", &more));
    check(&status, "Succeeded", "PasswordReset", "open status.delivery.sealed");
    let password = keeper().open(&status).expect("sealed to the policy's recipient");
    assert_eq!(sign_in(samba, "keeps-lock", &password).as_deref(), Some("775"));
    assert_eq!(
        writes(samba, "keeps-lock"),
        ["pwdLastSet replace 0, unicodePwd replace (hidden)"]
    );
}

#[test]
fn a_change_is_forced_with_the_password_left_alone() {
    let Some((stage, samba)) = scene() else { return };
    let more = json!({"method": "ChangeAtNextSignIn"});
    let status = ask(stage, "pwr", &reset("forced-1", "corp", "forced", &more));
    check(&status, "Succeeded", "ChangeRequired", "at the next sign-in");
    assert_eq!(sign_in(samba, "forced", INITIAL_PASSWORD).as_deref(), Some("773"));
    assert_eq!(writes(samba, "forced"), ["pwdLastSet replace 0"]);
}

#[test]
fn a_manifest_with_an_end_runs_once_however_often_it_is_created() {
    let Some((stage, samba)) = scene() else { return };
    let more = json!({"method": "TemporaryPassword", "notAfter": in_seconds(600)});
    let request = reset("again-1", "corp", "again", &more);
    check(&ask(stage, "pwr", &request), "Succeeded", "PasswordReset", "");
    stage
        .plane
        .kubectl_as("bob", &["delete", "pwr", "again-1"])
        .expect("deleted");
    check(
        &ask(stage, "pwr", &request),
        "Succeeded",
        "AlreadyExecuted",
        "already ran",
    );
    assert_eq!(writes(samba, "again").len(), 1);
}

/// Who, what is changed before, request, outcome, reason, message. Nothing is written.
#[test]
fn what_may_not_or_cannot_be_done_is_known_before_anything_is_written() {
    let Some((stage, samba)) = scene() else { return };
    let set = |name: &str, attribute: &str, value: &str| samba.set(&person_dn(name), attribute, value).expect("set");
    set("endless", "userAccountControl", "66048");
    samba
        .join(&format!("CN=Domain Admins,CN=Users,{DOMAIN_DN}"), &person_dn("chief"))
        .expect("joined");
    samba.lock("chief").expect("locked by wrong sign-ins");
    // In this order: to write userAccountControl clears a lock.
    set("disabled", "userAccountControl", "514");
    samba.lock("disabled").expect("locked by wrong sign-ins");
    let temporary = json!({"method": "TemporaryPassword"});
    let change = json!({"method": "ChangeAtNextSignIn"});
    let cases = [
        (
            "pwr",
            reset("endless-1", "corp", "endless", &temporary),
            "Failed",
            "Refused",
            "never expires",
        ),
        (
            "pwr",
            reset("endless-2", "corp", "endless", &change),
            "Failed",
            "Refused",
            "never expires",
        ),
        (
            "pwr",
            reset("chief-1", "corp", "chief", &temporary),
            "Denied",
            "NotEligible",
            "no account",
        ),
        (
            "aur",
            unlock("chief-2", "corp", "chief", &json!({})),
            "Denied",
            "NotEligible",
            "no account",
        ),
        (
            "aur",
            unlock("disabled-1", "corp", "disabled", &json!({})),
            "Failed",
            "Refused",
            "locked and disabled",
        ),
        (
            "pwr",
            reset("alice-1", "corp", "alice", &json!({"method": "Link"})),
            "Failed",
            "NotCapable",
            "active-directory cannot mail links; set method: TemporaryPassword",
        ),
        (
            "aur",
            unlock("nobody-1", "corp", "*", &json!({})),
            "Denied",
            "NotEligible",
            "no account",
        ),
        // Outside baseDN.
        (
            "pwr",
            reset("own-1", "corp", OPERATOR, &temporary),
            "Denied",
            "NotEligible",
            "no account",
        ),
    ];
    for (kind, request, outcome, reason, message) in cases {
        let status = ask(stage, kind, &request);
        check(&status, outcome, reason, message);
        assert!(status["delivery"].is_null());
    }
    for name in ["endless", "chief", "disabled", "alice"] {
        assert_eq!(writes(samba, name), [""; 0], "{name}");
    }
}

#[test]
fn a_wrong_secret_is_tried_once_until_it_changes() {
    let Some((stage, samba)) = scene() else { return };
    // A name of the operator's own, so that only these tries are counted.
    let name = format!("CN=readmit,OU=Services,{DOMAIN_DN}");
    stage.admin(&text(&[
        secret("wrong", samba, "not the password"),
        directory("wrong", samba, &name),
        policy("wrong", "wrong", &["Unlock"], &json!({})),
    ]));
    samba.lock("wrong").expect("locked by wrong sign-ins");
    stage.create("bob", &text(&[unlock("wrong-1", "wrong", "wrong", &json!({}))]));
    let status = stage.waits("aur", "wrong-1", "DirectoryUnavailable");
    says(&status, "DirectoryUnavailable", "");
    stage.operator.wait_looks("wrong", 1);
    let tried = samba.sign_ins(&name).expect("the audit log");
    assert_eq!(tried.len(), 1, "{tried:?}");
    assert_eq!(tried[0].status, "NT_STATUS_WRONG_PASSWORD");
    stage.admin(&text(&[secret("wrong", samba, samba.secret())]));
    check(&stage.finished("aur", "wrong-1"), "Succeeded", "Unlocked", "");
}
