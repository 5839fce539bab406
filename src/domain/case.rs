//! The words for how a request stands: one place that builds endings and waits, so that every one carries the policy,
//! the account and the lock that were known.

use crate::{
    api::{
        Outcome, Reason, RequestStatus,
        request_status::{AccountReference, Lockout, PolicyReference},
    },
    domain::{
        account::{AccountRead, FailureClass, ReadFailure},
        decide::{self, after},
        decision::{Decision, Ending, Fact, Waiting},
        ledger::Closing,
        observed::{Acting, ClaimSeen, Observed, Setback},
        policy::Policy,
        queue::{self, Promise, places::Queued},
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
    named: Option<AccountReference>,
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
            named: status.named.clone(),
            // How an account stands is for those who may act on it: it is added with the account.
            lockout: status.lockout.clone(),
        }
    }

    /// The same, seen from the Directory that is acted in.
    pub fn within<'b>(&self, observed: &'b Observed<'b>) -> Case<'b> {
        Case {
            observed,
            policy: self.policy.clone(),
            account: self.account.clone(),
            named: self.named.clone(),
            lockout: self.lockout.clone(),
        }
    }

    /// This policy permits it for this account.
    pub fn with(&self, policy: &Policy, account: &AccountRead) -> Self {
        Case {
            policy: Some(policy.reference.clone()),
            named: self.observed.origin().map(|(directory, named)| AccountReference {
                directory: directory.name.clone(),
                id: named.id.clone(),
                r#ref: None,
            }),
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
    pub fn under(&self, seen: &ClaimSeen) -> Self {
        Case {
            policy: Some(seen.claim.policy.clone()),
            account: Some(AccountReference {
                directory: seen.claim.directory.clone(),
                id: seen.id.clone(),
                r#ref: Some(seen.account.clone()),
            }),
            named: seen.claim.named.as_ref().map(|id| AccountReference {
                directory: self.observed.request.directory.clone(),
                id: id.clone(),
                r#ref: None,
            }),
            lockout: self.seen_lockout(),
            ..self.clone()
        }
    }

    /// The account that was acted on without a claim.
    pub fn at(&self, target: &Acting) -> Self {
        Case {
            account: Some(AccountReference {
                directory: target.directory.clone(),
                id: target.id.clone(),
                r#ref: None,
            }),
            named: target.named.clone(),
            policy: target.policy.clone().or_else(|| self.policy.clone()),
            lockout: self.seen_lockout(),
            ..self.clone()
        }
    }

    /// The lock as it was before anything was done.
    fn seen_lockout(&self) -> Option<Lockout> {
        let seen = self.observed.progress.lockout.as_deref().cloned();
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

    /// The name of the Directory that it is seen from.
    pub fn place(&self) -> &str {
        self.observed.place()
    }

    /// The account that the request names, where another one is acted on.
    pub fn named(&self) -> Option<AccountReference> {
        self.named.clone()
    }

    /// Whether the first wait was about another account than this one: the one acted on, or the one that is named.
    pub fn is_another(&self, status: &RequestStatus) -> bool {
        let differs = |pinned: &Option<AccountReference>, now: &Option<AccountReference>| {
            let identity = |account: &AccountReference| (account.directory.clone(), account.id.clone());
            pinned.is_some() && pinned.as_ref().map(identity) != now.as_ref().map(identity)
        };
        differs(&status.account, &self.account) || differs(&status.named, &self.named)
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
            named: self.named.clone(),
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
            named: self.named.clone(),
            lockout: self.lockout.clone(),
            promise: None,
            outstanding: None,
            elsewhere: (self.place() != self.observed.request.directory).then(|| self.place().to_owned()),
        }))
    }

    /// The directory's budget of calls goes to others first.
    pub fn queued(&self, now: Timestamp, queued: &Queued) -> Decision {
        let turn = queued.turn;
        let notice = self.observed.timing.wait_notice;
        let promise = Promise::renewed(self.observed.progress.promise, now, turn, notice);
        let requests = match promise.ahead {
            1 => "1 request goes".to_owned(),
            ahead => format!("{ahead} requests go"),
        };
        let message = format!(
            "directory {} is at its rate limit; {requests} before this one, whose turn comes at about {:.0}",
            queued.directory, promise.at
        );
        let mut decision = self.wait(Reason::RateLimited, message, after(now, queue::recheck(turn, notice)));
        if let Decision::Wait(waiting) = &mut decision {
            waiting.promise = Some(promise);
        }
        decision
    }

    /// The account is none that may be touched. Only who may inspect the Directory learns why.
    pub fn not_eligible(&self, why: Option<(Reason, String)>) -> Decision {
        let directory = self.observed.place();
        let Some(may_inspect) = self.observed.facts.may_inspect.get(directory).copied() else {
            return Decision::Gather(Fact::MayInspect(directory.to_owned()));
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

    /// That nobody was found in the Directory at hand, and who may be there all the same.
    pub fn nobody(&self, words: &str) -> String {
        let hides = self.observed.directory.and_then(|it| it.capabilities.hides.as_ref());
        hides.map_or_else(
            || words.to_owned(),
            |hidden| format!("{words}, or it is hidden: {hidden}"),
        )
    }

    /// That a lock is gone, and what holds from then on.
    pub fn unlocked(&self, words: &str) -> String {
        let then = self
            .observed
            .directory
            .and_then(|it| it.capabilities.after_unlock.as_ref());
        then.map_or_else(|| words.to_owned(), |then| format!("{words}; {then}"))
    }

    /// No account could be read.
    pub fn unread(&self, now: Timestamp, failure: &ReadFailure) -> Decision {
        match failure {
            ReadFailure::NotFound => {
                let nobody = self.nobody("the directory has no such account");
                self.not_eligible(Some((Reason::NotEligible, nobody)))
            }
            ReadFailure::Ambiguous => self.not_eligible(Some((
                Reason::NotEligible,
                "several accounts match; name one by its id".into(),
            ))),
            ReadFailure::Failed(failure) => {
                let unread = self.observed.progress.unread.get(self.observed.place());
                let count = unread.map_or(1, |setback| setback.count);
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
        let all = progress.failure.as_deref().into_iter().chain(progress.unread.values());
        let last = all.max_by_key(|setback| retry_at(setback))?;
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
