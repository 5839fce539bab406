//! Replies that are lost, and effects that come late: what is said was read back, and nothing is done twice.

use crate::support::{
    org::{Org, check},
    stage::stage,
};
use sandbox::{FaultKind, Status};

const LOGIN: &str = "lost@example.com";

/// An organisation of its own, so that one test's broken calls do not open another's circuit.
fn org(name: &str) -> Option<Org> {
    let org = Org::start(stage()?, name);
    org.seed_locked(LOGIN);
    Some(org)
}

/// The calls of one kind that arrived, and how many of them were carried out.
fn counted(org: &Org, path: &str) -> (usize, usize) {
    let path = format!("/api/v1/users/{}{path}", org.account(LOGIN).id);
    let calls: Vec<_> = org.writes(LOGIN).into_iter().filter(|call| call.path == path).collect();
    (calls.len(), calls.iter().filter(|call| call.applied).count())
}

#[track_caller]
fn unlocks(name: &str, fault: FaultKind, expected: (usize, usize)) {
    let Some(org) = org(name) else { return };
    org.strike("POST", LOGIN, "/lifecycle/unlock", fault);
    let status = org.unlocked(name, LOGIN);
    check(&status, "Succeeded", "Unlocked", "read back as not locked");
    assert_eq!(org.account(LOGIN).status, Status::Active);
    assert_eq!(counted(&org, "/lifecycle/unlock"), expected);
}

#[test]
fn an_unlock_that_never_arrived_is_sent_again() {
    unlocks("lost-unlock-before", FaultKind::ReplyLostBeforeCommit, (2, 1));
}

#[test]
fn an_unlock_whose_reply_was_lost_is_read_back() {
    unlocks("lost-unlock-after", FaultKind::ReplyLostAfterCommit, (1, 1));
}

#[test]
fn an_unlock_that_was_answered_500_and_done_is_read_back() {
    unlocks("lost-unlock-500", FaultKind::ErrorApplied, (1, 1));
}

#[test]
fn an_unlock_that_commits_late_is_waited_for() {
    unlocks("lost-unlock-late", FaultKind::LateCommit { ms: 2500 }, (1, 1));
}

/// Okta shows nothing by which a set password could be recognised: whatever became of it, nobody knows, and it is never
/// sent again.
#[track_caller]
fn password(name: &str, fault: FaultKind, applied: usize) {
    let Some(org) = org(name) else { return };
    org.strike("POST", LOGIN, "", fault);
    let status = org.is_reset(name, LOGIN, "TemporaryPassword");
    check(&status, "Unknown", "OutcomeUnknown", "look at the account");
    assert_eq!(counted(&org, ""), (1, applied));
    assert_eq!(counted(&org, "/lifecycle/expire_password"), (0, 0));
    // It may be the one in force, so that whoever looks at the account needs it.
    assert!(!org.open(&status).is_empty());
    assert!(status["completionTime"].is_string(), "{status:#}");
    // It stays charged: whatever was done counts.
    let account = status["account"]["ref"].as_str().expect("a ledger");
    let closed = org
        .stage
        .until(("account", "", account), "the claim to be closed", |account| {
            account["ledger"][0]["outcome"].as_str().map(str::to_owned)
        });
    assert_eq!(closed, "Unknown");
}

#[test]
fn a_password_that_never_arrived_is_not_sent_again() {
    password("lost-password-before", FaultKind::ReplyLostBeforeCommit, 0);
}

#[test]
fn a_password_whose_reply_was_lost_is_not_sent_again() {
    password("lost-password-after", FaultKind::ReplyLostAfterCommit, 1);
}

#[test]
fn a_password_that_was_answered_500_and_set_is_not_sent_again() {
    password("lost-password-500", FaultKind::ErrorApplied, 1);
}

#[test]
fn a_password_whose_answer_makes_no_sense_is_not_sent_again() {
    password("lost-password-malformed", FaultKind::MalformedJson, 1);
}

#[test]
fn a_password_that_is_set_late_is_not_sent_again() {
    password("lost-password-late", FaultKind::LateCommit { ms: 2500 }, 1);
}

/// Only the log can tell whether a link was sent.
#[track_caller]
fn link(name: &str, fault: FaultKind, mailed: usize) {
    let Some(org) = org(name) else { return };
    org.strike("POST", LOGIN, "/lifecycle/reset_password", fault);
    let status = org.is_reset(name, LOGIN, "Link");
    match mailed {
        0 => check(&status, "Unknown", "OutcomeUnknown", "which proves nothing"),
        _ => check(&status, "Succeeded", "LinkSent", "mailed a reset link"),
    }
    assert_eq!(counted(&org, "/lifecycle/reset_password"), (1, mailed));
    let id = org.account(LOGIN).id;
    let mails = org.sandbox.mails().into_iter().filter(|mail| mail.user == id);
    assert_eq!(mails.count(), mailed);
}

#[test]
fn a_link_that_was_never_asked_for_is_not_sent_again() {
    link("lost-link-before", FaultKind::ReplyLostBeforeCommit, 0);
}

#[test]
fn a_link_whose_reply_was_lost_is_proven_by_the_log() {
    link("lost-link-after", FaultKind::ReplyLostAfterCommit, 1);
}

#[test]
fn a_link_that_was_answered_500_and_sent_is_proven_by_the_log() {
    link("lost-link-500", FaultKind::ErrorApplied, 1);
}

#[test]
fn a_link_that_is_sent_late_is_proven_by_the_log() {
    link("lost-link-late", FaultKind::LateCommit { ms: 2500 }, 1);
}

#[test]
fn sessions_whose_end_is_not_confirmed_do_not_undo_the_reset() {
    let Some(org) = org("lost-sessions") else { return };
    org.strike("DELETE", LOGIN, "/sessions", FaultKind::ReplyLostAfterCommit);
    let status = org.is_reset("lost-sessions", LOGIN, "TemporaryPassword");
    check(&status, "Succeeded", "PasswordReset", "");
    assert_eq!(counted(&org, ""), (1, 1));
}

#[test]
fn a_forced_change_whose_reply_was_lost_is_read_back() {
    let Some(org) = org("lost-expiry") else { return };
    org.strike(
        "POST",
        LOGIN,
        "/lifecycle/expire_password",
        FaultKind::ReplyLostAfterCommit,
    );
    let status = org.is_reset("lost-expiry", LOGIN, "TemporaryPassword");
    check(&status, "Succeeded", "PasswordReset", "");
    assert_eq!(org.account(LOGIN).status, Status::PasswordExpired);
    assert_eq!(
        (counted(&org, ""), counted(&org, "/lifecycle/expire_password")),
        ((1, 1), (1, 1))
    );
}
