//! One operator: gather, decide, act, as `controller/pass.rs` and its neighbours do, over a [`World`] of plain values.
//! A crash loses everything here; what counts must stand in the world.
//!
//! A pass is begun and then carried on one step at a time, so that others may come in between: each step carries out what
//! the one before decided, and decides what is next. [`Replica::pass`] makes a whole pass.

use super::{
    calls::name,
    truth::Rule,
    world::{Object, World},
};
use jiff::Timestamp;
use readmit::{
    api::{
        RequestStatus,
        account::{Claim, Derivation, LedgerEntry},
        condition::types,
    },
    domain::{
        decide::{after, decide},
        decision::{Decision, Effect, Ending, Fact, Waiting},
        ledger::{self, Closing},
        observed::{ClaimSeen, Facts, Observed, Progress},
        request::Request,
        status::{self, Pause},
    },
};
use std::{collections::BTreeMap, time::Duration};

mod acts;
mod books;
mod facts;

/// More than any plan needs.
const ROUNDS: usize = 40;

/// Nothing is looked at again sooner.
const SOON: Duration = Duration::from_millis(20);

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

#[derive(Clone, Default)]
pub struct Replica {
    /// Boxed, as what moves with every step.
    pub works: BTreeMap<String, Box<Work>>,
    pub claims: BTreeMap<String, Found>,
    /// Whether it knows that the Account object exists.
    pub knows: bool,
    /// Results that are not in the ledger yet, and since when there are any.
    pub pending: Vec<(String, Closing)>,
    pub pending_since: Option<Timestamp>,
    points: Option<u8>,
}

#[derive(Clone, Default)]
pub struct Work {
    pub progress: Progress,
    pub held: Option<Held>,
    pub prepared: Option<Prepared>,
    /// The writer of the claim as it wrote it again last, and until when every other operator leaves that alone.
    pub rewritten: Option<(String, Timestamp)>,
    /// The pass that is under way.
    pub pass: Option<Box<Pass>>,
    said: Option<Said>,
}

/// The wait that was told last, and what was known then.
#[derive(Clone)]
struct Said {
    known: Known,
    reason: String,
    message: String,
}

/// What may make a wait be told in other words.
#[derive(Clone, PartialEq)]
struct Known {
    /// How many things had happened from outside.
    events: u64,
    /// Whether another operator's word stands in the status, that the work was done where the credentials live: this one
    /// may have found nothing to do there, since a reply of that one was lost.
    recorded: bool,
    /// The failures that it waits for. What happens outside is known only once a call has met it: another failure comes
    /// with words of its own.
    failures: Vec<String>,
}

#[derive(Clone, PartialEq)]
pub struct Held {
    pub object: Object,
    pub claim: Claim,
    pub until: Timestamp,
}

#[derive(Clone)]
pub struct Found {
    pub object: Object,
    pub entry: LedgerEntry,
    pub since: Timestamp,
}

#[derive(Clone, PartialEq)]
pub struct Prepared {
    pub nonce: String,
    pub derivation: Derivation,
    pub value: String,
}

/// A pass that is under way.
#[derive(Clone)]
pub struct Pass {
    /// The request as it was when the pass began.
    pub request: Request,
    pub facts: Facts,
    /// What is to be carried out.
    pub next: Next,
    asked: Option<Fact>,
    rounds: usize,
}

/// What was decided and is to be carried out.
#[derive(Clone, Debug)]
pub enum Next {
    Nothing,
    Gather(Fact),
    Act(Effect),
    Finish(Box<Ending>),
    Wait(Box<Waiting>, Box<Pause>),
}

impl Next {
    /// Whether carrying it out neither sees nor changes anything that another operator changes or sees.
    pub fn is_private(&self) -> bool {
        match self {
            Next::Gather(fact) => matches!(
                fact,
                Fact::MayUse(_) | Fact::MayUseAny | Fact::MayInspect(_) | Fact::NamespaceLabels | Fact::Prepare { .. }
            ),
            Next::Wait(_, pause) => pause.write.is_none(),
            Next::Nothing => true,
            Next::Act(_) | Next::Finish(_) => false,
        }
    }
}

/// How far a pass is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// There is more to carry out.
    On,
    /// It is over, and is to be made again then.
    Again(Timestamp),
    /// It is over, and there is nothing more to do.
    Over,
}

/// Why a pass was broken off.
enum Broken {
    Crash,
    Changed,
}

impl Work {
    fn known(&self, world: &World, request: &Request) -> Known {
        let mut conditions = request.status.conditions.iter();
        let Progress { failure, unread, .. } = &self.progress;
        let setbacks = failure.as_deref().into_iter().chain(unread.values());
        Known {
            events: world.events,
            recorded: conditions.any(|condition| condition.r#type == types::DONE_AT_SOURCE),
            failures: setbacks.map(|setback| setback.failure.public.clone()).collect(),
        }
    }

    /// Whether it wrote this claim again last, and nobody else can have taken it over since.
    fn rewrote(&self, world: &World, claim: &Claim) -> bool {
        let last = self.rewritten.as_ref();
        last.is_some_and(|(writer, until)| *writer == claim.writer && world.now < *until)
    }
}

impl Replica {
    /// A whole pass over one request.
    pub fn pass(&mut self, world: &mut World, index: usize, how: How) -> Result<Option<Timestamp>, Crash> {
        self.points = how.crash;
        if !how.lag {
            self.watch(world);
        }
        let Some(request) = world.requests[index].clone() else {
            return Ok(None);
        };
        let uid = request.uid.clone();
        world.advance(Duration::from_millis(5));
        self.begin(world, request);
        loop {
            match self.carry_on(world, index, &uid, how)? {
                Passed::On => {}
                Passed::Again(at) => return Ok(Some(at)),
                Passed::Over => return Ok(None),
            }
            world.advance(Duration::from_millis(5));
            self.decide_next(world, &uid);
        }
    }

    /// Begins a pass over a request as its watch shows it.
    pub fn begin(&mut self, world: &mut World, request: Request) {
        let uid = request.uid.clone();
        self.works.entry(uid.clone()).or_default().pass = Some(Box::new(Pass {
            request,
            facts: Facts::default(),
            next: Next::Nothing,
            asked: None,
            rounds: 0,
        }));
        self.decide_next(world, &uid);
    }

    /// Carries out what was decided last. Where there is more to come, it is still to be decided.
    pub fn carry_on(&mut self, world: &mut World, index: usize, uid: &str, how: How) -> Result<Passed, Crash> {
        let Some((mut work, mut pass)) = self.take(uid) else {
            return Ok(Passed::Over);
        };
        match self.carry_out(world, index, &mut work, &mut pass, how) {
            Ok(passed) => {
                if passed == Passed::On {
                    work.pass = Some(pass);
                }
                if passed != Passed::Over {
                    self.works.insert(uid.to_owned(), work);
                }
                Ok(passed)
            }
            Err(Broken::Changed) => {
                self.works.insert(uid.to_owned(), work);
                Ok(Passed::Again(after(world.now, Duration::from_millis(100))))
            }
            Err(Broken::Crash) => {
                world.truth.hidden.insert(uid.to_owned());
                Err(Crash)
            }
        }
    }

    /// Decides what is to be carried out next in the pass that is under way.
    pub fn decide_next(&mut self, world: &mut World, uid: &str) {
        let Some((mut work, mut pass)) = self.take(uid) else {
            return;
        };
        pass.rounds += 1;
        assert!(
            pass.rounds <= ROUNDS,
            "the decision does not come to an end; last asked for {:?}",
            pass.asked
        );
        work.progress.claim = self.seen(world, &pass.request, &work).map(Box::new);
        let directories = world.directories();
        let observed = Observed {
            timing: &world.timing,
            request: &pass.request,
            enforcement: &world.enforcement,
            policies: &world.policies,
            directory: directories.iter().find(|view| view.name == pass.request.directory),
            directories: &directories,
            facts: &pass.facts,
            progress: &work.progress,
        };
        pass.next = match decide(world.now, &observed) {
            Decision::Ignore => Next::Nothing,
            Decision::Gather(fact) => Next::Gather(fact),
            Decision::Act(effect) => Next::Act(effect),
            Decision::Finish(ending) => Next::Finish(ending),
            Decision::Wait(waiting) => {
                let sealed = work.prepared.as_ref().map(|prepared| prepared.value.clone());
                let pause = status::waits(world.now, &observed, &waiting, &[], sealed);
                work.progress.waits(world.now, &waiting, &pass.facts, pause.unsaid);
                let now = world.now;
                world.truth.demand(pause.until > now, Rule::Warranted, || {
                    format!("waits until the past for {}", waiting.reason)
                });
                Next::Wait(waiting, Box::new(pause))
            }
        };
        work.pass = Some(pass);
        self.works.insert(uid.to_owned(), work);
    }

    fn take(&mut self, uid: &str) -> Option<(Box<Work>, Box<Pass>)> {
        let mut work = self.works.remove(uid)?;
        match work.pass.take() {
            Some(pass) => Some((work, pass)),
            None => {
                self.works.insert(uid.to_owned(), work);
                None
            }
        }
    }

    fn carry_out(
        &mut self,
        world: &mut World,
        index: usize,
        work: &mut Work,
        pass: &mut Pass,
        how: How,
    ) -> Result<Passed, Broken> {
        match std::mem::replace(&mut pass.next, Next::Nothing) {
            Next::Nothing => {
                let over = pass.request.is_finished() || pass.request.deleting;
                world
                    .truth
                    .demand(over, Rule::Warranted, || "a live request is given up".into());
                Ok(Passed::Over)
            }
            Next::Gather(fact) => {
                assert_ne!(
                    pass.asked.as_ref(),
                    Some(&fact),
                    "the same fact is asked for twice in a row"
                );
                pass.asked = Some(fact.clone());
                self.gather(world, &pass.request, work, &mut pass.facts, fact)?;
                Ok(Passed::On)
            }
            Next::Act(effect) => {
                (pass.asked, work.said) = (None, None);
                self.point()?;
                self.act(world, pass, work, effect, how)?;
                self.point()?;
                Ok(Passed::On)
            }
            Next::Finish(ending) => {
                self.finish(world, index, &pass.request, work, &ending)?;
                Ok(Passed::Over)
            }
            Next::Wait(waiting, pause) => {
                self.wait(world, index, &pass.request, work, &waiting, &pause)?;
                // Its time may have come while the process stood still.
                Ok(Passed::Again(pause.until.max(after(world.now, SOON))))
            }
        }
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
                account: name(&held.object.fields),
                id: held.object.fields.id.clone(),
                charged: charged.unwrap_or(request.created),
                claim: held.claim.clone(),
                ours: true,
                usable: world.now < held.until,
                firm: world.now < held.until || work.rewrote(world, &held.claim),
                quiet_for: quiet_for(world, work),
            });
        }
        let found = self.claims.get(&request.uid)?;
        let claim = found.entry.claim.clone()?;
        Some(ClaimSeen {
            account: name(&found.object.fields),
            id: found.object.fields.id.clone(),
            charged: found.entry.time,
            ours: false,
            usable: false,
            firm: work.rewrote(world, &claim),
            claim,
            quiet_for: Duration::try_from(world.now.duration_since(found.since)).unwrap(),
        })
    }

    fn finish(
        &mut self,
        world: &mut World,
        index: usize,
        request: &Request,
        work: &mut Work,
        ending: &Ending,
    ) -> Result<(), Broken> {
        if self.seen(world, request, work).is_some_and(|seen| !seen.firm) {
            return Err(Broken::Changed);
        }
        super::calls::check_ending(world, ending);
        let prepared = work.prepared.take().filter(|_| ending.deliver);
        let sealed = prepared.map(|prepared| prepared.value);
        let status: RequestStatus = status::ended(world.now, request, ending, &[], sealed);
        self.point()?;
        let by_another = !world.record(index, &request.uid, &request.status, status);
        self.point()?;
        // Where another operator was first, its word closes the claim.
        if let Some(closing) = ending.closing.filter(|_| !by_another) {
            self.pending.push((request.uid.clone(), world.closing(closing)));
            self.pending_since.get_or_insert(world.now);
        }
        if !by_another {
            self.claims.remove(&request.uid);
        }
        Ok(())
    }

    fn wait(
        &mut self,
        world: &mut World,
        index: usize,
        request: &Request,
        work: &mut Work,
        waiting: &Waiting,
        pause: &Pause,
    ) -> Result<(), Broken> {
        let said = Said {
            known: work.known(world, request),
            reason: waiting.reason.to_string(),
            message: waiting.message.clone(),
        };
        if let Some(before) = &work.said
            && before.known == said.known
            && before.reason == said.reason
            // A pause after a failure says what failed. Once it is over, what comes next is told.
            && !before.known.failures.contains(&before.message)
        {
            assert_eq!(
                before.message, said.message,
                "the same wait is told in other words, though nothing happened"
            );
        }
        work.said = Some(said);
        if let Some(status) = pause.write.clone() {
            self.point()?;
            if !world.record(index, &request.uid, &request.status, status) {
                return Ok(());
            }
            self.point()?;
        }
        if let Some(ending) = waiting.outstanding.as_ref().filter(|_| !pause.unsaid) {
            if let Some(closing) = ending.closing {
                self.pending.push((request.uid.clone(), world.closing(closing)));
                self.pending_since.get_or_insert(world.now);
                self.claims.remove(&request.uid);
            }
            (work.held, work.prepared) = (None, None);
            work.progress.hand_over(ending);
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
