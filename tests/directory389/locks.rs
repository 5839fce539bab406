//! Locks: each way in which the server locks, what is told about it, and what an unlock does to it.

use crate::lab::{Lab, call, failure, shared, state};
use readmit::{
    directory::Directory,
    domain::account::{FailureClass, LockState, Sent},
};
use std::{thread::sleep, time::Duration};
use testkit::{
    dirsrv::{CONFIG_RIGHTS, Options, READER_DN, RIGHTS},
    slapd::user_dn,
};

const EPOCH: &str = "19700101000000Z";
const AHEAD: &str = "20991231000000Z";
const PAST: &str = "20200101000000Z";

#[test]
fn wrong_passwords_lock_and_an_unlock_lets_in_again() {
    let Some(lab) = shared() else { return };
    lab.locked("lock-1");
    let before = lab.account("lock-1");
    let LockState::Locked(lock) = &before.lock else {
        panic!("{:?}", before.lock)
    };
    assert!(lock.until.is_some());
    assert_eq!(lock.cause.as_deref(), Some("too many failed sign-ins"));
    assert!(before.lock_stamp.is_some());
    assert!(!lab.signs_in("lock-1"));

    assert_eq!(lab.unlock("lock-1"), Sent::Done);
    let after = lab.account("lock-1");
    assert_eq!((state(&after.lock), after.lock_stamp), ("not locked", None));
    assert_eq!(after.password_marker, before.password_marker);
    for (attribute, value) in [
        ("passwordRetryCount", Some("0")),
        ("accountUnlockTime", None),
        ("retryCountResetTime", None),
    ] {
        assert_eq!(lab.attribute("lock-1", attribute).as_deref(), value, "{attribute}");
    }
    assert!(lab.signs_in("lock-1"));
    // All three in one request.
    assert_eq!(lab.sends("lock-1"), [("MOD".to_owned(), Some(0))]);
}

/// Replacing by nothing where nothing is, unlike deleting, is no error (16).
#[test]
fn unlocking_what_is_not_locked_is_no_error() {
    let Some(lab) = shared() else { return };
    lab.person("lock-2");
    assert_eq!(lab.unlock("lock-2"), Sent::Done);
    assert_eq!(state(&lab.account("lock-2").lock), "not locked");
    assert!(lab.signs_in("lock-2"));
}

/// Each state, set as root, judged by the provider and by the server itself.
#[test]
fn the_rule_agrees_with_the_server() {
    let Some(lab) = shared() else { return };
    for (number, (count, until, expected)) in [
        (Some("3"), Some(AHEAD), "until"),
        (Some("7"), Some(AHEAD), "until"),
        (Some("2"), Some(AHEAD), "not locked"),
        (Some("0"), Some(AHEAD), "not locked"),
        (None, Some(AHEAD), "not locked"),
        (Some("3"), None, "not locked"),
        (Some("3"), Some(PAST), "not locked"),
        // With passwordUnlock on, the epoch is a time like others.
        (Some("3"), Some(EPOCH), "not locked"),
    ]
    .into_iter()
    .enumerate()
    {
        let uid = format!("rule-{number}");
        lab.person(&uid);
        for (attribute, value) in [("passwordRetryCount", count), ("accountUnlockTime", until)] {
            lab.server.set(&uid, attribute, value.as_slice()).unwrap();
        }
        assert_eq!(state(&lab.account(&uid).lock), expected, "{count:?} {until:?}");
        assert_eq!(lab.signs_in(&uid), expected == "not locked", "{count:?} {until:?}");
    }
}

/// A detector that looks at accountUnlockTime alone would call such accounts locked.
#[test]
fn a_reset_leaves_the_unlock_time_and_is_not_a_lock() {
    let Some(lab) = shared() else { return };
    lab.locked("lock-3");
    let before = lab.account("lock-3");
    assert_eq!(lab.set_password("lock-3", "Temporary-4711-abc"), Sent::Done);
    assert!(lab.attribute("lock-3", "accountUnlockTime").is_some());
    let after = lab.account("lock-3");
    assert_eq!((state(&after.lock), after.lock_stamp), ("not locked", None));
    // Nor is one more wrong password.
    assert_eq!(lab.sign_in("lock-3", "wrong").0, 49);
    assert_eq!(state(&lab.account("lock-3").lock), "not locked");
    assert_eq!(lab.sign_in("lock-3", "Temporary-4711-abc").0, 0);
    // Locked again: another lock. The server's times are whole seconds.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    lab.server.lock("lock-3").unwrap();
    let again = lab.account("lock-3");
    assert_eq!(state(&again.lock), "until");
    assert_ne!(again.lock_stamp, before.lock_stamp);
}

#[test]
fn an_inactivated_account_is_disabled_and_stays_so() {
    let Some(lab) = shared() else { return };
    lab.locked("lock-4");
    lab.server.set("lock-4", "nsAccountLock", &["true"]).unwrap();
    let account = lab.account("lock-4");
    assert_eq!((state(&account.lock), account.disabled), ("until", Some(true)));
    assert_eq!(lab.unlock("lock-4"), Sent::Done);
    let account = lab.account("lock-4");
    assert_eq!((state(&account.lock), account.disabled), ("not locked", Some(true)));
    assert_eq!(lab.attribute("lock-4", "nsAccountLock").as_deref(), Some("true"));
    assert!(!lab.signs_in("lock-4"));
    lab.server.set("lock-4", "nsAccountLock", &["false"]).unwrap();
    assert_eq!(lab.account("lock-4").disabled, Some(false));
    lab.server.set("lock-4", "nsAccountLock", &[]).unwrap();
    assert_eq!(lab.account("lock-4").disabled, Some(false));
}

/// Inactivated as administrators do it for many at once: by a role, so that nsAccountLock is computed.
#[test]
fn an_account_inactivated_by_a_role_is_disabled() {
    let Some(lab) = shared() else { return };
    lab.person("lock-5");
    let suffix = testkit::dirsrv::SUFFIX;
    let role = format!("cn=nsManagedDisabledRole,{suffix}");
    let ldif = format!(
        "dn: {role}\nobjectClass: top\nobjectClass: LdapSubEntry\nobjectClass: nsRoleDefinition\n\
         objectClass: nsSimpleRoleDefinition\nobjectClass: nsManagedRoleDefinition\ncn: nsManagedDisabledRole\n\n\
         dn: cn=nsAccountInactivationTmp,{suffix}\nobjectClass: top\nobjectClass: nsContainer\n\
         cn: nsAccountInactivationTmp\n\n\
         dn: cn=\"{role}\",cn=nsAccountInactivationTmp,{suffix}\nobjectClass: top\nobjectClass: extensibleObject\n\
         objectClass: costemplate\nobjectClass: ldapsubentry\ncosPriority: 1\nnsAccountLock: true\n\n\
         dn: cn=nsAccountInactivation_cos,{suffix}\nobjectClass: top\nobjectClass: LdapSubEntry\n\
         objectClass: cosSuperDefinition\nobjectClass: cosClassicDefinition\n\
         cosTemplateDn: cn=nsAccountInactivationTmp,{suffix}\ncosSpecifier: nsRole\n\
         cosAttribute: nsAccountLock operational\ncn: nsAccountInactivation_cos\n"
    );
    lab.server.add(&ldif).unwrap();
    lab.server.set("lock-5", "nsRoleDN", &[&role]).unwrap();
    testkit::wait::until_ok("the role to inactivate", Duration::from_secs(10), || {
        anyhow::ensure!(!lab.signs_in("lock-5"));
        Ok(())
    })
    .unwrap();
    assert_eq!(lab.account("lock-5").disabled, Some(true));
}

#[test]
fn a_lock_is_for_good_where_the_policy_never_unlocks() {
    let options = Options {
        config: vec![("passwordUnlock".into(), "off".into())],
        ..Options::default()
    };
    let Some(lab) = Lab::with(&options, |_| {}) else { return };
    lab.server.lock("alice").unwrap();
    assert_eq!(lab.attribute("alice", "accountUnlockTime").as_deref(), Some(EPOCH));
    let first = lab.account("alice");
    assert_eq!(state(&first.lock), "for good");
    assert_eq!(lab.unlock("alice"), Sent::Done);
    assert!(lab.signs_in("alice"));
    // The unlock time of the next lock is the same, its stamp is not.
    sleep(Duration::from_millis(1100));
    lab.server.lock("alice").unwrap();
    let second = lab.account("alice");
    assert_eq!(state(&second.lock), "for good");
    assert_ne!(first.lock_stamp, second.lock_stamp);
}

#[test]
fn a_lock_with_a_duration_ends_by_itself() {
    let options = Options {
        config: vec![("passwordLockoutDuration".into(), "2".into())],
        ..Options::default()
    };
    let Some(lab) = Lab::with(&options, |_| {}) else { return };
    lab.server.lock("alice").unwrap();
    let LockState::Locked(lock) = lab.account("alice").lock else {
        panic!("not locked")
    };
    let rest = lock.until.unwrap().duration_since(jiff::Timestamp::now());
    sleep(Duration::try_from(rest).unwrap_or_default() + Duration::from_millis(100));
    assert!(lab.attribute("alice", "accountUnlockTime").is_some());
    assert_eq!(state(&lab.account("alice").lock), "not locked");
    assert!(lab.signs_in("alice"));
}

#[test]
fn the_scope_of_a_lock_is_told() {
    let Some(lab) = Lab::with(&Options::default(), |_| {}) else {
        return;
    };
    lab.server.lock("alice").unwrap();
    let scope = |lab: &Lab| match lab.account("alice").lock {
        LockState::Locked(lock) => lock.scope.unwrap_or_default(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        scope(&lab),
        format!(
            "{} alone; other servers keep lock state of their own",
            lab.server.tls_url()
        )
    );
    lab.server.configure("passwordIsGlobalPolicy", "on").unwrap();
    assert_eq!(
        scope(&lab),
        "every server of the directory (passwordIsGlobalPolicy is on)"
    );
}

#[test]
fn without_the_policy_only_the_certain_is_said() {
    let options = Options {
        config_rights: Vec::new(),
        ..Options::default()
    };
    let Some(lab) = Lab::with(&options, |_| {}) else { return };
    // It works, and says which right is missing where that matters.
    lab.wait(lab.directory.probe(&call())).unwrap();
    assert_eq!(state(&lab.account("bob").lock), "not locked");
    assert_eq!(lab.account("bob").password_marker, None);
    lab.server.lock("alice").unwrap();
    match lab.account("alice").lock {
        LockState::Unknown(why) => assert!(why.contains("cn=config"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(lab.account("alice").obstacles.len(), 1);
    // Half of the right is none.
    let half = CONFIG_RIGHTS[0].replace("passwordMaxFailure || ", "");
    let aci = format!("dn: cn=config\nchangetype: modify\nadd: aci\naci: {half}\n");
    lab.server.modify(&aci).unwrap();
    assert_eq!(state(&lab.account("alice").lock), "unknown");
}

#[test]
fn hidden_attributes_make_the_state_unknown() {
    for (attribute, lock, disabled) in [
        ("passwordRetryCount", "unknown", Some(false)),
        ("accountUnlockTime", "unknown", Some(false)),
        ("nsAccountLock", "until", None),
        ("pwdpolicysubentry", "unknown", Some(false)),
    ] {
        let mut options = Options::default();
        options.rights[0] = RIGHTS[0].replace("userPassword || aci", &format!("userPassword || aci || {attribute}"));
        let Some(lab) = Lab::with(&options, |_| {}) else { return };
        lab.server.lock("alice").unwrap();
        let account = lab.account("alice");
        assert_eq!(
            (state(&account.lock), account.disabled),
            (lock, disabled),
            "{attribute}"
        );
        assert_ne!(state(&account.lock), "not locked", "{attribute}");
    }
}

#[test]
fn a_reader_sees_and_cannot_unlock() {
    let options = Options {
        config_rights: vec![CONFIG_RIGHTS[0].replace("cn=readmit,", "cn=readmit-reader,")],
        ..Options::default()
    };
    let Some(lab) = Lab::with(&options, |spec| spec.bind_dn = READER_DN.into()) else {
        return;
    };
    lab.server.lock("alice").unwrap();
    assert_eq!(state(&lab.account("alice").lock), "until");
    let refused = lab.unlock("alice");
    assert_eq!(refused.as_str(), "Refused");
    let failure = failure(refused);
    assert_eq!(failure.class, FailureClass::NeedsConfig);
    assert!(failure.public.contains("passwordRetryCount"), "{}", failure.public);
    let by_operator = lab.server.changes(&user_dn("alice")).unwrap();
    assert!(!by_operator.iter().any(|change| change.by.as_deref() == Some(READER_DN)));
}
