//! Resets: the sealed password signs in and must be changed; what policy, recipients or the directory forbid is known
//! before anything is sent.

use crate::support::{
    ldap::{
        Recipient, account, check, closed_ledger, in_seconds, passwords, policy, reset, says, signs_in, text, writes,
    },
    stage::Stage,
};
use crate::{keeper, scene};
use serde_json::{Value, json};
use testkit::slapd::{Slapd, initial_password, user_dn};

fn ask(stage: &Stage, person: &str, name: &str, login: &str, more: &Value) -> Value {
    stage.create(person, &text(&[reset(name, "ldap", login, more)]));
    stage.finished("pwr", name)
}

fn changes_it(slapd: &Slapd, uid: &str, old: &str, new: &str) {
    let output = slapd
        .tool("ldappasswd", &user_dn(uid), old)
        .args(["-a", old, "-s", new])
        .output()
        .expect("run ldappasswd");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_temporary_password_signs_in_and_must_be_changed() {
    let Some((stage, slapd)) = scene() else { return };
    slapd.lock("reset").expect("locked by wrong sign-ins");
    let more = json!({"policy": "desk", "method": "TemporaryPassword", "reason": "forgot it after leave"});
    let status = ask(stage, "bob", "reset-1", "reset", &more);
    check(&status, "Succeeded", "PasswordReset", "open status.delivery.sealed");
    assert!(
        status["lockout"]["since"].is_string(),
        "the lock that it cleared: {status:#}"
    );
    let password = keeper().open(&status).expect("sealed to the policy's recipient");
    assert!(password.len() >= 20);
    assert_eq!(Recipient::new().open(&status), None, "nobody else opens it");

    assert!(
        !signs_in(slapd, "reset", &initial_password("reset")).0,
        "the old one is over"
    );
    let (inside, control) = signs_in(slapd, "reset", &password);
    assert!(inside && control.contains("Password must be changed"), "{control}");
    changes_it(slapd, "reset", &password, "My-own-new-1");
    assert!(!signs_in(slapd, "reset", &password).0, "the temporary one is over");
    assert_eq!(signs_in(slapd, "reset", "My-own-new-1"), (true, String::new()));

    assert_eq!(passwords(slapd, "reset").len(), 1);
    assert_eq!(closed_ledger(stage, slapd, "reset"), ["Done"]);
}

#[test]
fn a_change_is_forced_with_the_password_left_alone() {
    let Some((stage, slapd)) = scene() else { return };
    slapd.lock("change").expect("locked by wrong sign-ins");
    let more = json!({"policy": "desk", "method": "ChangeAtNextSignIn"});
    let status = ask(stage, "bob", "change-1", "change", &more);
    check(&status, "Succeeded", "ChangeRequired", "at the next sign-in");
    assert!(status["delivery"].is_null(), "{status:#}");
    let (inside, control) = signs_in(slapd, "change", &initial_password("change"));
    assert!(inside && control.contains("Password must be changed"), "{control}");
    assert_eq!(passwords(slapd, "change"), [""; 0]);
}

#[test]
fn a_forced_change_may_leave_the_lock() {
    let Some((stage, slapd)) = scene() else { return };
    slapd.lock("keeps-lock").expect("locked by wrong sign-ins");
    let more = json!({"policy": "desk", "method": "ChangeAtNextSignIn", "unlock": false});
    let status = ask(stage, "bob", "keeps-lock-1", "keeps-lock", &more);
    check(&status, "Succeeded", "ChangeRequired", "at the next sign-in");
    let (inside, control) = signs_in(slapd, "keeps-lock", &initial_password("keeps-lock"));
    assert!(!inside && control.contains("Account locked"), "{control}");
}

#[test]
fn request_recipients_open_it_too_where_the_policy_lets_them() {
    let Some((stage, slapd)) = scene() else { return };
    let mine = Recipient::new();
    let more = json!({
        "policy": "own-recipients", "method": "TemporaryPassword", "recipients": [mine.public(), keeper().public()],
    });
    let status = ask(stage, "bob", "shared-1", "shared", &more);
    check(&status, "Succeeded", "PasswordReset", "open status.delivery.sealed");
    let password = mine.open(&status).expect("sealed to the request's recipient");
    assert_eq!(keeper().open(&status).as_deref(), Some(password.as_str()));
    assert!(signs_in(slapd, "shared", &password).0);
}

/// Person, policy, what the spec says besides; outcome, reason, message. Nothing is sent and nothing is claimed.
#[test]
fn what_may_not_or_cannot_be_done_is_known_before_anything_is_sent() {
    let Some((stage, slapd)) = scene() else { return };
    let temporary = |more: Value| {
        let mut spec = json!({"method": "TemporaryPassword"});
        spec.as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        spec
    };
    let mine = Recipient::new().public();
    let until = in_seconds(600);
    let way_out = "openldap cannot mail links; set method: TemporaryPassword";
    let cases = [
        (
            "bob",
            "desk",
            json!({"method": "Link"}),
            "Failed",
            "NotCapable",
            way_out,
        ),
        ("bob", "desk", json!({}), "Failed", "NotCapable", way_out),
        (
            "bob",
            "desk",
            temporary(json!({"unlock": false})),
            "Failed",
            "NotCapable",
            "set unlock: true",
        ),
        (
            "bob",
            "usual-methods",
            temporary(json!({})),
            "Denied",
            "PolicyDenied",
            "does not allow method TemporaryPassword; choose one of Link, ChangeAtNextSignIn",
        ),
        (
            "bob",
            "desk",
            temporary(json!({"recipients": [mine]})),
            "Denied",
            "PolicyDenied",
            "does not allow spec.recipients",
        ),
        (
            "pipeline",
            "pipelines",
            temporary(json!({"recipients": [mine], "notAfter": until})),
            "Denied",
            "PolicyDenied",
            "service accounts may not name recipients",
        ),
        (
            "pipeline",
            "desk",
            temporary(json!({"notAfter": until})),
            "Denied",
            "PolicyDenied",
            "serviceAccounts: true",
        ),
        (
            "bob",
            "own-recipients",
            temporary(json!({"recipients": ["ssh-ed25519 AAAA"]})),
            "Failed",
            "NotCapable",
            "is an SSH key",
        ),
        (
            "bob",
            "no-recipients",
            temporary(json!({})),
            "Failed",
            "NotCapable",
            "set password.recipients in policy no-recipients",
        ),
    ];
    for (number, (person, policy, mut more, outcome, reason, message)) in cases.into_iter().enumerate() {
        more["policy"] = policy.into();
        let status = ask(stage, person, &format!("refused-{number}"), "refused", &more);
        check(&status, outcome, reason, message);
        assert!(status["delivery"].is_null(), "{status:#}");
    }
    assert_eq!(writes(slapd, "refused"), []);
    assert_eq!(account(stage, slapd, "refused"), None);
    assert!(signs_in(slapd, "refused", &initial_password("refused")).0);
}

#[test]
fn a_policy_with_a_damaged_recipient_is_waited_for() {
    let Some((stage, slapd)) = scene() else { return };
    let password = |recipient: String| {
        let password = json!({"methods": ["TemporaryPassword"], "recipients": [keeper().public(), recipient]});
        text(&[policy(
            "damaged",
            "ldap",
            &["ResetPassword"],
            &json!({"password": password}),
        )])
    };
    stage.admin(&password("age1damaged".into()));
    let more = json!({"policy": "damaged", "method": "TemporaryPassword"});
    stage.create("bob", &text(&[reset("damaged-1", "ldap", "relocked", &more)]));
    let status = stage.waits("pwr", "damaged-1", "PolicyNotReady");
    says(&status, "PolicyNotReady", "spec.password.recipients: recipient 2");
    assert_eq!(writes(slapd, "relocked"), []);

    let second = Recipient::new();
    stage.admin(&password(second.public()));
    let status = stage.finished("pwr", "damaged-1");
    check(&status, "Succeeded", "PasswordReset", "open status.delivery.sealed");
    let password = second.open(&status).expect("sealed to the second recipient as well");
    assert!(signs_in(slapd, "relocked", &password).0);
}
