//! Which Account objects a list of locked accounts asks for: one write a change, none where nothing changed. Pure; the
//! shell lists and writes.

use crate::{
    api::{
        account::AccountLockout,
        directory::{Lockouts, PersonalData},
        request_status::Lockout,
    },
    domain::{
        account::{AccountRead, LockState},
        ledger,
    },
};
use std::collections::BTreeMap;

/// The longest text that is stored of an upstream, in characters.
const LONGEST: usize = 256;

/// The accounts that are listed as locked, by the names of their Account objects.
pub type Shown = BTreeMap<String, Locked>;

/// One account that is listed as locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// The upstream's immutable id.
    pub id: String,
    /// What is shown of the lock.
    pub lockout: AccountLockout,
}

/// A write that brings the objects in line with the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Show this lock on the account of this name.
    Show(String, Locked),
    /// The account of this name is locked no more, or no longer shown.
    Clear(String),
}

/// Where accounts are listed.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The Directory's name.
    pub directory: &'a str,
    /// The provider's name.
    pub provider: &'a str,
    /// The upstream's own identity.
    pub upstream: &'a str,
    /// How the Directory wants them shown.
    pub settings: &'a Lockouts,
}

/// Takes a page of accounts into the list. `false` where there is no room for all of them.
pub fn take(shown: &mut Shown, source: Source<'_>, accounts: &[AccountRead]) -> bool {
    for account in accounts {
        let LockState::Locked(lock) = &account.lock else {
            continue;
        };
        let name = ledger::account_name(source.provider, source.upstream, &account.id);
        if shown.len() >= source.settings.max as usize && !shown.contains_key(&name) {
            return false;
        }
        let login = account.login.as_deref().map(bounded);
        let lockout = AccountLockout {
            directory: source.directory.to_owned(),
            login: login.filter(|_| source.settings.personal_data == PersonalData::Login),
            lock: Lockout {
                since: lock.since,
                until: lock.until,
                cause: lock.cause.as_deref().map(bounded),
                scope: lock.scope.as_deref().map(bounded),
            },
        };
        let id = account.id.clone();
        shown.insert(name, Locked { id, lockout });
    }
    true
}

/// What is to be written, where `before` stands in the cluster and `now` was listed.
pub fn changes(before: &Shown, now: &Shown) -> Vec<Change> {
    let gone = before.keys().filter(|name| !now.contains_key(*name));
    let news = now.iter().filter(|(name, locked)| before.get(*name) != Some(locked));
    // What is over goes first: an account that was let in again must not stand there as locked for long.
    gone.map(|name| Change::Clear(name.clone()))
        .chain(news.map(|(name, locked)| Change::Show(name.clone(), locked.clone())))
        .collect()
}

fn bounded(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests;
