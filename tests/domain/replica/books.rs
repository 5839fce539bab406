//! How one operator keeps the ledger: reads it, closes what ended, and sweeps what nobody will close.

use super::Replica;
use crate::{calls::holds, world::World};
use jiff::Timestamp;
use readmit::{
    api::{Outcome, account::AccountFields},
    domain::{ledger::Closing, observed::LedgerSeen},
};
use std::time::Duration;

impl Replica {
    /// An object that this process has not seen is taken for absent; what is to be closed rides along.
    pub(super) fn ledger(&mut self, world: &World, uid: &str, name: String) -> LedgerSeen {
        let object = world.object.clone().filter(|_| self.knows);
        if let Some(object) = object.as_ref().filter(|object| holds(&object.fields, uid)) {
            self.learn(world, object.clone());
        }
        LedgerSeen {
            name,
            resource_version: object.as_ref().map(|object| object.version.to_string()),
            fields: object.map(|object| self.with_pending(object.fields, world.now)),
        }
    }

    fn with_pending(&self, mut fields: AccountFields, now: Timestamp) -> AccountFields {
        for (uid, closing) in &self.pending {
            fields.ledger = closing.apply(&fields.ledger, uid, now);
        }
        fields
    }

    /// Writes the results that are still to be closed.
    pub fn flush(&mut self, world: &mut World) {
        if let Some(object) = world.object.clone() {
            let fields = self.with_pending(object.fields, world.now);
            world.write(fields, Some(object.version)).unwrap();
        }
        self.pending.clear();
        self.watch(world);
    }

    /// Closes claims that no request will close, as the sweeper does.
    pub fn sweep(&mut self, world: &mut World) {
        self.watch(world);
        let due = self.claims.iter().find(|(uid, found)| {
            let known = world.now.duration_since(found.since);
            Duration::try_from(known).unwrap() >= world.timing.quarantine && !self.works.contains_key(*uid)
        });
        let Some(uid) = due.map(|(uid, _)| uid.clone()) else {
            return;
        };
        let live = world.requests.iter().flatten().find(|request| request.uid == uid);
        let closing = match live.and_then(|request| request.status.outcome) {
            None if live.is_some() => return,
            Some(Outcome::Succeeded | Outcome::Failed) => Closing::Done,
            Some(Outcome::Denied | Outcome::Expired) => Closing::Refund,
            Some(Outcome::Unknown) | None => Closing::Unknown,
        };
        self.pending.push((uid, closing));
        self.flush(world);
    }
}
