//! How one operator keeps the ledger: reads it, closes what ended, and sweeps what nobody will close.

use super::{
    super::{calls::holds, world::World},
    Replica,
};
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
        (self.pending, self.pending_since) = (Vec::new(), None);
        self.watch(world);
    }

    /// Closes claims that no request will close, as the sweeper does.
    pub fn sweep(&mut self, world: &mut World) {
        self.watch(world);
        if let Some((uid, closing)) = self.abandoned(world) {
            self.pending.push((uid, world.closing(closing)));
            self.flush(world);
        }
    }

    /// A claim that it has known for long enough, and that no live request will close.
    pub fn abandoned(&self, world: &World) -> Option<(String, Closing)> {
        let quarantined = |since: Timestamp| {
            let known = world.now.duration_since(since);
            Duration::try_from(known).unwrap() < world.timing.quarantine
        };
        let mut due = self
            .claims
            .iter()
            .filter(|(uid, found)| !quarantined(found.since) && !self.works.contains_key(*uid));
        let (uid, _) = due.next()?;
        let live = world.requests.iter().flatten().find(|request| request.uid == *uid);
        let closing = match live.and_then(|request| request.status.outcome) {
            None if live.is_some() => return None,
            Some(Outcome::Succeeded | Outcome::Failed) => Closing::Done,
            Some(Outcome::Denied | Outcome::Expired) => Closing::Refund,
            Some(Outcome::Unknown) | None => Closing::Unknown,
        };
        Some((uid.clone(), closing))
    }
}
