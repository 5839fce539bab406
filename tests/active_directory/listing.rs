//! The list of locked accounts.

use crate::lab::{Lab, call};
use readmit::{
    directory::Directory,
    domain::account::{LockState, Protection, ReadFailure},
};
use std::time::Duration;
use testkit::{samba::person_dn, wait};

fn listed(lab: &Lab) -> Vec<(String, LockState)> {
    let mut found = Vec::new();
    let mut page = None;
    loop {
        let answer = lab.wait(lab.directory.locked(&call(), page.as_deref())).unwrap();
        for account in answer.accounts {
            // A list never says that somebody may be acted on.
            assert_ne!(account.protection, Protection::None);
            assert!(account.groups.is_err() && account.password_marker.is_none());
            found.push((account.id, account.lock));
        }
        page = answer.next;
        if page.is_none() {
            return found;
        }
    }
}

#[test]
fn the_list_has_who_is_locked_now() {
    let Some(lab) = Lab::start() else { return };
    let id = |name: &str| lab.account(name).id;
    lab.samba.add_policy("listed", &person_dn("listed3"), 2).unwrap();
    for name in ["listed1", "listed2", "listed3"] {
        lab.samba.lock(name).unwrap();
    }
    assert_eq!(lab.unlock("listed2").as_str(), "Done");
    let has = |found: &[(String, LockState)], name: &str| {
        let id = id(name);
        found
            .iter()
            .any(|(listed, lock)| *listed == id && matches!(lock, LockState::Locked(_)))
    };
    // Its lock runs out after 2 s; its lockoutTime stays.
    let found = wait::until("listed3's lock to run out", Duration::from_secs(15), || {
        let found = listed(&lab);
        (!has(&found, "listed3")).then_some(found)
    });
    let found = found.unwrap();
    let has = |name: &str| has(&found, name);
    assert!(has("listed1"));
    assert!(!has("listed2"), "it was unlocked; its lockoutTime is 0");
    assert!(!has("calm"), "it was never locked; it has no lockoutTime");
    let ids: Vec<&String> = found.iter().map(|(id, _)| id).collect();
    assert!(ids.is_sorted());
    // Behind the last one there is nothing; before it, the page goes on.
    let last = ids.last().unwrap().as_str();
    let behind = lab.wait(lab.directory.locked(&call(), Some(last))).unwrap();
    assert!(behind.accounts.iter().all(|account| account.id.as_str() > last));
}

#[test]
fn a_provider_without_a_list_says_so() {
    let Some(lab) = Lab::with(|spec| spec.base_dn = Some("OU=None,DC=example,DC=test".into())) else {
        return;
    };
    let failed = lab.wait(lab.directory.locked(&call(), None));
    assert!(matches!(failed, Err(ReadFailure::Failed(_))), "{failed:?}");
}
