//! How one operator finds out a fact, and follows the claims of all.

use super::{
    super::{
        calls::{holds, prepare, took_down},
        world::{Object, World},
    },
    Broken, Found, Replica, Work,
};
use readmit::{
    api::account::LedgerEntry,
    domain::{account::Step, decision::Fact, ledger, observed::Facts, request::Request},
};

impl Replica {
    /// Follows the claims.
    pub fn watch(&mut self, world: &World) {
        match &world.object {
            Some(object) => self.learn(world, object.clone()),
            None => self.claims.clear(),
        }
    }

    pub(super) fn learn(&mut self, world: &World, object: Object) {
        self.knows = true;
        let open = ledger::open(&object.fields.ledger).cloned();
        let writer = |entry: &LedgerEntry| entry.claim.as_ref().map(|claim| claim.writer.clone());
        let Some(entry) = open else { return self.claims.clear() };
        let since = self
            .claims
            .get(&entry.uid)
            .filter(|found| writer(&found.entry) == writer(&entry));
        let since = since.map_or(world.now, |found| found.since);
        self.claims.clear();
        self.claims.insert(entry.uid.clone(), Found { object, entry, since });
    }

    pub(super) fn gather(
        &mut self,
        world: &mut World,
        request: &Request,
        work: &mut Work,
        facts: &mut Facts,
        fact: Fact,
    ) -> Result<(), Broken> {
        match fact {
            Fact::MayUse(policy) => {
                facts.may_use.insert(policy, world.may_use);
            }
            Fact::MayUseAny => facts.may_use_any = Some(world.may_use),
            Fact::MayInspect(directory) => drop(facts.may_inspect.insert(directory, false)),
            Fact::NamespaceLabels => facts.namespace_labels = Some(Default::default()),
            Fact::Find { directory, .. } | Fact::Read { directory, .. } => {
                let read = world.read_in(&directory).ok_or(Broken::Changed)?;
                took_down(world, work, facts, directory, read);
            }
            Fact::Ledger { name } => facts.ledger = Some(self.ledger(world, &request.uid, name)),
            Fact::Prepare {
                length,
                recipients,
                again,
                ..
            } => {
                let prepared = prepare(world, request, length, recipients, again.as_deref());
                facts.prepared = Some(Ok(prepared.derivation.clone()));
                work.prepared = Some(prepared);
            }
            Fact::LinkSent { .. } => {
                let sent = world.truth.of(&request.uid, Step::SendLink).count() > 0;
                facts.link_sent = Some(sent && !world.upstream.down);
            }
            Fact::ClaimedElsewhere => {
                let own = world
                    .object
                    .clone()
                    .filter(|object| holds(&object.fields, &request.uid));
                facts.claimed_elsewhere = Some(own.is_some());
                own.into_iter().for_each(|object| self.learn(world, object));
            }
        }
        Ok(())
    }
}
