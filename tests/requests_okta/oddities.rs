//! Whole requests against the ways in which organisations may differ, and against answers that only mean "not now".

use crate::support::{
    org::{Org, check},
    stage::stage,
};
use sandbox::{FaultKind, Quirk, SEED_PASSWORD, SeedUser, SignIn, Status};
use std::time::Duration;

fn refusal(status: u16, code: &str) -> FaultKind {
    FaultKind::Status {
        status,
        body: Some(format!(
            r#"{{"errorCode": "{code}", "errorSummary": "x", "errorId": "oae1"}}"#
        )),
    }
}

/// What was done a moment ago may not be seen yet: it is not done again.
#[test]
fn a_reading_that_lags_behind_the_write_is_waited_for() {
    let Some(stage) = stage() else { return };
    let org = Org::start(stage, "odd-lag");
    org.sandbox.set_quirk(Quirk::ReadsLag, true);
    let status = org.unlocked("odd-lag-unlock", "alice@example.com");
    check(&status, "Succeeded", "Unlocked", "read back as not locked");
    assert_eq!(org.written("alice@example.com"), ["POST /lifecycle/unlock"]);
    let status = org.is_reset("odd-lag-reset", "bob@example.com", "ChangeAtNextSignIn");
    check(&status, "Succeeded", "ChangeRequired", "at the next sign-in");
    let expired = |path: &&String| path.ends_with("/lifecycle/expire_password");
    let written = org.written("bob@example.com");
    assert_eq!(written.iter().filter(expired).count(), 1, "{written:?}");
}

#[test]
fn a_locked_account_is_unlocked_before_its_password_whether_or_not_that_unlocks_too() {
    let Some(stage) = stage() else { return };
    let org = Org::start(stage, "odd-locked");
    for (number, quirk) in [None, Some(Quirk::SetPasswordUnlocks), Some(Quirk::ExpireFromLockedOut)]
        .into_iter()
        .enumerate()
    {
        if let Some(quirk) = quirk {
            org.sandbox.set_quirk(quirk, true);
        }
        let login = format!("odd-locked-{number}@example.com");
        org.seed_locked(&login);
        let status = org.is_reset(&format!("odd-locked-{number}"), &login, "TemporaryPassword");
        check(&status, "Succeeded", "PasswordReset", "");
        let written = org.written(&login);
        assert_eq!(
            written[..2],
            ["POST /lifecycle/unlock", "POST "],
            "{quirk:?}: {written:?}"
        );
        let signed_in = org.sandbox.sign_in(&login, &org.open(&status), None);
        assert!(matches!(signed_in, SignIn::PasswordExpired), "{quirk:?}: {signed_in:?}");
    }
}

#[test]
fn a_password_that_leaves_the_account_in_recovery_is_delivered_and_the_refused_change_told() {
    let Some(stage) = stage() else { return };
    let org = Org::start(stage, "odd-recovery");
    for (keeps, outcome, reason) in [(false, "Succeeded", "PasswordReset"), (true, "Failed", "Refused")] {
        org.sandbox.set_quirk(Quirk::SetPasswordKeepsRecovery, keeps);
        let name = format!("odd-recovery-{keeps}");
        let login = format!("{name}@example.com");
        let user = SeedUser::new(&login, Status::Recovery, Some(SEED_PASSWORD));
        org.sandbox.seed([user]).expect("a new login");
        let status = org.is_reset(&name, &login, "TemporaryPassword");
        check(&status, outcome, reason, "");
        let account = org.account(&login);
        assert_eq!(
            account.password,
            Some(sandbox::fingerprint(&org.open(&status))),
            "{keeps}: what is in force is delivered"
        );
    }
}

#[test]
fn okta_reconciling_its_policies_is_waited_for() {
    let Some(stage) = stage() else { return };
    let org = Org::start(stage, "odd-423");
    org.strike(
        "POST",
        "alice@example.com",
        "/lifecycle/unlock",
        refusal(423, "E0000239"),
    );
    let status = org.unlocked("odd-423", "alice@example.com");
    check(&status, "Succeeded", "Unlocked", "");
    assert_eq!(org.written("alice@example.com").len(), 2);
}

#[test]
fn an_account_that_is_still_being_activated_is_not_given_up() {
    let Some(stage) = stage() else { return };
    let org = Org::start(stage, "odd-409");
    org.strike(
        "POST",
        "alice@example.com",
        "/lifecycle/unlock",
        refusal(409, "E0000112"),
    );
    stage.create("bob", &org.unlock("odd-409", "{login: alice@example.com}"));
    let status = stage.status_when("aur", "odd-409", |status| {
        status["attempts"].is_array() || status["conditions"].is_array()
    });
    assert!(status["outcome"].is_null(), "{status:#}");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(
        org.written("alice@example.com").len(),
        1,
        "it lasts: it is tried again a minute later, not at once"
    );
    let status = stage.get("aur", "default", "odd-409");
    assert!(status["status"]["outcome"].is_null(), "{status:#}");
}

#[test]
fn an_account_in_transition_is_waited_for() {
    let Some(stage) = stage() else { return };
    let org = Org::start(stage, "odd-transition");
    org.sandbox.configure(|settings| settings.transition_ms = 8_000);
    let user = serde_json::json!({"login": "changing@example.com", "status": "STAGED", "transitioningTo": "ACTIVE"});
    let user: SeedUser = serde_json::from_value(user).expect("a seed");
    org.sandbox.seed([user]).expect("a new login");
    stage.create("bob", &org.unlock("odd-transition", "{login: changing@example.com}"));
    let waiting = stage.status_when("aur", "odd-transition", |status| status["conditions"].is_array());
    assert!(waiting["outcome"].is_null(), "{waiting:#}");
    check(&stage.finished("aur", "odd-transition"), "Succeeded", "NotLocked", "");
    assert!(
        org.written("changing@example.com").is_empty(),
        "nothing was sent meanwhile"
    );
}
