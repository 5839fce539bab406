//! Setting, forcing and proving passwords, with an identity that manages userPassword and with one that only writes.

use crate::lab::{Lab, call, failure, from_now, secret, state};
use readmit::{
    directory::Directory,
    domain::account::{FailureClass, Proof, Sent, Step},
};
use std::{thread::sleep, time::Duration};
use testkit::slapd::{OPERATOR_DN, Options, Policy, READER_DN, WRITER_DN, initial_password, user_dn};

const NEW: &str = "Temporary-4711-abcdefgh";

/// The control of the answer to a sign-in with the new password.
fn sign_in(lab: &Lab, uid: &str, password: &str) -> (i32, Option<String>) {
    let bind = lab.slapd.bind(&user_dn(uid), password).expect("an answer");
    (bind.code, bind.control)
}

#[test]
fn a_reset_unlocks_and_forces_a_change() {
    let options = Options {
        hash_cleartext: false,
        ..Options::default()
    };
    let Some(lab) = Lab::with(options, |_| {}) else { return };
    lab.slapd.lock("alice").unwrap();
    let before = lab.account("alice");
    sleep(Duration::from_millis(1100));
    assert_eq!(lab.set_password("alice", NEW), Sent::Done);
    let after = lab.account("alice");
    assert_eq!(state(&after.lock), "not locked");
    assert_ne!(after.password_marker, before.password_marker);
    assert!(after.password_marker.is_some() && after.password_changed > before.password_changed);
    // With manage access and pwdMustChange the server itself asks for a change; nothing is written again.
    assert_eq!(after.must_change, Some(true));
    assert_eq!(lab.require_change("alice"), Sent::Done);
    assert_eq!(lab.writes(OPERATOR_DN).len(), 1);
    let (code, control) = sign_in(&lab, "alice", NEW);
    assert_eq!(code, 0);
    assert!(control.unwrap_or_default().contains("must be changed"));
    assert_eq!(sign_in(&lab, "alice", &initial_password("alice")).0, 49);
    let stored = lab.slapd.attribute(&user_dn("alice"), "userPassword").unwrap().unwrap();
    assert!(stored.starts_with("{SSHA}"), "stored in the clear");
}

#[test]
fn a_change_can_be_forced_without_a_reset() {
    let Some(lab) = Lab::start() else { return };
    let before = lab.account("bob");
    assert_eq!(before.must_change, Some(false));
    assert_eq!(lab.require_change("bob"), Sent::Done);
    let after = lab.account("bob");
    assert_eq!(after.must_change, Some(true));
    assert_eq!(after.password_marker, before.password_marker);
    let (code, control) = sign_in(&lab, "bob", &initial_password("bob"));
    assert_eq!(code, 0);
    assert!(control.unwrap_or_default().contains("must be changed"));
}

#[test]
fn a_policy_that_ignores_the_flag_is_an_obstacle() {
    let Some(lab) = Lab::start() else { return };
    lab.slapd.set_policy("bob", "no-must-change").unwrap();
    let account = lab.account("bob");
    assert!(account.obstacles[&Step::RequireChange].contains("pwdMustChange: TRUE"));
    assert!(lab.account("alice").obstacles.is_empty());
    assert_eq!(lab.require_change("bob"), Sent::Done);
    assert_eq!(lab.account("bob").must_change, Some(false));
}

#[test]
fn an_identity_that_only_writes_needs_a_second_step() {
    let Some(lab) = Lab::with(Options::default(), |spec| spec.bind_dn = WRITER_DN.into()) else {
        return;
    };
    assert_eq!(lab.set_password("alice", NEW), Sent::Done);
    assert_eq!(lab.account("alice").must_change, Some(false));
    assert_eq!(lab.require_change("alice"), Sent::Done);
    assert_eq!(lab.account("alice").must_change, Some(true));
    assert_eq!(sign_in(&lab, "alice", NEW).0, 0);
}

#[test]
fn an_identity_that_only_writes_is_bound_by_the_policy() {
    let Some(lab) = Lab::with(Options::default(), |spec| spec.bind_dn = WRITER_DN.into()) else {
        return;
    };
    // Minimum age counts from the last change; the overlay notes none for the first password.
    lab.set("bob", "pwdChangedTime", &from_now(0));
    for (uid, policy, password, class, word) in [
        ("alice", "safe-modify", NEW, FailureClass::NeedsConfig, "manage access"),
        ("bob", "min-age", NEW, FailureClass::NeedsConfig, "manage access"),
        ("dana", "long", "short-1a", FailureClass::Permanent, "longer"),
    ] {
        lab.slapd.set_policy(uid, policy).unwrap();
        let sent = lab.set_password(uid, password);
        assert_eq!(sent.as_str(), "Refused", "{policy}");
        let failure = failure(sent);
        assert_eq!(failure.class, class, "{policy}");
        assert!(failure.public.contains(word), "{policy}: {}", failure.public);
        assert!(!format!("{failure:?}").contains(password));
        assert!(lab.signs_in(uid), "{policy}: the old password is still in force");
    }
}

#[test]
fn the_same_value_again_is_success() {
    for bind_dn in [OPERATOR_DN, WRITER_DN] {
        let Some(lab) = Lab::with(Options::default(), |spec| spec.bind_dn = bind_dn.into()) else {
            return;
        };
        lab.slapd.set_policy("alice", "history").unwrap();
        assert_eq!(lab.set_password("alice", NEW), Sent::Done, "{bind_dn}");
        assert_eq!(lab.set_password("alice", NEW), Sent::Done, "{bind_dn}");
        assert_eq!(sign_in(&lab, "alice", NEW).0, 0);
    }
}

#[test]
fn a_reader_changes_nothing() {
    let Some(lab) = Lab::with(Options::default(), |spec| spec.bind_dn = READER_DN.into()) else {
        return;
    };
    for (sent, word) in [
        (lab.set_password("alice", NEW), "userPassword"),
        (lab.require_change("alice"), "pwdReset"),
    ] {
        assert_eq!(sent.as_str(), "Refused");
        let failure = failure(sent);
        assert_eq!(failure.class, FailureClass::NeedsConfig);
        assert!(failure.public.contains(word), "{}", failure.public);
    }
    assert!(lab.signs_in("alice"));
}

#[test]
fn a_password_is_proven_by_one_sign_in() {
    let Some(lab) = Lab::start() else { return };
    let prove = |password: &str| {
        lab.wait(
            lab.directory
                .prove_password(&call(), &lab.target("alice"), &secret(password)),
        )
    };
    assert_eq!(lab.set_password("alice", NEW), Sent::Done);
    // The account must change it, which proves it no less.
    assert_eq!(prove(NEW), Proof::Ours);
    assert_eq!(prove("another"), Proof::NotProven);
    assert_eq!(prove(""), Proof::NotProven);
    assert_eq!(lab.slapd.binds_of(&user_dn("alice")).unwrap(), [0, 49]);
    lab.slapd.lock("alice").unwrap();
    assert_eq!(prove(NEW), Proof::NotProven);
}

#[test]
fn what_it_cannot_do_is_refused_with_the_way_out() {
    let Some(lab) = Lab::start() else { return };
    let target = lab.target("alice");
    let probe = lab.wait(lab.directory.probe(&call())).unwrap();
    assert_eq!(
        probe.capabilities.unable[&Step::SendLink],
        "openldap cannot mail links; set method: TemporaryPassword"
    );
    assert!(probe.capabilities.unable.contains_key(&Step::RevokeSessions));
    assert!(probe.capabilities.unlock_only_clears && probe.capabilities.reset_unlocks);
    for sent in [
        lab.wait(lab.directory.send_reset_link(&call(), &target)),
        lab.wait(lab.directory.revoke_sessions(&call(), &target)),
        lab.set_password("alice", ""),
    ] {
        assert_eq!(sent.as_str(), "Refused");
    }
    assert!(lab.writes(OPERATOR_DN).is_empty());
}

/// The fact behind generating on our side: what slapd makes up has eight characters, and is refused for ever to an
/// identity that only writes where the policy asks for more.
#[test]
fn a_generated_password_meets_a_long_minimum() {
    let options = Options {
        default_policy: Policy::usual().with("pwdMinLength", "12").with("pwdCheckQuality", "2"),
        ..Options::default()
    };
    let Some(lab) = Lab::with(options, |spec| spec.bind_dn = WRITER_DN.into()) else {
        return;
    };
    assert_eq!(lab.set_password("alice", NEW), Sent::Done);
    assert_eq!(sign_in(&lab, "alice", NEW).0, 0);
}
