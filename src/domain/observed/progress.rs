//! What one process has done for one request, and what of it later decisions go by. Deciding is not done here.

use super::Facts;
use crate::{
    api::{
        Reason,
        account::Claim,
        request_status::{AccountReference, Lockout, PolicyReference},
    },
    domain::{
        account::{AccountRead, Failure, Proof, ReadFailure, Sent, Step},
        busy::Busy,
        decision::{Ending, Waiting},
        queue::Promise,
    },
};
use jiff::{SignedDuration, Timestamp};
use std::{collections::BTreeMap, time::Duration};

/// What this process has done for one request. Lost with the process: then the claim speaks. What a request that only
/// waits has not is boxed: thousands may wait.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// What was sent, oldest first.
    pub sends: Vec<Send>,
    /// The open claim of this request, ours or found.
    pub claim: Option<Box<ClaimSeen>>,
    /// The last send that did not work, and how many times in a row.
    pub failure: Option<Box<Setback>>,
    /// The last readings of the account that did not work, by Directory, and how many times in a row.
    pub unread: BTreeMap<String, Setback>,
    /// Since when it waits.
    pub waiting_since: Option<Timestamp>,
    /// Since when its status says something else than how it stands; `None` while it says just that.
    pub unsaid_since: Option<Timestamp>,
    /// The lock as first read.
    pub lockout: Option<Box<Lockout>>,
    /// What the one sign-in with the derived password showed.
    pub proof: Option<Proof>,
    /// Whether this process recorded that it uses up that sign-in, and has not made it yet.
    pub proving: bool,
    /// Whether it has waited for somebody to clear a lock by hand: nothing is done to the account while that lock lasts.
    pub by_hand: bool,
    /// The claim of another request that it waits for.
    pub busy: Option<Box<Busy>>,
    /// What it was told of its turn.
    pub promise: Option<Promise>,
    /// The Directory to which the one that the request names led, when its account was looked up last.
    pub led: Option<String>,
    /// The account that is acted on, once something was sent.
    pub target: Option<Box<Acting>>,
    /// The steps of the claim that is ours.
    pub plan: Vec<Step>,
    /// The ending that stands as soon as the Directory that the request names follows the one that was acted in.
    pub outstanding: Option<Box<Ending>>,
}

impl Progress {
    /// The last send of this step.
    pub fn last(&self, step: Step) -> Option<&Send> {
        self.sends.iter().rev().find(|send| send.step == step)
    }

    /// How often this step was sent.
    pub fn count(&self, step: Step) -> usize {
        self.sends
            .iter()
            .filter(|send| send.step == step && !matches!(send.result, Sent::NotSent(_)))
            .count()
    }

    /// Takes down what came of a send, with what went into the same write.
    pub fn record_with(&mut self, step: Step, also: &[Step], at: Timestamp, lock_stamp: Option<String>, result: Sent) {
        let shared = matches!(result, Sent::Done | Sent::Unknown(_)).then(|| result.clone());
        self.record(step, at, lock_stamp.clone(), result);
        if let Some(result) = shared {
            for other in also {
                self.record(*other, at, lock_stamp.clone(), result.clone());
            }
        }
    }

    /// Takes down what came of a send. What never reached the directory, or was refused for a reason that passes, is a
    /// setback and no send.
    pub fn record(&mut self, step: Step, at: Timestamp, lock_stamp: Option<String>, result: Sent) {
        match result {
            Sent::NotSent(failure) => self.set_back(at, failure),
            // What is left after the reset itself must not keep its password from the owner until an administrator acts.
            Sent::Refused(failure) if failure.passes() && !self.is_final(step, &failure) => {
                self.set_back(at, failure);
            }
            result => {
                self.failure = None;
                self.sends.push(Send {
                    step,
                    at,
                    lock_stamp,
                    result,
                });
            }
        }
    }

    /// Whether nobody waits until an administrator grants a right that this step lacks: the reset is done, its owner
    /// waits for it, and the rest of the plan is told as it is.
    fn is_final(&self, step: Step, failure: &Failure) -> bool {
        failure.needs_config() && (step == Step::RevokeSessions || self.is_marked())
    }

    /// Takes down a send that did not work.
    pub fn set_back(&mut self, at: Timestamp, failure: Failure) {
        let before = self.failure.take().map(|before| *before);
        self.failure = Some(Box::new(Setback::after(before, at, failure)));
    }

    /// Takes down what came of a reading of the account in this Directory. One that works says nothing about sends, and ends what others
    /// before it had to wait for.
    pub fn was_read(&mut self, directory: &str, at: Timestamp, result: &Result<AccountRead, ReadFailure>) {
        let before = self.unread.remove(directory);
        if let Err(ReadFailure::Failed(failure)) = result {
            let setback = Setback::after(before, at, failure.clone());
            self.unread.insert(directory.to_owned(), setback);
        }
    }

    /// Takes down what it waits for, and whether its status says something else. Where it waits for another request's
    /// claim, the ledger tells when that is gone.
    pub fn waits(&mut self, now: Timestamp, waiting: &Waiting, facts: &Facts, unsaid: bool) {
        self.waiting_since.get_or_insert(now);
        self.promise = waiting.promise;
        // Who waits without having looked has learned nothing new.
        if waiting.elsewhere.is_some() || !facts.readings.is_empty() {
            self.led.clone_from(&waiting.elsewhere);
        }
        self.by_hand |= waiting.reason == Reason::AwaitingManualAction;
        self.unsaid_since = unsaid.then(|| self.unsaid_since.unwrap_or(now));
        let ledger = facts.ledger.as_ref().filter(|_| waiting.reason == Reason::AccountBusy);
        self.busy = ledger.map(|seen| {
            Box::new(Busy {
                ledger: seen.name.clone(),
                waiting: waiting.clone(),
            })
        });
    }

    /// What was to be done is done, verified and recorded, and only the Directory that the request names is behind.
    pub fn hand_over(&mut self, ending: &Ending) {
        let ending = Ending {
            closing: None,
            ..ending.clone()
        };
        *self = Progress {
            outstanding: Some(Box::new(ending)),
            lockout: self.lockout.take(),
            waiting_since: self.waiting_since,
            ..Progress::default()
        };
    }

    /// The wall clock was set by so much: what time is measured from moves along, so that no quarantine and no pause
    /// becomes shorter or longer by it.
    pub fn shift(&mut self, by: SignedDuration) {
        let times = self.sends.iter_mut().map(|send| &mut send.at);
        let setbacks = self.failure.as_deref_mut().into_iter().chain(self.unread.values_mut());
        let times = times.chain(setbacks.map(|setback| &mut setback.at));
        let since = [self.waiting_since.as_mut(), self.unsaid_since.as_mut()];
        if let Some(promise) = &mut self.promise {
            promise.at = promise.at.saturating_add(by).unwrap_or(promise.at);
        }
        for time in times.chain(since.into_iter().flatten()) {
            *time = time.saturating_add(by).unwrap_or(*time);
        }
    }

    /// The claim was taken over or renewed: an uncertain marked step was proven undone, or stands in the claim as done.
    pub fn taken_over(&mut self, plan: Vec<Step>) {
        for send in self.sends.iter_mut().filter(|send| send.step.is_marked()) {
            // Kept, so that a reading made before the next send never counts as one made after it.
            if let Sent::Unknown(failure) = &send.result {
                send.result = Sent::NotSent(failure.clone());
            }
        }
        self.plan = plan;
    }

    /// Whether the marked step is known to be done: sent and acknowledged here, or written down in the claim.
    pub fn is_marked(&self) -> bool {
        let done = |send: &Send| send.step.is_marked() && send.result == Sent::Done;
        self.claim.as_ref().is_some_and(|seen| seen.claim.marked) || self.sends.iter().any(done)
    }

    /// Whether anything reached the directory, as far as is known.
    pub fn has_sent(&self) -> bool {
        self.sends.iter().any(|send| !matches!(send.result, Sent::NotSent(_)))
    }

    /// Whether something was sent that may have had an effect.
    pub fn has_effect(&self) -> bool {
        self.sends
            .iter()
            .any(|send| matches!(send.result, Sent::Done | Sent::Unknown(_)))
    }
}

/// The account that is acted on without a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acting {
    /// The Directory.
    pub directory: String,
    /// The account that the request names, where that is another one.
    pub named: Option<AccountReference>,
    /// Its immutable id.
    pub id: String,
    /// The server, where the upstream has several.
    pub server: Option<String>,
    /// The policy that permitted it.
    pub policy: Option<PolicyReference>,
}

/// One send to the directory.
#[derive(Clone, Debug)]
pub struct Send {
    /// What.
    pub step: Step,
    /// When.
    pub at: Timestamp,
    /// The lock stamp as it was before.
    pub lock_stamp: Option<String>,
    /// What came of it.
    pub result: Sent,
}

/// An open claim of the request.
#[derive(Clone, Debug)]
pub struct ClaimSeen {
    /// The name of the Account object.
    pub account: String,
    /// The immutable id of the account upstream.
    pub id: String,
    /// When it was charged.
    pub charged: Timestamp,
    /// The claim.
    pub claim: Claim,
    /// Whether this process wrote it and nothing under it is uncertain.
    pub ours: bool,
    /// Whether the time in which we may send under it has not run out, by this machine's boot-time clock.
    pub usable: bool,
    /// Whether nobody else can have taken it over: this process wrote it last, and so short a time ago that every other
    /// one still leaves it alone.
    pub firm: bool,
    /// How long nothing may have been sent under it, by this process's own boot-time clock: since it was first seen; for
    /// one of ours, since our last send.
    pub quiet_for: Duration,
}

/// Something that did not work.
#[derive(Clone, Debug)]
pub struct Setback {
    /// When.
    pub at: Timestamp,
    /// What.
    pub failure: Failure,
    /// How many times in a row.
    pub count: u32,
}

impl Setback {
    /// One more after those before it.
    fn after(before: Option<Setback>, at: Timestamp, failure: Failure) -> Self {
        let count = before.map_or(1, |setback| setback.count.saturating_add(1));
        Setback { at, failure, count }
    }
}
