//! The list of locked accounts.

use crate::lab::{Lab, call, lab};
use readmit::{
    directory::Directory,
    domain::account::{AccountRead, FailureClass, LockState, Protection, ReadFailure, Remedy},
};
use serde_json::json;
use std::collections::BTreeMap;
use testkit::keycloak::person;

fn pages(lab: &Lab) -> Vec<Vec<AccountRead>> {
    let (mut pages, mut next) = (Vec::new(), None);
    loop {
        let page = lab.run(lab.directory.locked(&call(), next.as_deref())).unwrap();
        pages.push(page.accounts);
        next = page.next;
        if next.is_none() {
            return pages;
        }
    }
}

fn listed(lab: &Lab) -> BTreeMap<String, Remedy> {
    let accounts = pages(lab).into_iter().flatten();
    let remedy = |account: AccountRead| match account.lock {
        LockState::Locked(lock) => (account.login.expect("a name"), lock.remedy),
        other => panic!("{other:?}"),
    };
    accounts.map(remedy).collect()
}

/// More people than one page has, and both kinds of lock.
#[test]
fn the_list_has_who_is_locked_now_and_nobody_who_is_merely_disabled() {
    let people: Vec<_> = (0..60).map(|n| person(&format!("crowd{n:02}"), &json!({}))).collect();
    let Some(lab) = lab("listed", &json!({"users": people})) else {
        return;
    };
    lab.person("aaron", &json!({}));
    lab.person("off", &json!({"enabled": false}));
    for name in ["crowd07", "zoe", "again"] {
        if name != "crowd07" {
            lab.person(name, &json!({}));
        }
        lab.server.lock(lab.realm, name);
    }
    assert_eq!(lab.unlock(&lab.server.id(lab.realm, "again")).as_str(), "Done");
    let temporary = ["crowd07", "zoe"].map(|name| (name.to_owned(), Remedy::Clear));
    assert_eq!(listed(&lab), BTreeMap::from(temporary));
    // From now on Keycloak takes every lock for a permanent one, those that stand included.
    lab.admin("PUT", "", Some(&json!({"permanentLockout": true})));
    lab.person("gone", &json!({}));
    lab.server.lock(lab.realm, "gone");
    let permanent = ["crowd07", "gone", "zoe"].map(|name| (name.to_owned(), Remedy::Unlock));
    assert_eq!(listed(&lab), BTreeMap::from(permanent));
    let pages = pages(&lab);
    assert_eq!(pages.len(), 2, "65 people");
    for account in pages.into_iter().flatten() {
        assert_ne!(account.protection, Protection::None);
        assert!(account.groups.is_err() && account.password_marker.is_none());
    }
}

#[test]
fn a_realm_that_would_cost_too_many_calls_is_refused_with_the_reason() {
    let people: Vec<_> = (0..2_001)
        .map(|n| json!({"username": format!("p{n:04}"), "enabled": true}))
        .collect();
    let Some(lab) = lab("crowded", &json!({"users": people})) else {
        return;
    };
    match lab.run(lab.directory.locked(&call(), None)) {
        Err(ReadFailure::Failed(failure)) => {
            assert_eq!(failure.class, FailureClass::Permanent, "{failure:?}");
            assert!(
                failure.public.contains("2000") && failure.public.contains("2001"),
                "{}",
                failure.public
            );
        }
        other => panic!("{other:?}"),
    }
}
