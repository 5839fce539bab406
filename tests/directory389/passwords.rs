//! Setting, forcing and proving passwords.

use crate::lab::{Lab, call, failure, secret, shared, state};
use readmit::{
    directory::Directory,
    domain::account::{FailureClass, Proof, Sent, Step},
};
use std::{thread::sleep, time::Duration};
use testkit::{
    dirsrv::{CONFIG_RIGHTS, OPERATOR_DN, Options, READER_DN},
    slapd::{initial_password, user_dn},
};

const NEW: &str = "Temporary-4711-abcdefgh";
const EPOCH: &str = "19700101000000Z";

/// Alone among the providers' servers this one leaves the old unlock time; see `locks`.
#[test]
fn a_reset_unlocks_and_forces_a_change() {
    let Some(lab) = shared() else { return };
    lab.locked("pass-1");
    assert_eq!(lab.set_password("pass-1", &format!("{NEW}-first")), Sent::Done);
    let before = lab.account("pass-1");
    sleep(Duration::from_millis(1100));
    assert_eq!(lab.set_password("pass-1", NEW), Sent::Done);
    let after = lab.account("pass-1");
    assert_eq!(state(&after.lock), "not locked");
    assert_ne!(after.password_marker, before.password_marker);
    assert!(after.password_marker.is_some() && after.password_changed > before.password_changed);
    // By way of the extended operation the server itself asks for a change; nothing is written again.
    assert_eq!(after.must_change, Some(true));
    assert_eq!(lab.require_change("pass-1"), Sent::Done);
    assert_eq!(lab.sends("pass-1").len(), 2);
    let (code, control) = lab.sign_in("pass-1", NEW);
    assert!(code == 0 && control.contains("must be changed"), "{code} {control}");
    assert_eq!(lab.sign_in("pass-1", &initial_password("pass-1")).0, 49);
    let stored = lab.attribute("pass-1", "userPassword").unwrap();
    assert!(stored.starts_with('{'), "stored in the clear");
}

/// The fact behind using the extended operation alone: a modify by the same identity forces nothing.
#[test]
fn a_modify_would_not_force_a_change() {
    let Some(lab) = shared() else { return };
    lab.person("pass-2");
    let change = format!(
        "dn: {}\nchangetype: modify\nreplace: userPassword\nuserPassword: {NEW}\n",
        user_dn("pass-2")
    );
    lab.server.modify_as(OPERATOR_DN, lab.server.secret(), &change).unwrap();
    assert_eq!(lab.account("pass-2").must_change, Some(false));
    assert_eq!(lab.sign_in("pass-2", NEW), (0, String::new()));
}

#[test]
fn a_change_can_be_forced_without_a_reset() {
    let Some(lab) = shared() else { return };
    lab.person("pass-3");
    let before = lab.account("pass-3");
    assert_eq!(before.must_change, Some(false));
    assert_eq!(lab.require_change("pass-3"), Sent::Done);
    let after = lab.account("pass-3");
    assert_eq!(after.must_change, Some(true));
    assert_eq!(after.password_marker, before.password_marker);
    let (code, control) = lab.sign_in("pass-3", &initial_password("pass-3"));
    assert!(code == 0 && control.contains("must be changed"), "{code} {control}");
}

/// Under such a policy the server overwrites the epoch at the next sign-in.
#[test]
fn a_policy_that_forces_no_change_is_an_obstacle() {
    let Some(lab) = shared() else { return };
    lab.person("pass-4");
    lab.server
        .set_policy("pass-4", "passwordMustChange: off\npasswordLockout: on")
        .unwrap();
    let account = lab.account("pass-4");
    assert!(account.obstacles[&Step::RequireChange].contains("passwordMustChange: on"));
    lab.server.set("pass-4", "passwordExpirationTime", &[EPOCH]).unwrap();
    assert_eq!(lab.account("pass-4").must_change, Some(false));
    let (code, control) = lab.sign_in("pass-4", &initial_password("pass-4"));
    assert_eq!((code, control.as_str()), (0, ""));
    assert_ne!(
        lab.attribute("pass-4", "passwordExpirationTime").as_deref(),
        Some(EPOCH)
    );
}

/// It is the server's own: even root is refused, which is why passwordExpirationTime is written instead.
#[test]
fn nobody_writes_pwd_reset() {
    let Some(lab) = shared() else { return };
    lab.person("pass-5");
    let refused = lab.server.set("pass-5", "pwdReset", &["TRUE"]).unwrap_err();
    assert!(format!("{refused:#}").contains("(53)"), "{refused:#}");
}

#[test]
fn the_marker_is_there_only_where_it_is_kept() {
    let Some(lab) = shared() else { return };
    lab.person("pass-6");
    // A value from an earlier time would never change.
    lab.server
        .set_policy(
            "pass-6",
            "passwordTrackUpdateTime: off\npasswordMustChange: on\npasswordLockout: on",
        )
        .unwrap();
    assert_eq!(lab.set_password("pass-6", NEW), Sent::Done);
    let account = lab.account("pass-6");
    assert_eq!((account.password_marker, account.password_changed), (None, None));
    assert_eq!(account.must_change, Some(true));
}

#[test]
fn the_same_value_again_is_success() {
    let Some(lab) = shared() else { return };
    lab.person("pass-7");
    assert_eq!(lab.set_password("pass-7", NEW), Sent::Done);
    assert_eq!(lab.set_password("pass-7", NEW), Sent::Done);
    assert_eq!(lab.sign_in("pass-7", NEW).0, 0);
}

#[test]
fn what_the_policy_does_not_take_is_refused() {
    let Some(lab) = shared() else { return };
    for (uid, settings, password, class, word) in [
        (
            "pass-short",
            "passwordCheckSyntax: on\npasswordMinLength: 12",
            "short-1a",
            FailureClass::Permanent,
            "password.length",
        ),
        (
            "pass-history",
            "passwordHistory: on\npasswordInHistory: 6",
            "Initial-pass-history-1",
            FailureClass::Permanent,
            "history",
        ),
    ] {
        lab.person(uid);
        lab.server.set_policy(uid, settings).unwrap();
        let sent = lab.set_password(uid, password);
        assert_eq!(sent.as_str(), "Refused", "{uid}");
        let failure = failure(sent);
        assert_eq!(failure.class, class, "{uid}");
        assert!(failure.public.contains(word), "{uid}: {}", failure.public);
        assert!(!format!("{failure:?}").contains(password), "{uid}");
        assert!(lab.signs_in(uid), "{uid}: the old password is still in force");
    }
}

/// By way of the extended operation it binds password administrators too.
#[test]
fn a_minimum_age_is_named_and_binds_password_administrators_too() {
    let Some(lab) = Lab::with(&Options::default(), |_| {}) else {
        return;
    };
    lab.server.configure("passwordMinAge", "3600").unwrap();
    lab.server.configure("passwordAdminDN", OPERATOR_DN).unwrap();
    // The age counts from a change under that policy.
    assert_eq!(lab.set_password("alice", NEW), Sent::Done);
    let next = format!("{NEW}-2");
    let young = failure(lab.set_password("alice", &next));
    assert_eq!(young.class, FailureClass::NeedsConfig);
    assert!(young.public.contains("passwordMinAge"), "{}", young.public);
    assert_eq!(lab.sign_in("alice", NEW).0, 0);
    lab.server.configure("passwordMinAge", "0").unwrap();
    assert_eq!(lab.set_password("alice", &next), Sent::Done);
    assert_eq!(lab.sign_in("alice", &next).0, 0);
}

#[test]
fn passwords_are_not_set_on_an_open_line() {
    let Some(lab) = shared() else { return };
    lab.person("pass-8");
    let plain = lab.seen(|spec| spec.url = lab.server.url());
    let target = lab.target("pass-8");
    let sent = lab.wait(plain.set_password(&call(), &target, &secret(NEW), &[]));
    assert_eq!(sent.as_str(), "Refused");
    let failure = failure(sent);
    assert_eq!(failure.class, FailureClass::NeedsConfig);
    assert!(failure.public.contains("ldaps://"), "{}", failure.public);
    assert!(lab.signs_in("pass-8"));
}

#[test]
fn a_reader_changes_nothing() {
    let options = Options {
        config_rights: vec![CONFIG_RIGHTS[0].replace("cn=readmit,", "cn=readmit-reader,")],
        ..Options::default()
    };
    let Some(lab) = Lab::with(&options, |spec| spec.bind_dn = READER_DN.into()) else {
        return;
    };
    lab.server.set("alice", "passwordExpirationTime", &[]).unwrap();
    for (sent, word) in [
        (lab.set_password("alice", NEW), "userPassword"),
        (lab.require_change("alice"), "passwordExpirationTime"),
    ] {
        let failure = failure(sent);
        assert_eq!(failure.class, FailureClass::NeedsConfig, "{}", failure.public);
        assert!(failure.public.contains(word), "{}", failure.public);
    }
    assert!(lab.signs_in("alice"));
}

#[test]
fn a_password_is_proven_by_one_sign_in() {
    let Some(lab) = shared() else { return };
    lab.person("pass-9");
    let target = lab.target("pass-9");
    let prove = |password: &str| lab.wait(lab.directory.prove_password(&call(), &target, &secret(password)));
    assert_eq!(lab.set_password("pass-9", NEW), Sent::Done);
    // The account must change it, which proves it no less.
    assert_eq!(prove(NEW), Proof::Ours);
    assert_eq!(prove("another"), Proof::NotProven);
    assert_eq!(prove(""), Proof::NotProven);
    assert_eq!(lab.server.binds_of(&user_dn("pass-9")).unwrap(), [0, 49]);
    lab.server.lock("pass-9").unwrap();
    assert_eq!(prove(NEW), Proof::NotProven);
}

#[test]
fn what_it_cannot_do_is_refused_with_the_way_out() {
    let Some(lab) = shared() else { return };
    lab.person("pass-10");
    let target = lab.target("pass-10");
    let probe = lab.wait(lab.directory.probe(&call())).unwrap();
    assert_eq!(
        probe.capabilities.unable[&Step::SendLink],
        "389-ds cannot mail links; set method: TemporaryPassword"
    );
    assert!(probe.capabilities.unable.contains_key(&Step::RevokeSessions));
    assert!(probe.capabilities.unlock_only_clears && probe.capabilities.reset_unlocks);
    for sent in [
        lab.wait(lab.directory.send_reset_link(&call(), &target)),
        lab.wait(lab.directory.revoke_sessions(&call(), &target)),
        lab.set_password("pass-10", ""),
    ] {
        assert_eq!(sent.as_str(), "Refused");
    }
    assert_eq!(lab.sends("pass-10"), []);
}
