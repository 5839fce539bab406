//! How unlocks and resets end, by the state of the account and by what goes wrong.

use crate::{
    instance, listing, shared,
    support::org::{check, says, shows_lock},
    written,
};
use sandbox::servicenow::{Quirk, SignIn, User};
use sandbox::{FaultKind, SEED_PASSWORD};
use serde_json::Value;

const UNLOCK: [&str; 2] = ["failed_attempts", "locked_out"];

#[test]
fn a_locked_person_gets_back_in_by_way_of_the_ledger() {
    let Some(org) = shared() else { return };
    let status = org.unlocked("sn-ada", "ada.byte");
    check(&status, "Succeeded", "Unlocked", "read back as not locked");
    assert_eq!(status["lockout"]["cause"], "5 failed sign-ins", "{status:#}");
    assert_eq!(written(org, "ada.byte"), [UNLOCK]);
    let account = status["account"]["ref"].as_str().expect("an Account object");
    assert!(account.starts_with("servicenow-"), "{status:#}");
    let sign_in = org.sandbox.servicenow().sign_in("ada.byte", SEED_PASSWORD, None);
    assert_eq!(sign_in, SignIn::Success);
}

#[test]
fn an_account_that_is_not_locked_is_left_alone() {
    let Some(org) = shared() else { return };
    let status = org.unlocked("sn-bob", "bob.ross");
    check(&status, "Succeeded", "NotLocked", "nothing was done");
    assert!(written(org, "bob.ross").is_empty());
}

#[test]
fn a_temporary_password_opens_the_door_once_and_must_be_changed() {
    let Some(org) = shared() else { return };
    org.sandbox.servicenow().add(&User::locked("reset.me"));
    let status = org.is_reset("sn-reset", "reset.me", "TemporaryPassword");
    check(&status, "Succeeded", "PasswordReset", "open status.delivery.sealed");
    let plan = [&UNLOCK[..], &["user_password"], &["password_needs_reset"]];
    assert_eq!(written(org, "reset.me"), plan);
    let password = org.open(&status);
    assert!(!status.to_string().contains(&password) && !org.stage.operator.log().contains(&password));
    let sign_in = |new| org.sandbox.servicenow().sign_in("reset.me", &password, new);
    assert_eq!(sign_in(None), SignIn::MustChange);
    assert_eq!(sign_in(Some("Ganz-Neues-Wort-9")), SignIn::Success);
}

#[test]
fn a_change_at_the_next_sign_in_keeps_the_password() {
    let Some(org) = shared() else { return };
    org.sandbox.servicenow().add(&User::new("change.me"));
    let status = org.is_reset("sn-change", "change.me", "ChangeAtNextSignIn");
    check(&status, "Succeeded", "ChangeRequired", "at the next sign-in");
    assert_eq!(written(org, "change.me"), [["password_needs_reset"]]);
}

#[test]
fn a_link_cannot_be_mailed_and_the_way_out_is_told() {
    let Some(org) = shared() else { return };
    let status = org.is_reset("sn-link", "grace.desk", "Link");
    check(&status, "Failed", "NotCapable", "set method: TemporaryPassword");
}

#[test]
fn administrators_and_hidden_accounts_are_not_eligible() {
    let Some(org) = shared() else { return };
    for (name, login) in [
        ("sn-frank", "frank.root"),
        ("sn-dora", "dora.left"),
        ("sn-nobody", "nobody.here"),
    ] {
        let status = org.unlocked(name, login);
        check(&status, "Denied", "NotEligible", "");
        assert!(login == "nobody.here" || written(org, login).is_empty(), "{login}");
    }
}

#[test]
fn who_may_inspect_learns_that_nobody_may_be_somebody_of_another_domain() {
    let Some(org) = shared() else { return };
    org.stage
        .create("admin", &org.unlock("sn-elsewhere", "{login: nobody.at.all}"));
    let status = org.stage.finished("aur", "sn-elsewhere");
    check(&status, "Denied", "NotEligible", "people of other domains");
    // Whoever may not learns what is told of protected accounts, too.
    let status = org.unlocked("sn-elsewhere-bob", "nobody.at.all");
    check(
        &status,
        "Denied",
        "NotEligible",
        "no account that may be acted on matches",
    );
}

#[test]
fn an_imported_account_is_unlocked_and_its_password_refused() {
    let Some(org) = shared() else { return };
    let status = org.is_reset("sn-erin", "erin.ldap", "TemporaryPassword");
    check(&status, "Failed", "Refused", "imported from another directory");
    assert!(written(org, "erin.ldap").is_empty());
    check(
        &org.unlocked("sn-erin-unlock", "erin.ldap"),
        "Succeeded",
        "Unlocked",
        "",
    );
}

#[test]
fn a_login_that_could_break_out_of_the_query_is_refused_unsent() {
    let Some(org) = shared() else { return };
    let status = org.unlocked("sn-breakout", "ada.byte^ORactive=true");
    check(&status, "Denied", "NotEligible", "");
    let sent = |call: sandbox::Entry| call.query.contains("ORactive");
    assert!(!org.sandbox.truth().into_iter().any(sent));
}

#[test]
fn an_inactive_account_is_refused_before_any_write() {
    let Some(org) = instance("sn-inactive") else { return };
    org.sandbox.servicenow().set_quirk(Quirk::InactiveHidden, false);
    let status = org.unlocked("sn-inactive-dora", "dora.left");
    check(&status, "Failed", "Refused", "locked and disabled");
    assert!(written(&org, "dora.left").is_empty());
}

#[test]
fn a_write_that_is_dropped_waits_for_the_right_and_then_goes_on() {
    let Some(org) = instance("sn-dropped") else { return };
    let instance = org.sandbox.servicenow();
    instance.set_quirk(Quirk::LockedOutUnwritable, true);
    let account = "{login: ada.byte}";
    org.stage.create("bob", &org.unlock("sn-dropped-ada", account));
    let status = org.stage.waits("aur", "sn-dropped-ada", "MissingRights");
    says(&status, "MissingRights", "left sys_user.locked_out as it was");
    instance.set_quirk(Quirk::LockedOutUnwritable, false);
    let status = org.stage.finished("aur", "sn-dropped-ada");
    check(&status, "Succeeded", "Unlocked", "");
}

#[test]
fn a_rule_that_locks_again_is_told_and_not_fought() {
    let Some(org) = instance("sn-relocked") else { return };
    let instance = org.sandbox.servicenow();
    instance.configure(|settings| settings.async_rule_ms = 0);
    instance.set_quirk(Quirk::AsyncRuleRelocks, true);
    let status = org.unlocked("sn-relocked-ada", "ada.byte");
    check(&status, "Failed", "LockedAgain", "locked anew");
    assert_eq!(written(&org, "ada.byte").len(), 1);
}

/// Longer than anybody waits for: the request has ended, and the list of locked accounts shows it.
#[test]
fn a_rule_that_locks_again_minutes_later_shows_in_the_list() {
    let Some(org) = instance("sn-later") else { return };
    let instance = org.sandbox.servicenow();
    instance.configure(|settings| settings.async_rule_ms = 300_000);
    instance.set_quirk(Quirk::AsyncRuleRelocks, true);
    org.stage.admin(&listing(&org));
    let shows = |expected: bool| {
        let what = format!("the list to show ada.byte: {expected}");
        org.stage.until_all("accounts", &what, |accounts| {
            let ours = |account: &&&Value| account.to_string().contains("ada.byte");
            let shown = accounts.iter().filter(|account| shows_lock(account, "sn-later"));
            (shown.filter(ours).count() > 0).eq(&expected).then_some(())
        })
    };
    shows(true);
    let status = org.unlocked("sn-later-ada", "ada.byte");
    check(&status, "Succeeded", "Unlocked", "lock it again minutes later");
    shows(false);
    org.sandbox.advance(301_000);
    shows(true);
    assert_eq!(written(&org, "ada.byte").len(), 1, "it is told, and not fought");
}

#[test]
fn a_lost_reply_of_an_unlock_is_settled_by_reading() {
    let Some(org) = instance("sn-lost") else { return };
    org.sandbox.inject_once("PATCH", "*", FaultKind::ReplyLostAfterCommit);
    let status = org.unlocked("sn-lost-ada", "ada.byte");
    check(&status, "Succeeded", "Unlocked", "");
    assert_eq!(written(&org, "ada.byte").len(), 1);
}

#[test]
fn a_lost_reply_of_a_password_is_unknown_and_never_sent_again() {
    let Some(org) = instance("sn-unknown") else { return };
    org.sandbox.inject_once("PATCH", "*", FaultKind::ReplyLostAfterCommit);
    let status = org.is_reset("sn-unknown-bob", "bob.ross", "TemporaryPassword");
    assert_eq!(status["outcome"], "Unknown", "{status:#}");
    assert_eq!(written(&org, "bob.ross"), [["user_password"]]);
}
