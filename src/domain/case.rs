//! The words for how a request stands: one place that builds endings and waits, so that every one carries the policy,
//! the account and the lock that were known.

use crate::{
    api::{
        Outcome, Reason,
        account::Claim,
        request_status::{AccountReference, Lockout, PolicyReference},
    },
    domain::{
        account::{AccountRead, Capabilities, FailureClass, LockState, Moved, ReadFailure, Step},
        decide::{self, after},
        decision::{Decision, Ending, Fact, Waiting},
        ledger::{self, Closing},
        observed::{AccountSeen, Observed, Setback},
        policy::Policy,
        queue::{self, Promise, Turn},
    },
};
use jiff::Timestamp;
use std::time::Duration;

/// What is known of a request while it is decided.
#[derive(Clone)]
pub struct Case<'a> {
    observed: &'a Observed<'a>,
    policy: Option<PolicyReference>,
    account: Option<AccountReference>,
    lockout: Option<Lockout>,
}

impl<'a> Case<'a> {
    /// Nothing is known but what is observed.
    pub fn new(observed: &'a Observed<'a>) -> Self {
        let status = &observed.request.status;
        Case {
            observed,
            policy: status.policy.clone(),
            account: status.account.clone(),
            // How an account stands is for those who may act on it: it is added with the account.
            lockout: status.lockout.clone(),
        }
    }

    /// This policy permits it for this account.
    pub fn with(&self, policy: &Policy, account: &AccountRead) -> Self {
        Case {
            policy: Some(policy.reference.clone()),
            account: self.observed.directory.map(|directory| AccountReference {
                directory: directory.name.clone(),
                id: account.id.clone(),
                r#ref: self.account.as_ref().and_then(|account| account.r#ref.clone()),
            }),
            lockout: self.seen_lockout().or_else(|| decide::lockout(account)),
            ..self.clone()
        }
    }

    /// The claim that the request acts under.
    pub fn under(&self, name: &str, id: &str, directory: &str, policy: &PolicyReference) -> Self {
        Case {
            policy: Some(policy.clone()),
            account: Some(AccountReference {
                directory: directory.to_owned(),
                id: id.to_owned(),
                r#ref: Some(name.to_owned()),
            }),
            lockout: self.seen_lockout(),
            ..self.clone()
        }
    }

    /// The account that was acted on without a claim.
    pub fn at(&self, account: AccountReference, policy: Option<PolicyReference>) -> Self {
        Case {
            account: Some(account),
            policy: policy.or_else(|| self.policy.clone()),
            lockout: self.seen_lockout(),
            ..self.clone()
        }
    }

    /// The lock as it was before anything was done.
    fn seen_lockout(&self) -> Option<Lockout> {
        let seen = self.observed.progress.lockout.clone();
        seen.or_else(|| self.lockout.clone())
    }

    /// Whether this request has seen the account locked, now or in an earlier pass.
    pub fn has_seen_lock(&self) -> bool {
        self.seen_lockout().is_some()
    }

    /// The account's ledger object.
    pub fn referring(&self, name: &str) -> Self {
        let account = self.account.clone().map(|account| AccountReference {
            r#ref: Some(name.to_owned()),
            ..account
        });
        Case {
            account,
            ..self.clone()
        }
    }

    /// It has ended.
    pub fn finish(&self, outcome: Outcome, reason: Reason, message: String) -> Decision {
        Decision::Finish(Box::new(Ending {
            outcome,
            reason,
            message,
            detail: None,
            policy: self.policy.clone(),
            account: self.account.clone(),
            lockout: self.lockout.clone(),
            deliver: false,
            closing: None,
        }))
    }

    /// It waits.
    pub fn wait(&self, reason: Reason, message: String, until: Timestamp) -> Decision {
        Decision::Wait(Box::new(Waiting {
            needs_person: reason.needs_person(),
            reason,
            message,
            detail: None,
            until,
            policy: self.policy.clone(),
            account: self.account.clone(),
            lockout: self.lockout.clone(),
            promise: None,
        }))
    }

    /// The directory's budget of calls goes to others first.
    pub fn queued(&self, now: Timestamp, turn: Turn) -> Decision {
        let notice = self.observed.timing.wait_notice;
        let promise = Promise::renewed(self.observed.progress.promise, now, turn, notice);
        let requests = match promise.ahead {
            1 => "1 request goes".to_owned(),
            ahead => format!("{ahead} requests go"),
        };
        let message = format!(
            "directory {} is at its rate limit; {requests} before this one, whose turn comes at about {:.0}",
            self.observed.request.directory, promise.at
        );
        let mut decision = self.wait(Reason::RateLimited, message, after(now, queue::recheck(turn, notice)));
        if let Decision::Wait(waiting) = &mut decision {
            waiting.promise = Some(promise);
        }
        decision
    }

    /// The account is none that may be touched. Only who may inspect the Directory learns why.
    pub fn not_eligible(&self, why: Option<(Reason, String)>) -> Decision {
        let Some(may_inspect) = self.observed.facts.may_inspect else {
            return Decision::Gather(Fact::MayInspect);
        };
        let public = "no account that may be acted on matches; check the name and the directory";
        match (why, may_inspect) {
            (Some((reason, detail)), true) => self.finish(Outcome::Denied, reason, detail),
            (Some((_, detail)), false) => self
                .finish(Outcome::Denied, Reason::NotEligible, public.into())
                .detail(detail),
            (None, _) => self.finish(Outcome::Denied, Reason::NotEligible, public.into()),
        }
    }

    /// No account could be read.
    pub fn unread(&self, now: Timestamp, failure: &ReadFailure) -> Decision {
        match failure {
            ReadFailure::NotFound => {
                self.not_eligible(Some((Reason::NotEligible, "the directory has no such account".into())))
            }
            ReadFailure::Ambiguous => self.not_eligible(Some((
                Reason::NotEligible,
                "several accounts match; name one by its id".into(),
            ))),
            ReadFailure::Failed(failure) => {
                let count = self
                    .observed
                    .progress
                    .unread
                    .as_ref()
                    .map_or(1, |setback| setback.count);
                self.failed(
                    now,
                    &Setback {
                        at: now,
                        failure: failure.clone(),
                        count,
                    },
                )
            }
        }
    }

    /// What was sent cannot be read back before the directory's budget of calls allows. Nothing is hidden by that, so
    /// that it does not count as a read-back that failed. `None`: another failure, or it lasts beyond all patience.
    pub fn held_back(&self, now: Timestamp, failure: &ReadFailure) -> Option<Decision> {
        let ReadFailure::Failed(failure) = failure else {
            return None;
        };
        let FailureClass::RateLimited(wait) = failure.class else {
            return None;
        };
        let message = format!(
            "it was sent, and is read back as soon as the directory takes calls again: {}",
            failure.public
        );
        let wait = wait.clamp(Duration::from_secs(1), Duration::from_secs(60));
        let latest = after(decide::expires(self.observed), self.observed.timing.quarantine);
        (now < latest).then(|| self.wait(Reason::AwaitingReadBack, message, after(now, wait)))
    }

    /// What was done is to be read back, and the Directory cannot be asked.
    pub fn unusable(&self, now: Timestamp) -> Decision {
        let message = "what was done is to be read back, and its Directory cannot be used; it must be there and ready";
        self.wait(
            Reason::DirectoryUnavailable,
            message.into(),
            after(now, Duration::from_secs(10)),
        )
    }

    /// The wait after something that did not work, until it may be tried again.
    pub fn setback(&self, now: Timestamp) -> Option<Decision> {
        let progress = self.observed.progress;
        let both = [&progress.failure, &progress.unread];
        let last = both.into_iter().flatten().max_by_key(|setback| retry_at(setback))?;
        (now < retry_at(last)).then(|| self.failed(now, last))
    }

    fn failed(&self, now: Timestamp, setback: &Setback) -> Decision {
        let (reason, needs_person) = match setback.failure.class {
            FailureClass::RateLimited(_) => (Reason::RateLimited, false),
            FailureClass::NeedsConfig => (Reason::MissingRights, true),
            FailureClass::CredentialRefused => (Reason::DirectoryUnavailable, true),
            FailureClass::Permanent | FailureClass::Unknown | FailureClass::Transient(_) => {
                (Reason::DirectoryUnavailable, false)
            }
        };
        let until = retry_at(setback).max(after(now, Duration::from_millis(200)));
        let wait = self
            .wait(reason, setback.failure.public.clone(), until)
            .detail(setback.failure.private.clone());
        if needs_person { wait.needs_person() } else { wait }
    }
}

/// When something that did not work is tried again: doubling from one second to a minute, or as the upstream said.
fn retry_at(setback: &Setback) -> Timestamp {
    let doubled = Duration::from_secs(1).saturating_mul(1 << setback.count.saturating_sub(1).min(6));
    let wait = match setback.failure.class {
        FailureClass::RateLimited(wait) | FailureClass::Transient(Some(wait)) => wait,
        FailureClass::NeedsConfig | FailureClass::CredentialRefused => Duration::from_secs(30),
        FailureClass::Transient(None) | FailureClass::Permanent | FailureClass::Unknown => doubled,
    };
    after(setback.at, wait.min(Duration::from_secs(120)))
}

impl Decision {
    /// Adds what only the operator's log may show.
    pub fn detail(mut self, text: String) -> Self {
        match &mut self {
            Decision::Finish(ending) => ending.detail = Some(text),
            Decision::Wait(waiting) => waiting.detail = Some(text),
            Decision::Ignore | Decision::Gather(_) | Decision::Act(_) => {}
        }
        self
    }

    /// A person must act.
    pub fn needs_person(mut self) -> Self {
        if let Decision::Wait(waiting) = &mut self {
            waiting.needs_person = true;
        }
        self
    }

    /// A wait that ends at this time at the latest.
    pub fn until(mut self, latest: Timestamp) -> Self {
        if let Decision::Wait(waiting) = &mut self {
            waiting.until = waiting.until.min(latest);
        }
        self
    }

    /// An ending that closes the claim so.
    pub fn closing(mut self, closing: Closing) -> Self {
        if let Decision::Finish(ending) = &mut self {
            ending.closing = Some(closing);
        }
        self
    }

    /// An ending that hands over the sealed password.
    pub fn deliver(mut self, deliver: bool) -> Self {
        if let Decision::Finish(ending) = &mut self {
            ending.deliver = deliver;
        }
        self
    }
}

impl Observed<'_> {
    /// The reading of the account, where it was made after the last send.
    pub fn last_reading(&self) -> Option<&AccountSeen> {
        let seen = self.facts.account.as_ref()?;
        (seen.after == self.progress.sends.len()).then_some(seen)
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
        Decision::Gather(Fact::Read {
            id: account.id.clone(),
            server: account.server.clone(),
            back,
        })
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
