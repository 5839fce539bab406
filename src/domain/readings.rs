//! What was read of the accounts, seen from the Directory at hand, and how a step stands by it. Nothing is decided here.

use crate::api::account::Claim;
use crate::domain::{
    account::{AccountRead, Capabilities, LockState, Moved, Step},
    decide::after,
    decision::{Decision, Fact},
    ledger,
    observed::{AccountSeen, DirectoryView, Observed},
};
use jiff::Timestamp;

impl<'a> Observed<'a> {
    /// The Directory of this name, where it is one that may concern the request.
    pub fn find(&self, name: &str) -> Option<&'a DirectoryView> {
        self.directories.iter().find(|directory| directory.name == name)
    }

    /// The same, with this Directory at hand.
    pub fn within(&self, name: &str) -> Observed<'a> {
        Observed {
            directory: self.find(name),
            ..*self
        }
    }

    /// The name of the Directory at hand.
    pub fn place(&self) -> &'a str {
        let named = &self.request.directory;
        self.directory.map_or(named, |directory| &directory.name)
    }

    /// The account that the request names, and its Directory, where another one is at hand.
    pub fn origin(&self) -> Option<(&'a DirectoryView, &'a AccountRead)> {
        let named = &self.request.directory;
        let directory = self.find(named).filter(|_| self.place() != named)?;
        Some((directory, self.facts.read_in(named)?))
    }

    /// The account in the Directory at hand, as it was read in this pass.
    pub fn reading(&self) -> Option<&'a AccountSeen> {
        self.facts.readings.get(&self.directory?.name)
    }

    /// The reading of the account, where it was made after the last send.
    pub fn last_reading(&self) -> Option<&'a AccountSeen> {
        self.reading().filter(|seen| seen.after == self.progress.sends.len())
    }

    /// Reads the account of this id in the Directory at hand.
    pub fn read(&self, id: &str, server: Option<&String>, back: bool) -> Fact {
        Fact::Read {
            directory: self.place().to_owned(),
            id: id.to_owned(),
            server: server.cloned(),
            back,
        }
    }

    /// Whether the Directory is there and can be asked.
    pub fn can_read(&self) -> bool {
        self.directory
            .is_some_and(|directory| directory.trouble.is_none() && !directory.suspended)
    }

    /// Whether the account was read after the last send, and just now.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.last_reading()
            .is_some_and(|seen| now < after(seen.at, self.timing.reading_age))
    }

    /// Reads the account again, from the server that was read before.
    pub fn read_again(&self, account: &AccountRead, back: bool) -> Decision {
        Decision::Gather(self.read(&account.id, account.server.as_ref(), back))
    }

    /// How the password's marker moved since the claim.
    pub fn password_moved(&self, claim: &Claim, account: &AccountRead) -> Moved {
        let (before, now) = (claim.marker.as_deref(), account.password_marker.as_deref());
        self.directory.map_or_else(
            || Capabilities::default().moved(before, now),
            |directory| directory.capabilities.moved(before, now),
        )
    }

    /// The name of an account's ledger object in the Directory at hand.
    pub fn ledger_name(&self, id: &str) -> Option<String> {
        self.directory
            .map(|directory| ledger::account_name(&directory.provider, &directory.upstream, id))
    }
}

/// How a state-setting step stands, by a reading made after it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// As desired.
    Yes,
    /// Not, and nothing else happened.
    No,
    /// The account was locked anew.
    LockedAgain,
    /// That cannot be read.
    Unreadable,
}

/// Whether the account is in the state that this step sets. `stamp`: the lock stamp from before.
pub fn reached(step: Step, account: &AccountRead, stamp: Option<&str>) -> Reached {
    match step {
        Step::Unlock => match &account.lock {
            LockState::NotLocked => Reached::Yes,
            LockState::Unknown(_) => Reached::Unreadable,
            LockState::Locked(_) if account.lock_stamp.as_deref() == stamp => Reached::No,
            LockState::Locked(_) => Reached::LockedAgain,
        },
        Step::RequireChange => match account.must_change {
            Some(true) => Reached::Yes,
            Some(false) => Reached::No,
            None => Reached::Unreadable,
        },
        // Nothing upstream shows these; the marked ones have their marker.
        Step::SetPassword | Step::SendLink | Step::RevokeSessions => Reached::Yes,
    }
}
