//! One operator: gather, decide, act, as `controller/pass.rs` and its neighbours do, over a [`World`] of plain values.
//! A crash loses everything here; what counts must stand in the world.

use crate::{
    calls::{check_ending, holds, name, prepare, send, took_down},
    world::{Object, World},
};
use jiff::Timestamp;
use readmit::{
    api::{
        RequestStatus,
        account::{Claim, Derivation, LedgerEntry},
    },
    domain::{
        account::{Proof, Step},
        decide::{after, decide},
        decision::{Decision, Effect, Ending, Fact, NewClaim, Renewal, Waiting},
        ledger::{self, Closing},
        observed::{ClaimSeen, Facts, Observed, Progress},
        request::Request,
        status,
    },
};
use std::{collections::HashMap, time::Duration};

mod books;

/// More than any plan needs.
const ROUNDS: usize = 40;

/// What goes wrong with a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    LostBefore,
    LostAfter,
    /// The reply is lost, and the effect comes so many seconds later.
    Late(u8),
    Refused,
    Busy,
    NeedsConfig,
    NotSent,
    /// The directory says that it did it, and did not.
    Pretended,
}

/// What goes wrong in a pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct How {
    pub fault: Option<Fault>,
    /// The process ends at the n-th point before or after an effect.
    pub crash: Option<u8>,
    /// The watch of claims lags behind.
    pub lag: bool,
    /// A write of a claim lands, and its answer and the look-up after it are lost.
    pub lost_write: bool,
}

/// The process ended.
pub struct Crash;

#[derive(Default)]
pub struct Replica {
    pub works: HashMap<String, Work>,
    claims: HashMap<String, Found>,
    /// Whether it knows that the Account object exists.
    knows: bool,
    pending: Vec<(String, Closing)>,
    points: Option<u8>,
}

#[derive(Default)]
pub struct Work {
    pub progress: Progress,
    pub held: Option<Held>,
    pub prepared: Option<Prepared>,
    said: Option<(u64, String, String)>,
}

pub struct Held {
    pub object: Object,
    pub claim: Claim,
    pub until: Timestamp,
}

struct Found {
    object: Object,
    entry: LedgerEntry,
    since: Timestamp,
}

pub struct Prepared {
    pub nonce: String,
    pub derivation: Derivation,
    pub value: String,
}

/// Why a pass was broken off.
enum Broken {
    Crash,
    Changed,
}

impl Replica {
    /// One pass over one request.
    pub fn pass(&mut self, world: &mut World, index: usize, how: How) -> Result<Option<Timestamp>, Crash> {
        self.points = how.crash;
        if !how.lag {
            self.watch(world);
        }
        let Some(request) = world.requests[index].clone() else {
            return Ok(None);
        };
        let mut work = self.works.remove(&request.uid).unwrap_or_default();
        match self.rounds(world, index, &request, &mut work, how) {
            Ok(Some(again)) => {
                self.works.insert(request.uid, work);
                Ok(Some(again))
            }
            Ok(None) => Ok(None),
            Err(Broken::Changed) => {
                self.works.insert(request.uid, work);
                Ok(Some(after(world.now, Duration::from_millis(100))))
            }
            Err(Broken::Crash) => {
                world.truth.hidden.insert(request.uid);
                Err(Crash)
            }
        }
    }

    fn rounds(
        &mut self,
        world: &mut World,
        index: usize,
        request: &Request,
        work: &mut Work,
        how: How,
    ) -> Result<Option<Timestamp>, Broken> {
        let (mut facts, mut asked) = (Facts::default(), None);
        for _ in 0..ROUNDS {
            world.advance(Duration::from_millis(5));
            work.progress.claim = self.seen(world, request, work);
            let observed = Observed {
                timing: &world.timing,
                request,
                enforcement: &world.enforcement,
                policies: &world.policies,
                directory: world.directory.as_ref(),
                facts: &facts,
                progress: &work.progress,
            };
            match decide(world.now, &observed) {
                Decision::Ignore => {
                    assert!(request.is_finished() || request.deleting, "a live request is given up");
                    return Ok(None);
                }
                Decision::Gather(fact) => {
                    assert_ne!(asked.as_ref(), Some(&fact), "the same fact is asked for twice in a row");
                    asked = Some(fact.clone());
                    self.gather(world, request, work, &mut facts, fact)?;
                }
                Decision::Act(effect) => {
                    (asked, work.said) = (None, None);
                    self.point()?;
                    self.act(world, request, work, &mut facts, effect, how)?;
                    self.point()?;
                }
                Decision::Finish(ending) => {
                    self.finish(world, index, request, work, &ending)?;
                    return Ok(None);
                }
                Decision::Wait(waiting) => {
                    let pause = status::waits(world.now, &observed, &waiting);
                    work.progress.waits(world.now, &waiting, &facts, pause.unsaid);
                    self.wait(world, index, request, work, &waiting, pause.write)?;
                    assert!(pause.until > world.now, "waits until the past for {}", waiting.reason);
                    return Ok(Some(pause.until));
                }
            }
        }
        panic!("the decision does not come to an end; last asked for {asked:?}");
    }

    /// A point at which the process may end.
    fn point(&mut self) -> Result<(), Broken> {
        match &mut self.points {
            Some(0) => Err(Broken::Crash),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn seen(&self, world: &World, request: &Request, work: &Work) -> Option<ClaimSeen> {
        if let Some(held) = &work.held {
            let charged = ledger::open(&held.object.fields.ledger).map(|entry| entry.time);
            return Some(ClaimSeen {
                account: name(world, &held.object.fields),
                id: held.object.fields.id.clone(),
                charged: charged.unwrap_or(request.created),
                claim: held.claim.clone(),
                ours: true,
                usable: world.now < held.until,
                quiet_for: quiet_for(world, work),
            });
        }
        let found = self.claims.get(&request.uid)?;
        Some(ClaimSeen {
            account: name(world, &found.object.fields),
            id: found.object.fields.id.clone(),
            charged: found.entry.time,
            claim: found.entry.claim.clone()?,
            ours: false,
            usable: false,
            quiet_for: Duration::try_from(world.now.duration_since(found.since)).unwrap(),
        })
    }

    /// Follows the claims.
    pub fn watch(&mut self, world: &World) {
        match &world.object {
            Some(object) => self.learn(world, object.clone()),
            None => self.claims.clear(),
        }
    }

    fn learn(&mut self, world: &World, object: Object) {
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

    fn gather(
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
            Fact::MayInspect => facts.may_inspect = Some(false),
            Fact::NamespaceLabels => facts.namespace_labels = Some(Default::default()),
            Fact::Find | Fact::Read { .. } => {
                world.directory.as_ref().ok_or(Broken::Changed)?;
                let read = world.read();
                took_down(world, work, facts, read);
            }
            Fact::Ledger { name } => facts.ledger = Some(self.ledger(world, &request.uid, name)),
            Fact::Prepare {
                length,
                recipients,
                again,
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

    fn act(
        &mut self,
        world: &mut World,
        request: &Request,
        work: &mut Work,
        facts: &mut Facts,
        effect: Effect,
        how: How,
    ) -> Result<(), Broken> {
        match effect {
            Effect::Claim(new) => self.claim(world, request, work, facts, *new, how),
            Effect::Renew(renewal) => self.renew(world, request, work, renewal),
            Effect::Send { step, .. } => {
                send(world, request, work, facts, step, how.fault);
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
                if let Some(object) = world.object.clone().filter(|object| holds(&object.fields, uid)) {
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
        let (nonce, writer) = (nonce.unwrap_or_else(|| world.nonce()), world.nonce());
        let claim = entry.claim.as_mut().unwrap();
        (claim.nonce, claim.writer) = (nonce, writer);
        let claim = claim.clone();
        fields.ledger.push(entry);
        let until = after(world.now, world.timing.effect_deadline);
        match world.write(fields.clone(), resource_version.map(|version| version.parse().unwrap())) {
            Ok(version) if how.lost_write => {
                let _ = version;
                world.truth.hidden.insert(request.uid.clone());
                Err(Broken::Changed)
            }
            Ok(version) => {
                (self.knows, self.pending) = (true, Vec::new());
                work.progress.taken_over(plan);
                let object = Object { fields, version };
                work.held = Some(Held { object, claim, until });
                Ok(())
            }
            Err(()) => {
                self.knows = true;
                facts.ledger = None;
                Ok(())
            }
        }
    }

    fn renew(&mut self, world: &mut World, request: &Request, work: &mut Work, renewal: Renewal) -> Result<(), Broken> {
        let held = work.held.as_ref().map(|held| held.object.clone());
        let object = held.or_else(|| self.claims.get(&request.uid).map(|found| found.object.clone()));
        let mut object = object.ok_or(Broken::Changed)?;
        let entry = object
            .fields
            .ledger
            .iter_mut()
            .find(|entry| entry.claim.is_some() && entry.uid == request.uid);
        let claim = entry.and_then(|entry| entry.claim.as_mut()).ok_or(Broken::Changed)?;
        claim.writer = world.nonce();
        claim.marked |= renewal.marked;
        claim.proved |= renewal.proved;
        let claim = claim.clone();
        let until = after(world.now, world.timing.effect_deadline);
        let Ok(version) = world.write(object.fields.clone(), Some(object.version)) else {
            work.held = None;
            self.watch(world);
            return Err(Broken::Changed);
        };
        object.version = version;
        match (renewal.take_over, work.held.as_mut()) {
            (Some(plan), _) => {
                work.progress.taken_over(plan);
                work.held = Some(Held { object, claim, until });
            }
            (None, Some(held)) => {
                work.progress.proving = true;
                (held.object, held.claim) = (object, claim);
            }
            (None, None) => {
                work.progress.proving = true;
                if let Some(found) = self.claims.get_mut(&request.uid) {
                    found.entry.claim = Some(claim);
                    found.object = object;
                }
            }
        }
        Ok(())
    }

    fn finish(
        &mut self,
        world: &mut World,
        index: usize,
        request: &Request,
        work: &mut Work,
        ending: &Ending,
    ) -> Result<(), Broken> {
        check_ending(world, ending);
        let sealed = work
            .prepared
            .take()
            .filter(|_| ending.deliver)
            .map(|prepared| prepared.value);
        let status: RequestStatus = status::ended(world.now, request, ending, &[], sealed);
        self.point()?;
        world.record(index, &request.uid, status);
        self.point()?;
        if let Some(closing) = ending.closing {
            self.pending.push((request.uid.clone(), closing));
        }
        self.claims.remove(&request.uid);
        Ok(())
    }

    fn wait(
        &mut self,
        world: &mut World,
        index: usize,
        request: &Request,
        work: &mut Work,
        waiting: &Waiting,
        write: Option<RequestStatus>,
    ) -> Result<(), Broken> {
        let (reason, message) = (waiting.reason.to_string(), waiting.message.clone());
        if let Some((events, before, text)) = &work.said
            && *events == world.events
            && *before == reason
        {
            assert_eq!(
                *text, message,
                "the same wait is told in other words, though nothing happened"
            );
        }
        work.said = Some((world.events, reason, message));
        if let Some(status) = write {
            self.point()?;
            world.record(index, &request.uid, status);
        }
        Ok(())
    }
}

/// How long ago the last send was.
fn quiet_for(world: &World, work: &Work) -> Duration {
    let last = work.progress.sends.last();
    last.map_or(Duration::ZERO, |send| {
        Duration::try_from(world.now.duration_since(send.at)).unwrap()
    })
}
