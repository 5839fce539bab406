//! An attempt that was interrupted and may not be gone on with: the request ends, and says no more of what was done than is
//! known. What it gives back to the limits was not done.

mod found;
mod own;

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
