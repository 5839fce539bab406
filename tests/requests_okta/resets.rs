//! Resets by each method, and what the owner then meets.

use crate::support::{
    org::{Org, check},
    stage::stage,
};
use jiff::{SignedDuration, Timestamp};
use sandbox::{Fault, FaultKind, PageOutcome, SEED_PASSWORD, SignIn, Status, fingerprint};
use serde_json::Value;
use std::sync::OnceLock;

fn org() -> Option<&'static Org> {
    static ORG: OnceLock<Option<Org>> = OnceLock::new();
    ORG.get_or_init(|| Some(Org::start(stage()?, "resets"))).as_ref()
}

/// The API token's administrator lacks a right.
fn forbidden() -> FaultKind {
    FaultKind::Status {
        status: 403,
        body: Some(r#"{"errorCode": "E0000006", "errorSummary": "no", "errorId": "oae1"}"#.into()),
    }
}

#[test]
fn a_link_is_mailed_to_the_owner() {
    let Some(org) = org() else { return };
    let status = org.is_reset("resets-bob", "bob@example.com", "Link");
    check(&status, "Succeeded", "LinkSent", "mailed a reset link to the owner");
    assert!(status["delivery"].is_null(), "{status:#}");
    let bob = org.account("bob@example.com");
    assert_eq!(bob.status, Status::Recovery);
    assert!(bob.sessions.is_empty() && bob.oauth_tokens == 0, "{bob:?}");
    assert_eq!(
        org.written("bob@example.com"),
        ["POST /lifecycle/reset_password", "DELETE /sessions"]
    );
    let mails = org.sandbox.mails();
    let mail = mails.iter().find(|mail| mail.user == bob.id).expect("a mail to bob");
    assert_eq!(
        (mail.to.as_str(), mail.template.as_str()),
        ("bob@example.com", "reset-password")
    );
    let link = mail.link.as_deref().expect("with a link");
    let page = org.sandbox.use_link(link, "Ganz-Neues-Wort-9");
    assert_eq!(page, PageOutcome::PasswordSet);
    let sign_in = org.sandbox.sign_in("bob@example.com", "Ganz-Neues-Wort-9", None);
    assert!(matches!(sign_in, SignIn::Success { .. }), "{sign_in:?}");
}

#[test]
fn a_temporary_password_opens_the_door_once_and_must_be_changed() {
    let Some(org) = org() else { return };
    org.sandbox.lock("alice@example.com").expect("locked");
    let status = org.is_reset("resets-alice", "alice@example.com", "TemporaryPassword");
    check(&status, "Succeeded", "PasswordReset", "open status.delivery.sealed");
    assert_eq!(
        org.written("alice@example.com"),
        [
            "POST /lifecycle/unlock",
            "POST ",
            "POST /lifecycle/expire_password",
            "DELETE /sessions"
        ]
    );
    let password = org.open(&status);
    assert!(password.chars().count() >= 20, "too short");
    assert!(!status.to_string().contains(&password) && !org.stage.operator.log().contains(&password));
    // What the directory holds is what was sealed: it generated nothing itself.
    let alice = org.account("alice@example.com");
    assert_eq!(alice.password.as_deref(), Some(&*fingerprint(&password)));
    assert_eq!(alice.status, Status::PasswordExpired);
    assert!(alice.sessions.is_empty(), "{alice:?}");
    let sign_in = |new| org.sandbox.sign_in("alice@example.com", &password, new);
    assert_eq!(sign_in(None), SignIn::PasswordExpired);
    let changed = sign_in(Some("Ganz-Neues-Wort-9"));
    assert!(matches!(changed, SignIn::Success { .. }), "{changed:?}");
}

#[test]
fn a_change_at_the_next_sign_in_keeps_the_password() {
    let Some(org) = org() else { return };
    org.seed_locked("next@example.com");
    let status = org.is_reset("resets-next", "next@example.com", "ChangeAtNextSignIn");
    check(&status, "Succeeded", "ChangeRequired", "at the next sign-in");
    assert_eq!(
        org.written("next@example.com"),
        [
            "POST /lifecycle/unlock",
            "POST /lifecycle/expire_password",
            "DELETE /sessions"
        ]
    );
    let sign_in = org.sandbox.sign_in("next@example.com", SEED_PASSWORD, None);
    assert_eq!(sign_in, SignIn::PasswordExpired);
}

#[test]
fn sessions_that_cannot_be_ended_do_not_undo_the_reset() {
    let Some(org) = org() else { return };
    org.seed_locked("sessions@example.com");
    org.strike("DELETE", "sessions@example.com", "/sessions", forbidden());
    let status = org.is_reset("resets-sessions", "sessions@example.com", "Link");
    check(&status, "Succeeded", "LinkSent", "sessions could not be ended");
    assert_eq!(org.account("sessions@example.com").open_links, 1);
}

#[test]
fn a_password_that_was_set_is_delivered_although_the_forced_change_is_refused() {
    let Some(org) = org() else { return };
    org.seed_locked("unforced@example.com");
    org.strike(
        "POST",
        "unforced@example.com",
        "/lifecycle/expire_password",
        forbidden(),
    );
    let status = org.is_reset("resets-unforced", "unforced@example.com", "TemporaryPassword");
    check(
        &status,
        "Failed",
        "Refused",
        "the password was set, but the directory refused",
    );
    let password = org.open(&status);
    let sign_in = org.sandbox.sign_in("unforced@example.com", &password, None);
    assert!(matches!(sign_in, SignIn::Success { .. }), "{sign_in:?}");
}

/// Asks with a notAfter that comes while Okta still puts off one step; gives the status at the end.
fn put_off(org: &Org, name: &str, method: &str, (verb, path): (&str, &str)) -> Value {
    let login = format!("{name}@example.com");
    org.seed_locked(&login);
    let path = format!("/api/v1/users/{}{path}", org.account(&login).id);
    let later = FaultKind::Status {
        status: 409,
        body: None,
    };
    org.sandbox.inject(Fault::always(verb, &path, later));
    let not_after = (Timestamp::now() + SignedDuration::from_secs(8)).strftime("%Y-%m-%dT%H:%M:%SZ");
    let more = format!(", method: {method}, notAfter: '{not_after}'");
    let account = format!("{{login: {login}}}");
    let manifest = org.request("PasswordResetRequest", name, &account, &more);
    org.stage.create("bob", &manifest);
    org.stage.finished("pwr", name)
}

#[test]
fn a_reset_does_not_expire_over_sessions_that_are_not_ended_in_time() {
    let Some(org) = org() else { return };
    let status = put_off(org, "resets-late-sessions", "Link", ("DELETE", "/sessions"));
    check(&status, "Succeeded", "LinkSent", "sessions could not be ended");
}

#[test]
fn a_password_that_was_set_is_delivered_although_the_time_ran_out_behind_it() {
    let Some(org) = org() else { return };
    let step = ("POST", "/lifecycle/expire_password");
    let status = put_off(org, "resets-late-expiry", "TemporaryPassword", step);
    check(&status, "Failed", "Expired", "half done");
    let password = org.open(&status);
    let sign_in = org.sandbox.sign_in("resets-late-expiry@example.com", &password, None);
    assert!(matches!(sign_in, SignIn::Success { .. }), "{sign_in:?}");
}

#[test]
fn an_account_of_another_directory_is_refused_before_any_write() {
    let Some(org) = org() else { return };
    for (name, login, method, reason) in [
        ("resets-ken", "ken@example.com", "Link", "NotCapable"),
        ("resets-lena", "lena@example.com", "TemporaryPassword", "NotCapable"),
        // Federated and not locked: Okta holds no password of it.
        ("resets-mike", "mike@example.com", "ChangeAtNextSignIn", "Refused"),
    ] {
        let status = org.is_reset(name, login, method);
        check(&status, "Failed", reason, "");
        assert_eq!(org.written(login), [""; 0], "{login}");
    }
}

#[test]
fn a_disabled_account_is_refused_before_any_write() {
    let Some(org) = org() else { return };
    for (name, login) in [
        ("resets-frank", "frank@example.com"),
        ("resets-dora", "dora@example.com"),
    ] {
        let status = org.is_reset(name, login, "TemporaryPassword");
        check(
            &status,
            "Failed",
            "Refused",
            "a disabled account is enabled by its directory's administrators",
        );
        assert!(status["delivery"].is_null(), "{status:#}");
        assert_eq!(org.written(login), [""; 0], "{login}");
    }
}
