//! How one operator carries out an effect: the writes of a claim, a send, a proof.

use super::{
    super::{
        calls::{holds, send},
        world::{Object, World},
    },
    Broken, Held, How, Pass, Replica, Work,
};
use readmit::domain::{
    account::Proof,
    decide::after,
    decision::{Effect, NewClaim, Renewal},
    ledger::{self, Closing},
    observed::Facts,
    request::Request,
};

impl Replica {
    pub(super) fn act(
        &mut self,
        world: &mut World,
        pass: &mut Pass,
        work: &mut Work,
        effect: Effect,
        how: How,
    ) -> Result<(), Broken> {
        let (request, facts) = (&pass.request, &mut pass.facts);
        match effect {
            Effect::Claim(new) => self.claim(world, request, work, facts, *new, how),
            Effect::Renew(renewal) => self.renew(world, request, work, renewal, how),
            Effect::Send { step, also, target } => {
                send(world, request, work, facts, (step, &also, target), how.fault);
                Ok(())
            }
            Effect::Prove => {
                let ours = work
                    .prepared
                    .as_ref()
                    .is_some_and(|prepared| prepared.value == world.upstream.password);
                work.progress.proving = false;
                work.progress.proof = Some(if ours { Proof::Ours } else { Proof::NotProven });
                Ok(())
            }
            Effect::Release => {
                let uid = &request.uid;
                // One that another replica has taken over is not ours to give back.
                let writer = work.held.as_ref().map(|held| held.claim.writer.clone());
                let ours = |object: &Object| {
                    let claim = ledger::open(&object.fields.ledger).and_then(|entry| entry.claim.as_ref());
                    claim.map(|claim| &claim.writer) == writer.as_ref()
                };
                let object = world.object.clone();
                if let Some(object) = object.filter(|object| holds(&object.fields, uid) && ours(object)) {
                    let mut fields = object.fields;
                    fields.ledger = Closing::Refund.apply(&fields.ledger, uid, world.now);
                    world.write(fields, Some(object.version)).unwrap();
                }
                self.claims.remove(uid);
                (work.held, work.prepared) = (None, None);
                (facts.ledger, facts.prepared) = (None, None);
                Ok(())
            }
        }
    }

    fn claim(
        &mut self,
        world: &mut World,
        request: &Request,
        work: &mut Work,
        facts: &mut Facts,
        new: NewClaim,
        how: How,
    ) -> Result<(), Broken> {
        let NewClaim {
            mut fields,
            resource_version,
            mut entry,
            plan,
            ..
        } = new;
        let nonce = work.prepared.as_ref().map(|prepared| prepared.nonce.clone());
        let (nonce, writer) = (
            nonce.unwrap_or_else(|| world.nonce(&request.uid)),
            world.nonce(&request.uid),
        );
        let claim = entry.claim.as_mut().unwrap();
        (claim.nonce, claim.writer) = (nonce, writer);
        let claim = claim.clone();
        fields.ledger.push(entry);
        let until = world.time_to_act();
        match world.write(fields.clone(), resource_version.map(|version| version.parse().unwrap())) {
            Ok(_) if how.lost_write => lost(world, request),
            Ok(version) => {
                self.knows = true;
                (self.pending, self.pending_since) = (Vec::new(), None);
                work.progress.taken_over(plan);
                let object = Object { fields, version };
                work.held = Some(Held { object, claim, until });
                Ok(())
            }
            Err(()) => {
                self.knows = true;
                facts.ledger = None;
                facts.readings.clear();
                Ok(())
            }
        }
    }

    fn renew(
        &mut self,
        world: &mut World,
        request: &Request,
        work: &mut Work,
        renewal: Renewal,
        how: How,
    ) -> Result<(), Broken> {
        let held = work.held.as_ref().map(|held| held.object.clone());
        let object = held.or_else(|| self.claims.get(&request.uid).map(|found| found.object.clone()));
        let mut object = object.ok_or(Broken::Changed)?;
        let entry = object
            .fields
            .ledger
            .iter_mut()
            .find(|entry| entry.claim.is_some() && entry.uid == request.uid);
        let claim = entry.and_then(|entry| entry.claim.as_mut()).ok_or(Broken::Changed)?;
        claim.writer = world.nonce(&request.uid);
        claim.marked |= renewal.marked;
        claim.proved |= renewal.proved;
        if renewal.take_over.is_some() {
            claim.deadline = after(world.now, world.timing.effect_deadline);
        }
        let claim = claim.clone();
        let until = world.time_to_act();
        let Ok(version) = world.write(object.fields.clone(), Some(object.version)) else {
            work.held = None;
            self.watch(world);
            return Err(Broken::Changed);
        };
        if how.lost_write {
            return lost(world, request);
        }
        object.version = version;
        work.rewritten = Some((claim.writer.clone(), until));
        match (renewal.take_over, work.held.as_mut()) {
            (Some(plan), _) => {
                work.progress.taken_over(plan);
                work.held = Some(Held { object, claim, until });
            }
            (None, Some(held)) => {
                work.progress.proving |= renewal.proved;
                (held.object, held.claim) = (object, claim);
            }
            (None, None) => {
                work.progress.proving |= renewal.proved;
                if let Some(found) = self.claims.get_mut(&request.uid) {
                    found.entry.claim = Some(claim);
                    found.object = object;
                }
            }
        }
        Ok(())
    }
}

/// A write landed, and nobody was told.
fn lost(world: &mut World, request: &Request) -> Result<(), Broken> {
    world.truth.hidden.insert(request.uid.clone());
    Err(Broken::Changed)
}
