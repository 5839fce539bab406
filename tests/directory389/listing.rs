//! The list of locked accounts, on a server that other tests lock people of too.

use crate::lab::{Lab, call, shared};
use readmit::{
    directory::Directory,
    domain::account::{AccountRead, FailureClass, LockState, Protection, ReadFailure},
};
use std::collections::BTreeMap;
use testkit::dirsrv::Options;

const AHEAD: &str = "20991231000000Z";
const PAST: &str = "20200101000000Z";

fn listed(lab: &Lab) -> BTreeMap<String, AccountRead> {
    let (mut found, mut next) = (BTreeMap::new(), None);
    loop {
        let page = lab.wait(lab.directory.locked(&call(), next.as_deref())).unwrap();
        assert!(page.accounts.iter().map(|account| &account.id).is_sorted());
        let accounts = page.accounts.into_iter();
        found.extend(accounts.map(|account| (account.login.clone().expect("a login"), account)));
        next = page.next;
        if next.is_none() {
            return found;
        }
    }
}

#[test]
fn the_list_has_who_is_locked_now_by_the_servers_rule() {
    let Some(lab) = shared() else { return };
    lab.locked("list-locked");
    lab.locked("list-unlocked");
    assert_eq!(lab.unlock("list-unlocked").as_str(), "Done");
    lab.locked("list-reset");
    assert_eq!(lab.set_password("list-reset", "Another-4711-one").as_str(), "Done");
    for (uid, count, until) in [("list-over", "9", PAST), ("list-few", "1", AHEAD)] {
        lab.person(uid);
        lab.server.set(uid, "passwordRetryCount", &[count]).unwrap();
        lab.server.set(uid, "accountUnlockTime", &[until]).unwrap();
    }
    lab.person("list-lenient");
    lab.server.set_policy("list-lenient", "passwordLockout: off\n").unwrap();
    lab.server.set("list-lenient", "passwordRetryCount", &["9"]).unwrap();
    lab.server.set("list-lenient", "accountUnlockTime", &[AHEAD]).unwrap();

    let found = listed(lab);
    let names: Vec<&str> = found
        .keys()
        .map(String::as_str)
        .filter(|name| name.starts_with("list-"))
        .collect();
    assert_eq!(names, ["list-locked"]);
    let (account, by_itself) = (&found["list-locked"], lab.account("list-locked"));
    assert_eq!((&account.id, &account.lock), (&by_itself.id, &by_itself.lock));
    let LockState::Locked(lock) = &account.lock else {
        unreachable!("it was compared")
    };
    assert!(
        lock.scope.as_deref().is_some_and(|scope| scope.contains("alone")),
        "{lock:?}"
    );
    assert_ne!(account.protection, Protection::None);
    assert!(account.groups.is_err() && account.password_marker.is_none());
}

/// A filter on what the operator may not see finds nobody: that must not look like an empty list.
#[test]
fn a_right_that_is_missing_is_said_and_no_empty_list() {
    let hidden = r#"(targetattr != "userPassword || aci || accountUnlockTime")"#;
    let rights: Vec<String> = Options::default()
        .rights
        .into_iter()
        .map(|rule| rule.replace(r#"(targetattr != "userPassword || aci")"#, hidden))
        .collect();
    assert!(rights.iter().any(|rule| rule.contains(hidden)), "{rights:?}");
    let options = Options {
        rights,
        ..Options::default()
    };
    let Some(lab) = Lab::with(&options, |_| {}) else { return };
    match lab.wait(lab.directory.locked(&call(), None)) {
        Err(ReadFailure::Failed(failure)) => {
            assert_eq!(failure.class, FailureClass::NeedsConfig, "{failure:?}");
            assert!(failure.public.contains("accountUnlockTime"), "{}", failure.public);
        }
        other => panic!("{other:?}"),
    }
}
