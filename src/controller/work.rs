//! What the operator keeps in memory for one unfinished request. All of it may be lost: then the claim speaks.

use super::{claims::Found, line::Ticket, tries::Tries};
use crate::{
    api::{
        Account,
        account::{Claim, Derivation},
        request_status::Attempt,
    },
    domain::{observed::Progress, queue::places::Places},
    secret::Secret,
};
use jiff::{SignedDuration, Timestamp};
use std::time::{Duration, Instant};

/// What the operator keeps for one request.
#[derive(Default)]
pub struct Work {
    /// What was done so far.
    pub progress: Progress,
    /// What was sent, for the status.
    pub attempts: Vec<Attempt>,
    /// When something was sent last, by the boot-time clock.
    pub sent: Option<Duration>,
    /// The claim that this process wrote. Boxed, as are other large things that a request which only waits has not.
    pub held: Option<Box<Held>>,
    /// The claim as this process wrote it again last.
    pub rewritten: Option<Box<Rewritten>>,
    /// The claims whose writes nobody has answered: one of them may have landed.
    pub tried: Tries,
    /// The password, while the request is executed.
    pub prepared: Option<Box<Prepared>>,
    /// Not before this time, unless something changes.
    pub gate: Option<Gate>,
    /// Its places among the requests that use its Directories: while it is served, or waits for its turn.
    pub places: Places<Ticket>,
    /// How far the wall clock was ahead of the boot-time clock at the last look.
    lead: Option<SignedDuration>,
}

impl Work {
    /// By how much the wall clock was set since the last look. What this process measures time from is moved along: the
    /// boot-time clock, which nobody sets, says how much time has really passed.
    pub fn keep_pace(&mut self, now: Timestamp, boot: Duration) -> SignedDuration {
        let boot = SignedDuration::try_from(boot).unwrap_or(SignedDuration::MAX);
        let lead = now.as_duration().saturating_sub(boot);
        let set = self
            .lead
            .replace(lead)
            .map_or(SignedDuration::ZERO, |before| lead.saturating_sub(before));
        self.progress.shift(set);
        set
    }
}

/// A claim that this process wrote again, be it as its own or to keep others from acting under it.
pub struct Rewritten {
    /// Which writing it is.
    pub writer: String,
    /// Until when every other process leaves it alone, by the boot-time clock.
    pub until: Duration,
}

impl Work {
    /// Whether nobody else can have taken over the claim that stands here: see [`ClaimSeen::firm`]. `found` is the claim
    /// as the index knows it; without any there is nothing to take over.
    ///
    /// [`ClaimSeen::firm`]: crate::domain::observed::ClaimSeen::firm
    pub fn is_firm(&self, found: Option<&Found>, boot: Duration) -> bool {
        let claim = match &self.held {
            Some(held) if boot < held.until => return true,
            Some(held) => Some(&held.claim),
            None => found.and_then(|found| found.entry.claim.as_ref()),
        };
        claim.is_none_or(|claim| {
            let last = self.rewritten.as_ref();
            last.is_some_and(|last| last.writer == claim.writer && boot < last.until)
        })
    }

    /// Takes up a claim that was found and is one whose write was not answered: what it stands for is known here.
    pub fn take_up(&mut self, found: &Found) {
        let claim = found.entry.claim.as_ref();
        let Some(claim) = claim.filter(|_| self.held.is_none()) else {
            return;
        };
        if let Some(tried) = self.tried.take(&claim.writer) {
            self.progress.taken_over(tried.plan);
            self.held = Some(Box::new(Held {
                account: found.account.clone(),
                claim: claim.clone(),
                until: tried.until,
            }));
        }
    }
}

/// A claim that this process wrote.
pub struct Held {
    /// The Account object as it was written.
    pub account: Account,
    /// The claim in it.
    pub claim: Claim,
    /// Until when we may send under it, by the boot-time clock.
    pub until: Duration,
}

/// A temporary password, derived and sealed.
pub struct Prepared {
    /// The nonce it was derived with.
    pub nonce: String,
    /// What it was derived from and sealed to.
    pub derivation: Derivation,
    /// The password.
    pub password: Secret,
    /// The armored age file.
    pub sealed: String,
}

/// A pass that comes earlier than it must, for no new reason, is not made.
pub struct Gate {
    /// When to look again.
    pub at: Instant,
    /// The request's generation when that was decided.
    pub generation: i64,
    /// The count of changes to policies, directories and enforcement then.
    pub epoch: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        controller::tries::Tried,
        domain::account::{Failure, FailureClass, Sent, Step},
    };

    fn found(writer: &str) -> Found {
        let account: Account = serde_json::from_value(serde_json::json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "Account", "metadata": {"name": "a"},
            "provider": "okta", "upstream": "o", "id": "i",
            "ledger": [{
                "uid": "u", "action": "ResetPassword", "policy": "p", "time": "2026-01-01T00:00:00Z",
                "keepUntil": "2026-01-01T00:00:00Z",
                "claim": {
                    "directory": "d", "kind": "PasswordResetRequest", "namespace": "n", "name": "r", "attempt": 1,
                    "nonce": "1", "writer": writer, "deadline": "2026-01-01T00:00:00Z",
                    "policy": {"name": "p", "uid": "u", "generation": 1},
                },
            }],
        }))
        .unwrap();
        let entry = account.spec.ledger.first().cloned().unwrap();
        Found {
            account,
            entry,
            since: Duration::ZERO,
            expected: None,
        }
    }

    /// Whoever wrote the claim knows that nothing was sent under it: to another process that is not known.
    #[test]
    fn a_claim_whose_write_was_not_answered_is_taken_up_by_its_writer_only() {
        for (writer, until) in [("first", Some(6)), ("second", Some(7)), ("another", None)] {
            let mut work = Work::default();
            for (writer, until) in [("first", 6), ("second", 7)] {
                work.tried.add(Tried {
                    writer: writer.into(),
                    until: Duration::from_secs(until),
                    plan: vec![Step::SendLink],
                });
            }
            work.take_up(&found(writer));
            assert_eq!(work.held.map(|held| held.until), until.map(Duration::from_secs));
            assert_eq!(work.progress.plan.is_empty(), until.is_none());
            assert_eq!(work.tried.is_empty(), until.is_some());
        }
    }

    /// Nobody else takes a claim over that was written so lately: the one that this process wrote, and not another.
    #[test]
    fn a_claim_is_firm_for_a_while_after_its_writer_wrote_it() {
        let second = Duration::from_secs(1);
        let rewritten = |writer: &str| {
            let (writer, until) = (writer.to_owned(), 7 * second);
            Some(Box::new(Rewritten { writer, until }))
        };
        let found = found("mine");
        for (name, last, at, firm) in [
            ("as another process left it", None, 6 * second, false),
            ("as written here", rewritten("mine"), 6 * second, true),
            ("too long ago", rewritten("mine"), 7 * second, false),
            ("taken over since", rewritten("before"), 6 * second, false),
        ] {
            let mut work = Work::default();
            assert!(work.is_firm(None, at), "without a claim");
            work.rewritten = last;
            assert_eq!(work.is_firm(Some(&found), at), firm, "{name}");
            work.held = Some(Box::new(Held {
                account: found.account.clone(),
                claim: found.entry.claim.clone().unwrap(),
                until: 5 * second,
            }));
            assert_eq!(work.is_firm(Some(&found), at), firm, "held, {name}");
            assert!(work.is_firm(Some(&found), 4 * second), "held, with time to send");
        }
    }

    /// The quarantine after a lost reply is measured from the send: a clock that is set must not move its end.
    #[test]
    fn a_clock_that_is_set_changes_no_wait() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let second = SignedDuration::from_secs(1);
        for jump in [
            SignedDuration::from_hours(1),
            SignedDuration::from_hours(-1),
            SignedDuration::ZERO,
        ] {
            let mut work = Work::default();
            assert_eq!(work.keep_pace(start, Duration::from_secs(100)), SignedDuration::ZERO);
            let lost = Failure::new(FailureClass::Unknown, "lost");
            work.progress
                .record(Step::SetPassword, start, None, Sent::Unknown(lost));
            work.progress
                .set_back(start, Failure::new(FailureClass::Transient(None), "later"));
            work.progress.waiting_since = Some(start);
            let now = start + second + jump;
            assert_eq!(work.keep_pace(now, Duration::from_secs(101)), jump);
            assert_eq!(
                work.progress.last(Step::SetPassword).map(|send| send.at),
                Some(now - second)
            );
            assert_eq!(
                work.progress.failure.as_ref().map(|setback| setback.at),
                Some(now - second)
            );
            assert_eq!(work.progress.waiting_since, Some(now - second));
        }
    }
}
