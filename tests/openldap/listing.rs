//! The list of locked accounts.

use crate::lab::{Lab, call, from_now};
use readmit::{
    directory::Directory,
    domain::account::{AccountRead, FailureClass, LockState, Protection, ReadFailure, Remedy},
};
use std::{collections::BTreeMap, thread::sleep, time::Duration};
use testkit::slapd::{ACCESS, OPERATOR_DN, Options, User, user_dn, usual_users};

const FOR_GOOD: &str = "000001010000Z";

fn pages(lab: &Lab) -> Vec<Vec<AccountRead>> {
    let (mut pages, mut next) = (Vec::new(), None);
    loop {
        let page = lab.wait(lab.directory.locked(&call(), next.as_deref())).unwrap();
        pages.push(page.accounts);
        next = page.next;
        if next.is_none() {
            return pages;
        }
    }
}

fn listed(lab: &Lab) -> BTreeMap<String, AccountRead> {
    let accounts = pages(lab).into_iter().flatten();
    accounts
        .map(|account| (account.login.clone().expect("a login"), account))
        .collect()
}

#[test]
fn the_list_has_who_is_locked_now_by_the_servers_rule() {
    let Some(lab) = Lab::start() else { return };
    for (uid, policy) in [("erik", "two-seconds"), ("fay", "no-lockout"), ("gus", "two-seconds")] {
        lab.slapd.set_policy(uid, policy).unwrap();
    }
    for uid in ["alice", "bob", "erik", "fay"] {
        lab.slapd.lock(uid).unwrap();
    }
    lab.set("dana", "pwdAccountLockedTime", FOR_GOOD);
    lab.set("gus", "pwdAccountLockedTime", FOR_GOOD);
    lab.set("ivan", "pwdEndTime", &from_now(-60));
    lab.slapd.cool_down("hana", &from_now(600)).unwrap();
    assert_eq!(lab.unlock("bob").as_str(), "Done");
    // As long as the lock of two seconds lasts.
    sleep(Duration::from_millis(2_100));

    let found = listed(&lab);
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    // Not bob, who was let in again; not erik, whose lock ran out and whose attribute stays; not fay, whose policy locks
    // nobody; not ivan, whom no unlock would let in.
    assert_eq!(names, ["alice", "dana", "gus", "hana"]);
    for (uid, account) in &found {
        let LockState::Locked(lock) = &account.lock else {
            panic!("{uid}: {:?}", account.lock)
        };
        let by_itself = lab.account(uid);
        assert_eq!(
            (&account.id, &account.lock_stamp),
            (&by_itself.id, &by_itself.lock_stamp)
        );
        assert_eq!(account.lock, by_itself.lock, "{uid}");
        assert_eq!(lock.remedy == Remedy::Time, uid == "hana");
        // A list never says that somebody may be acted on.
        assert_ne!(account.protection, Protection::None);
        assert!(account.groups.is_err() && account.password_marker.is_none());
    }
}

#[test]
fn a_long_list_comes_in_pages_and_misses_nobody() {
    let many: Vec<String> = (0..230).map(|n| format!("many{n:03}")).collect();
    let user = |uid: &String| User {
        uid: uid.clone(),
        ..usual_users().remove(0)
    };
    let options = Options {
        users: many.iter().map(user).collect(),
        ..Options::default()
    };
    let Some(lab) = Lab::with(options, |_| {}) else { return };
    let lock = |uid: &String| {
        format!(
            "dn: {}\nchangetype: modify\nreplace: pwdAccountLockedTime\npwdAccountLockedTime: {FOR_GOOD}\n\n",
            user_dn(uid)
        )
    };
    lab.slapd.modify(&many.iter().map(lock).collect::<String>()).unwrap();
    let pages = pages(&lab);
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [200, 30]);
    let ids: Vec<&String> = pages.iter().flatten().map(|account| &account.id).collect();
    assert!(ids.is_sorted());
    assert_eq!(listed(&lab).into_keys().collect::<Vec<_>>(), many);
}

/// A filter on what the operator may not see finds nobody: that must not look like an empty list.
#[test]
fn a_right_that_is_missing_is_said_and_no_empty_list() {
    let rule = format!("access to attrs=pwdAccountLockedTime\n  by dn.exact=\"{OPERATOR_DN}\" =w\n  by * none\n");
    let options = Options {
        access: format!("{rule}{ACCESS}"),
        ..Options::default()
    };
    let Some(lab) = Lab::with(options, |_| {}) else { return };
    lab.slapd.lock("alice").unwrap();
    match lab.wait(lab.directory.locked(&call(), None)) {
        Err(ReadFailure::Failed(failure)) => {
            assert_eq!(failure.class, FailureClass::NeedsConfig, "{failure:?}");
            assert!(failure.public.contains("pwdAccountLockedTime"), "{}", failure.public);
        }
        other => panic!("{other:?}"),
    }
}

/// slapd gives 500 entries at most unless its limits say otherwise; with paging that counts over all pages.
#[test]
fn a_list_that_the_servers_limit_cuts_off_is_no_short_list() {
    let options = Options {
        extra: format!("limits dn.exact=\"{OPERATOR_DN}\" size=2\n"),
        ..Options::default()
    };
    let Some(lab) = Lab::with(options, |_| {}) else { return };
    for uid in ["alice", "bob", "dana"] {
        lab.set(uid, "pwdAccountLockedTime", FOR_GOOD);
    }
    match lab.wait(lab.directory.locked(&call(), None)) {
        Err(ReadFailure::Failed(failure)) => {
            assert_eq!(failure.class, FailureClass::NeedsConfig, "{failure:?}");
            assert!(failure.public.contains("limit"), "{}", failure.public);
        }
        other => panic!("{other:?}"),
    }
}
