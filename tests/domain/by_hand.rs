//! Locks that somebody clears in the vendor's console: the request waits, says where to click, looks again, and ends by
//! what it reads or by its clock.

use crate::{
    build::{self, account, directory, reset, start, unlock},
    scene::{Scene, check, failure, locked},
};
use jiff::SignedDuration;
use readmit::{
    api::{Method, Outcome, Reason, request_status::Lockout},
    domain::{
        account::{AccountRead, FailureClass, LockState, ReadFailure, Remedy, Step},
        decision::{Decision, Effect},
        observed::{DirectoryView, Facts, Progress},
        request::{Ask, Request},
    },
};
use std::time::Duration;

const PLACE: &str = "open Locked Employees and choose Unlock User";
const AFTER: &str = "it is locked again after two days";

fn by_hand(poll: Duration) -> Result<AccountRead, ReadFailure> {
    let what = PLACE.to_owned();
    locked(Remedy::Manual { what, poll }, None)
}

fn minute() -> Result<AccountRead, ReadFailure> {
    by_hand(Duration::from_secs(60))
}

fn free() -> AccountRead {
    AccountRead {
        lock: LockState::NotLocked,
        ..account()
    }
}

/// Where unlocks are done by hand.
fn console() -> Option<DirectoryView> {
    let mut directory = directory();
    directory.capabilities.unlock_by_hand = true;
    directory.capabilities.after_unlock = Some(AFTER.into());
    directory.capabilities.reset_requires_change = true;
    Some(directory)
}

fn scene(request: Request, found: Result<AccountRead, ReadFailure>) -> Scene {
    let mut scene = Scene::new(request);
    (scene.directory, scene.found) = (console(), found);
    scene
}

fn seen_locked() -> Progress {
    Progress {
        lockout: Some(Box::default()),
        ..Progress::default()
    }
}

fn keeping_lock() -> Request {
    let Ask::Reset { method, recipients, .. } = reset("a", Method::TemporaryPassword).ask else {
        unreachable!("it is a reset")
    };
    Request {
        ask: Ask::Reset {
            method,
            recipients,
            unlock: false,
        },
        ..reset("a", Method::TemporaryPassword)
    }
}

#[test]
fn it_waits_for_a_person_and_ends_by_what_is_read() {
    use Outcome::{Expired, Failed, Succeeded};
    check(vec![
        (
            "locked",
            unlock("a"),
            |s| (s.directory, s.found) = (console(), minute()),
            None,
            Reason::AwaitingManualAction,
            "open Locked Employees and choose Unlock User; this request ends once",
        ),
        (
            "the lock is gone since this process saw it",
            unlock("a"),
            |s| (s.directory, s.found, s.progress) = (console(), Ok(free()), seen_locked()),
            Some(Succeeded),
            Reason::Unlocked,
            "read back as not locked; it is locked again after two days",
        ),
        (
            "the lock is gone since another process saw it",
            unlock("a"),
            |s| {
                (s.directory, s.found) = (console(), Ok(free()));
                s.request.status.lockout = Some(Lockout::default());
            },
            Some(Succeeded),
            Reason::Unlocked,
            "the lock is gone",
        ),
        (
            "there was none",
            unlock("a"),
            |s| (s.directory, s.found) = (console(), Ok(free())),
            Some(Succeeded),
            Reason::NotLocked,
            "nothing was done",
        ),
        (
            "a lock elsewhere that went by itself was not cleared by hand",
            unlock("a"),
            |s| (s.found, s.progress) = (Ok(free()), seen_locked()),
            Some(Succeeded),
            Reason::NotLocked,
            "nothing was done",
        ),
        (
            "it cannot be read any more: nothing is claimed",
            unlock("a"),
            |s| {
                let lock = LockState::Unknown("the list is hidden".into());
                (s.directory, s.found, s.progress) = (console(), Ok(AccountRead { lock, ..free() }), seen_locked());
            },
            None,
            Reason::MissingRights,
            "the list is hidden",
        ),
        (
            "a reset waits too",
            reset("a", Method::TemporaryPassword),
            |s| (s.directory, s.found) = (console(), minute()),
            None,
            Reason::AwaitingManualAction,
            "with unlock: false",
        ),
        (
            "not for what it could not do anyway",
            reset("a", Method::TemporaryPassword),
            |s| {
                let obstacles = [(Step::SetPassword, "the password is elsewhere".to_owned())].into();
                let found = minute().map(|account| AccountRead { obstacles, ..account });
                (s.directory, s.found) = (console(), found);
            },
            Some(Failed),
            Reason::Refused,
            "the password is elsewhere",
        ),
        (
            "who never signed in is refused, locked or not",
            unlock("a"),
            |s| {
                let obstacles = [(Step::Unlock, "invite them".to_owned())].into();
                (s.directory, s.found) = (console(), Ok(AccountRead { obstacles, ..free() }));
            },
            Some(Failed),
            Reason::Refused,
            "invite them",
        ),
        (
            "its clock ends it",
            unlock("a"),
            |s| {
                (s.directory, s.found, s.progress) = (console(), minute(), seen_locked());
                s.now = start() + SignedDuration::from_hours(25);
            },
            Some(Expired),
            Reason::Expired,
            "create it under another name",
        ),
    ]);
}

#[test]
fn it_is_looked_at_again_in_good_time_and_needs_a_person() {
    for (poll, wait) in [(0, 1), (1, 1), (60, 60), (300, 300), (86_400, 300)] {
        let scene = scene(unlock("a"), by_hand(Duration::from_secs(poll)));
        let waiting = scene.waits();
        assert_eq!(waiting.until, scene.now + SignedDuration::from_secs(wait), "{poll}");
        assert!(waiting.needs_person && waiting.lockout.is_some(), "{waiting:?}");
    }
    // Never later than its own end.
    let mut scene = scene(unlock("a"), minute());
    let end = scene.now + SignedDuration::from_secs(10);
    scene.request.not_after = Some(end);
    assert_eq!(scene.waits().until, end);
}

#[test]
fn a_reset_that_leaves_the_lock_is_not_held_up() {
    let mut scene = scene(keeping_lock(), minute());
    assert!(matches!(scene.decide(), Decision::Act(Effect::Claim(_))));
    scene.found = Ok(free());
    scene.request = reset("a", Method::TemporaryPassword);
    assert!(matches!(scene.decide(), Decision::Act(Effect::Claim(_))));
}

#[test]
fn no_unlock_is_ever_sent() {
    for request in [unlock("a"), reset("a", Method::TemporaryPassword), keeping_lock()] {
        let scene = scene(request, minute());
        let decision = scene.decide();
        let sends = matches!(&decision, Decision::Act(Effect::Send { step: Step::Unlock, .. }));
        let claims = matches!(&decision, Decision::Act(Effect::Claim(new)) if new.plan.contains(&Step::Unlock));
        assert!(!sends && !claims, "{decision:?}");
    }
}

/// Only who waits like this may be told of a lock from an older list, also when calls are held back meanwhile.
#[test]
fn waiting_by_hand_is_remembered() {
    let waits = |found| {
        let scene = scene(unlock("a"), found);
        (scene.now, scene.waits())
    };
    let mut progress = Progress::default();
    let held_back = || failure(FailureClass::RateLimited(Duration::from_secs(1)), "later");
    for (found, by_hand) in [(held_back(), false), (minute(), true), (held_back(), true)] {
        let (now, waiting) = waits(found);
        progress.waits(now, &waiting, &Facts::default(), true);
        assert_eq!(progress.by_hand, by_hand, "{waiting:?}");
    }
    assert_eq!(
        build::lock().remedy,
        Remedy::Unlock,
        "elsewhere locks are cleared by a call"
    );
}
