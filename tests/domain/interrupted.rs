//! An attempt that was interrupted and may not be gone on with: the request ends, and says no more of what was done than is
//! known. What it gives back to the limits was not done.

use crate::{
    build::{reset, start, unlock},
    fence::quiet,
    scene::Scene,
};
use jiff::SignedDuration;
use readmit::{
    api::{
        Method::{ChangeAtNextSignIn, Link, TemporaryPassword},
        Outcome::{self, Denied, Expired, Failed, Unknown},
        Reason::{self, NotEligible, OutcomeUnknown},
    },
    domain::{
        account::{Failure, FailureClass, LockState, Protection, Sent, Step},
        decision::Decision,
        ledger::Closing::{self, Done, Refund},
        request::Request,
    },
};
use std::time::Duration;

fn lost() -> Sent {
    Sent::Unknown(Failure::new(FailureClass::Transient(None), "no answer"))
}

fn refused() -> Sent {
    Sent::Refused(Failure::new(FailureClass::Permanent, "no"))
}

fn protected(scene: &mut Scene) {
    scene.found.as_mut().unwrap().protection = Protection::Protected("admin".into());
}

fn not_locked(scene: &mut Scene) {
    scene.found.as_mut().unwrap().lock = LockState::NotLocked;
}

fn timed() -> Request {
    Request {
        not_after: Some(start() + SignedDuration::from_hours(2)),
        ..unlock("a")
    }
}

fn unreadable(scene: &mut Scene) {
    scene.found.as_mut().unwrap().lock = LockState::Unknown("no right".into());
}

fn marked(scene: &mut Scene) {
    scene.progress.claim.as_mut().unwrap().claim.marked = true;
}

fn must_change(scene: &mut Scene) {
    scene.found.as_mut().unwrap().must_change = Some(true);
}

fn too_late(scene: &mut Scene) {
    scene.now = start() + SignedDuration::from_hours(24);
}

fn sent(scene: &mut Scene, step: Step, result: Sent) {
    scene.progress.record(step, scene.now, None, result);
}

type Row = (
    &'static str,
    Request,
    fn(&mut Scene),
    (Outcome, Reason),
    &'static str,
    Closing,
);

/// The endings of a claim that this process wrote (`ours`) or found.
fn check(ours: bool, rows: Vec<Row>) {
    for (name, request, bend, (outcome, reason), text, closing) in rows {
        let mut scene = quiet(request, ours);
        scene.progress.claim.as_mut().unwrap().firm = true;
        bend(&mut scene);
        let Decision::Finish(ending) = scene.decide() else {
            panic!("{name}: it does not end: {:?}", scene.decide())
        };
        assert_eq!((ending.outcome, ending.reason), (outcome, reason), "{name}: {ending:?}");
        assert!(
            ending.message.contains(text),
            "{name}: {ending:?} does not say {text:?}"
        );
        assert_eq!(ending.closing, Some(closing), "{name}");
        assert!(!ending.deliver || closing != Refund, "{name}");
    }
}

#[test]
fn who_finds_a_claim_says_only_what_the_account_shows() {
    let change = || reset("a", ChangeAtNextSignIn);
    let temporary = || reset("a", TemporaryPassword);
    check(
        false,
        vec![
            (
                "the change is required, and only sessions are left",
                change(),
                |s| {
                    must_change(s);
                    not_locked(s);
                    protected(s);
                },
                (Failed, NotEligible),
                "the reset was done, but not finished: the account is not eligible any more",
                Done,
            ),
            (
                "the change is required, and the lock is left",
                change(),
                |s| {
                    must_change(s);
                    too_late(s);
                },
                (Failed, Reason::Expired),
                "the reset was done, but not finished: its time is over",
                Done,
            ),
            (
                "the change is not required, or not any more",
                change(),
                protected,
                (Unknown, OutcomeUnknown),
                "what may have been sent leaves no trace, and nothing more is sent, since the account is not eligible any more",
                Closing::Unknown,
            ),
            (
                "the same, and whether it is required cannot be read",
                change(),
                |s| {
                    s.found.as_mut().unwrap().must_change = None;
                    too_late(s);
                },
                (Unknown, OutcomeUnknown),
                "what may have been sent leaves no trace",
                Closing::Unknown,
            ),
            (
                "only the cleared lock is to be seen",
                change(),
                |s| {
                    not_locked(s);
                    too_late(s);
                },
                (Unknown, OutcomeUnknown),
                "the lock was cleared; whatever else may have been sent leaves no trace",
                Closing::Unknown,
            ),
            (
                "a lock without a stamp is gone, whoever it was",
                temporary(),
                |s| {
                    s.progress.claim.as_mut().unwrap().claim.lock_stamp = None;
                    not_locked(s);
                    protected(s);
                },
                (Failed, NotEligible),
                "whether the lock was cleared is not known, and nothing else was done",
                Refund,
            ),
            (
                "the lock cannot be read any more",
                timed(),
                |s| {
                    unreadable(s);
                    too_late(s);
                },
                (Unknown, OutcomeUnknown),
                "the lock state cannot be read: no right",
                Closing::Unknown,
            ),
            (
                "the same, after the password was set",
                temporary(),
                |s| {
                    marked(s);
                    unreadable(s);
                },
                (Unknown, OutcomeUnknown),
                "the reset was done; whether the account is locked is not known",
                Done,
            ),
            (
                "a reset that clears the lock by itself, and another lock",
                temporary(),
                |s| {
                    marked(s);
                    s.directory.as_mut().unwrap().capabilities.reset_unlocks = true;
                },
                (Failed, Reason::LockedAgain),
                "the reset was done, and the account was locked anew",
                Done,
            ),
            (
                "the lock is the one that was there",
                timed(),
                too_late,
                (Expired, Reason::Expired),
                "nothing was done: its time is over",
                Refund,
            ),
        ],
    );
}

#[test]
fn who_wrote_a_claim_knows_what_it_sent() {
    use Step::{RequireChange, Unlock};
    let change = || reset("a", ChangeAtNextSignIn);
    let link = || reset("a", Link);
    check(
        true,
        vec![
            (
                "nothing was sent",
                change(),
                protected,
                (Denied, NotEligible),
                "nothing was done: the account is not eligible any more",
                Refund,
            ),
            (
                "nothing was sent, and a change is required anyway",
                change(),
                |s| {
                    must_change(s);
                    protected(s);
                },
                (Denied, NotEligible),
                "nothing was done: the account is not eligible any more",
                Refund,
            ),
            (
                "nothing was sent since it was taken over",
                change(),
                |s| {
                    s.progress.claim.as_mut().unwrap().claim.deadline += SignedDuration::from_mins(1);
                    protected(s);
                },
                (Unknown, OutcomeUnknown),
                "what may have been sent leaves no trace",
                Closing::Unknown,
            ),
            (
                "the lock was cleared",
                change(),
                |s| {
                    sent(s, Unlock, Sent::Done);
                    not_locked(s);
                    protected(s);
                },
                (Failed, NotEligible),
                "the lock was cleared, and nothing else was done",
                Refund,
            ),
            (
                "the owner has changed the password since",
                change(),
                |s| {
                    sent(s, Unlock, Sent::Done);
                    sent(s, RequireChange, Sent::Done);
                    not_locked(s);
                    protected(s);
                },
                (Failed, NotEligible),
                "the reset was done, but not finished",
                Done,
            ),
            (
                "the reply about the change was lost",
                change(),
                |s| {
                    sent(s, Unlock, Sent::Done);
                    sent(s, RequireChange, lost());
                    not_locked(s);
                    protected(s);
                },
                (Unknown, OutcomeUnknown),
                "the lock was cleared; whatever else may have been sent leaves no trace",
                Closing::Unknown,
            ),
            (
                "the change was refused",
                change(),
                |s| {
                    sent(s, Unlock, Sent::Done);
                    sent(s, RequireChange, refused());
                },
                (Failed, Reason::Refused),
                "the lock was cleared, but the directory refused RequireChange: no",
                Refund,
            ),
            (
                "the change was refused since the claim was taken over",
                change(),
                |s| {
                    s.progress.claim.as_mut().unwrap().claim.deadline += SignedDuration::from_mins(1);
                    sent(s, Unlock, Sent::Done);
                    sent(s, RequireChange, refused());
                },
                (Failed, Reason::Refused),
                "no; whether a change of the password was required before is not known",
                Done,
            ),
            (
                "an unlock was refused since the claim was taken over, and the lock has no stamp",
                timed(),
                |s| {
                    let claim = &mut s.progress.claim.as_mut().unwrap().claim;
                    claim.deadline += SignedDuration::from_mins(1);
                    claim.lock_stamp = None;
                    sent(s, Unlock, refused());
                },
                (Failed, Reason::Refused),
                "no; whether a lock was cleared before is not known",
                Done,
            ),
            (
                "the change was refused after a reply was lost",
                change(),
                |s| {
                    sent(s, Unlock, Sent::Done);
                    sent(s, RequireChange, lost());
                    sent(s, RequireChange, refused());
                },
                (Failed, Reason::Refused),
                "no; whether a change of the password was required before is not known",
                Done,
            ),
            (
                "the reply about the lock was lost, and it may be cleared late",
                link(),
                |s| {
                    sent(s, Unlock, lost());
                    s.progress.claim.as_mut().unwrap().quiet_for = Duration::from_secs(1);
                    protected(s);
                },
                (Failed, NotEligible),
                "whether the lock was cleared is not known, and nothing else was done",
                Refund,
            ),
            (
                "the reply about the lock was lost, and it is still there",
                link(),
                |s| {
                    sent(s, Unlock, lost());
                    protected(s);
                },
                (Denied, NotEligible),
                "nothing was done",
                Refund,
            ),
        ],
    );
}
