//! Setting, forcing and proving passwords.

use crate::lab::{Lab, NEW, call, failure, secret, state};
use readmit::{
    directory::Directory,
    domain::account::{FailureClass, Proof, Sent, Step},
};
use testkit::samba::{INITIAL_PASSWORD, READER, person_dn};

const ALL: [Step; 2] = [Step::Unlock, Step::RequireChange];

#[test]
fn reset_unlock_and_forced_change_are_one_write() {
    let Some(lab) = Lab::start() else { return };
    lab.samba.lock("whole").unwrap();
    let before = lab.account("whole");
    assert_eq!(lab.set_password("whole", NEW, &ALL), Sent::Done);
    let after = lab.account("whole");
    assert_eq!((state(&after.lock), after.must_change), ("not locked", Some(true)));
    assert_eq!(
        lab.writes("whole"),
        ["0: lockoutTime replace 0, pwdLastSet replace 0, unicodePwd replace (hidden)"]
    );
    assert_eq!(lab.sign_in("whole", NEW).as_deref(), Some("773"), "it must be changed");
    assert_eq!(lab.sign_in("whole", INITIAL_PASSWORD).as_deref(), Some("52e"));
    assert!(after.password_changed > before.password_changed);
}

#[test]
fn a_reset_leaves_the_lock_unless_asked() {
    let Some(lab) = Lab::start() else { return };
    lab.samba.lock("kept").unwrap();
    assert_eq!(lab.set_password("kept", NEW, &[Step::RequireChange]), Sent::Done);
    let account = lab.account("kept");
    assert_eq!((state(&account.lock), account.must_change), ("locked", Some(true)));
    assert_eq!(lab.sign_in("kept", NEW).as_deref(), Some("775"));
}

/// The marker grows by exactly one with each set password, and with nothing else.
#[test]
fn the_marker_counts_passwords() {
    let Some(lab) = Lab::start() else { return };
    let marker = || {
        let marker = lab.account("marked").password_marker.expect("metadata can be read");
        marker.parse::<u64>().expect("a number")
    };
    let first = marker();
    assert_eq!(lab.require_change("marked"), Sent::Done);
    lab.samba.lock("marked").unwrap();
    assert_eq!(lab.unlock("marked"), Sent::Done);
    lab.samba.set(&person_dn("marked"), "description", "another").unwrap();
    assert_eq!(marker(), first);
    for count in 1..=3 {
        assert_eq!(lab.set_password("marked", NEW, &ALL), Sent::Done);
        assert_eq!(marker(), first + count, "the same value again counts too");
    }
}

#[test]
fn a_change_can_be_forced_without_a_reset() {
    let Some(lab) = Lab::start() else { return };
    let before = lab.account("change");
    assert_eq!(before.must_change, Some(false));
    assert_eq!(lab.require_change("change"), Sent::Done);
    let after = lab.account("change");
    assert_eq!(after.must_change, Some(true));
    assert_eq!(after.password_marker, before.password_marker);
    assert_eq!(after.password_changed, before.password_changed);
    assert_eq!(lab.sign_in("change", INITIAL_PASSWORD).as_deref(), Some("773"));
    assert_eq!(lab.writes("change"), ["0: pwdLastSet replace 0"]);
}

/// The server takes pwdLastSet=0 for such accounts and does not heed it: an obstacle, told before a write.
#[test]
fn a_forced_change_conflicts_with_never_expires_and_smart_cards() {
    let Some(lab) = Lab::start() else { return };
    for (name, flags, word) in [
        ("endless", "66048", "never expires"),
        ("carded", "262656", "smart card"),
    ] {
        lab.samba.set(&person_dn(name), "userAccountControl", flags).unwrap();
        let account = lab.account(name);
        assert!(account.obstacles[&Step::RequireChange].contains(word), "{name}");
    }
    assert_eq!(lab.require_change("endless"), Sent::Done);
    assert_eq!(lab.account("endless").must_change, Some(false));
    assert_eq!(
        lab.sign_in("endless", INITIAL_PASSWORD),
        None,
        "nobody is asked to change it"
    );
    assert!(lab.account("calm").obstacles.is_empty());
}

#[test]
fn a_password_is_proven_by_one_sign_in() {
    let Some(lab) = Lab::start() else { return };
    let prove = |password: &str| {
        let target = lab.target("proven");
        lab.wait(lab.directory.prove_password(&call(), &target, &secret(password)))
    };
    let tries = || lab.samba.sign_ins(&person_dn("proven")).unwrap().len();
    assert_eq!(prove(INITIAL_PASSWORD), Proof::Ours);
    assert_eq!(tries(), 1);
    assert_eq!(lab.set_password("proven", NEW, &ALL), Sent::Done);
    // 773: it must be changed, which only a right password is told.
    assert_eq!(prove(NEW), Proof::Ours);
    assert_eq!(prove("another"), Proof::NotProven);
    assert_eq!(prove(""), Proof::NotProven);
    assert_eq!(tries(), 3, "an empty password is not tried");
    lab.samba
        .set(&person_dn("proven"), "userAccountControl", "514")
        .unwrap();
    assert_eq!(prove(NEW), Proof::Ours, "disabled (533)");
    lab.samba
        .set(&person_dn("proven"), "userAccountControl", "512")
        .unwrap();
    lab.samba.lock("proven").unwrap();
    assert_eq!(prove(NEW), Proof::NotProven, "locked (775) proves nothing");
}

#[test]
fn what_the_policy_refuses_is_not_done() {
    let Some(lab) = Lab::start() else { return };
    let sent = lab.set_password("weak", "short", &ALL);
    assert_eq!(sent.as_str(), "Refused");
    let refused = failure(sent);
    assert_eq!(refused.class, FailureClass::Permanent);
    assert!(refused.public.contains("password.length"), "{}", refused.public);
    assert!(refused.private.contains("0000052D"), "{}", refused.private);
    let account = lab.account("weak");
    assert_eq!(account.must_change, Some(false), "all of it happens, or none");
    assert_eq!(lab.sign_in("weak", INITIAL_PASSWORD), None);
    assert_eq!(lab.set_password("weak", "", &ALL).as_str(), "Refused");
}

/// Complexity forbids the account's name within: such a draw is thrown away before anything is sent.
#[test]
fn a_password_that_holds_the_name_is_drawn_anew() {
    let Some(lab) = Lab::start() else { return };
    let sent = lab.set_password("own-name", "Tmp:4711-OWN-NAME.xyz", &ALL);
    assert_eq!(sent.as_str(), "NotSent");
    assert_eq!(failure(sent).class, FailureClass::Transient(None));
    assert_eq!(lab.writes("own-name"), [""; 0]);
}

#[test]
fn a_reader_changes_nothing() {
    let Some(lab) = Lab::with(|spec| spec.bind_name = READER.into()) else {
        return;
    };
    for (sent, word) in [
        (lab.set_password("refused", NEW, &ALL), "Reset Password"),
        (lab.require_change("refused"), "pwdLastSet"),
    ] {
        assert_eq!(sent.as_str(), "Refused");
        let failure = failure(sent);
        assert_eq!(failure.class, FailureClass::NeedsConfig, "{failure:?}");
        assert!(failure.public.contains(word), "{}", failure.public);
    }
    assert_eq!(lab.sign_in("refused", INITIAL_PASSWORD), None);
}

#[test]
fn what_it_cannot_do_is_refused_with_the_way_out() {
    let Some(lab) = Lab::start() else { return };
    let target = lab.target("calm");
    let probe = lab.wait(lab.directory.probe(&call())).unwrap();
    assert_eq!(
        probe.capabilities.unable[&Step::SendLink],
        "active-directory cannot mail links; set method: TemporaryPassword"
    );
    assert!(probe.capabilities.unlock_only_clears && !probe.capabilities.reset_unlocks);
    assert_eq!(probe.capabilities.with_password, ALL.into());
    for sent in [
        lab.wait(lab.directory.send_reset_link(&call(), &target)),
        lab.wait(lab.directory.revoke_sessions(&call(), &target)),
    ] {
        assert_eq!(sent.as_str(), "Refused");
    }
}
