//! What was done where the credentials live is judged in the Directory that was named: at once, after a wait, after a
//! crash, and when the clock ends it.

use super::{bend, finishes, reference, routed, unlocked};
use crate::{
    build::{self, account, cloud, reset, start, unlock},
    scene::{Scene, entry, failure, locked},
};
use jiff::SignedDuration;
use readmit::{
    api::{Condition, Method, Outcome, Reason, account::LedgerOutcome, condition::types},
    domain::{
        account::{AccountRead, FailureClass, Protection, ReadFailure, Remedy, Sent, Step},
        decision::{Decision, Effect, Waiting},
        ledger::Closing,
        observed::{Acting, ClaimSeen},
        request::{Ask, Request},
    },
};
use std::time::Duration;

/// An unlock that was sent there, and what both accounts are since.
fn sent(named_locked: bool) -> Scene {
    let mut scene = routed(unlock("a"));
    scene.progress.target = Some(Box::new(Acting {
        directory: "ldap".into(),
        named: Some(reference("cloud", "cloud-alice")),
        id: "id-alice".into(),
        server: None,
        policy: Some(scene.policies[0].reference.clone()),
    }));
    scene
        .progress
        .record(Step::Unlock, scene.now, Some("l1".into()), Sent::Done);
    scene.found = unlocked();
    scene.named = Some((cloud(), Ok(build::named(named_locked))));
    scene
}

#[test]
fn a_success_elsewhere_is_judged_in_the_directory_that_was_named() {
    let ending = finishes(&sent(false));
    assert_eq!(
        (ending.outcome, ending.reason),
        (Outcome::Succeeded, Reason::Unlocked),
        "{ending:?}"
    );
    assert_eq!(ending.account, Some(reference("ldap", "id-alice")));
    assert_eq!(ending.named, Some(reference("cloud", "cloud-alice")));
    for part in ["in directory ldap", "directory cloud shows no lock"] {
        assert!(ending.message.contains(part), "{}", ending.message);
    }
    let waiting = sent(true).waits();
    assert_eq!(waiting.reason, Reason::AwaitingManualAction, "{waiting:?}");
    assert!(waiting.needs_person);
    for part in [
        "the lock was cleared",
        "in directory ldap",
        "directory cloud keeps a lock of its own",
        "an administrator does it in the console",
        "until 2026-11-23T12:00:00Z",
    ] {
        assert!(
            waiting.message.contains(part),
            "{part:?} is missing in {}",
            waiting.message
        );
    }
    assert!(waiting.outstanding.is_some(), "what was done is recorded");
}

#[test]
fn a_lock_that_ends_by_itself_needs_nobody() {
    let mut scene = sent(true);
    let until = scene.now + SignedDuration::from_mins(30);
    scene.named = Some((
        cloud(),
        locked(Remedy::None("nobody".into()), Some(until)).map(|read| AccountRead {
            lock: read.lock,
            ..build::named(true)
        }),
    ));
    let waiting = scene.waits();
    assert_eq!(waiting.reason, Reason::AwaitingUpstream, "{waiting:?}");
    assert!(
        !waiting.needs_person && waiting.message.contains("by itself at"),
        "{waiting:?}"
    );
}

/// How the request stands when nothing but the named Directory was left, and what that shows then.
fn outstanding(named: Result<AccountRead, ReadFailure>) -> Scene {
    let mut scene = routed(unlock("a"));
    let done = Condition {
        r#type: types::DONE_AT_SOURCE.into(),
        status: "True".into(),
        reason: "Unlocked".into(),
        message: "the lock was cleared; the account was read back as not locked".into(),
        last_transition_time: start(),
        observed_generation: Some(1),
    };
    let status = &mut scene.request.status;
    status.conditions = vec![done];
    (status.account, status.named) = (
        Some(reference("ldap", "id-alice")),
        Some(reference("cloud", "cloud-alice")),
    );
    status.policy = Some(scene.policies[0].reference.clone());
    // Nothing of this is asked any more.
    (scene.may_use, scene.found) = (false, Err(ReadFailure::NotFound));
    scene.named = Some((cloud(), named));
    scene
}

#[test]
fn what_is_recorded_is_not_done_again() {
    let ending = finishes(&outstanding(Ok(build::named(false))));
    assert_eq!(
        (ending.outcome, ending.reason),
        (Outcome::Succeeded, Reason::Unlocked),
        "{ending:?}"
    );
    assert_eq!(ending.account, Some(reference("ldap", "id-alice")));
    let waiting = outstanding(Ok(build::named(true))).waits();
    assert_eq!(waiting.reason, Reason::AwaitingManualAction, "{waiting:?}");
    let gone = finishes(&outstanding(Err(ReadFailure::NotFound)));
    assert_eq!((gone.outcome, gone.reason), (Outcome::Unknown, Reason::OutcomeUnknown));
    assert!(
        gone.message.contains("then the account in directory cloud was gone"),
        "{gone:?}"
    );
    let mute = outstanding(failure(FailureClass::Transient(None), "no answer")).waits();
    assert_eq!(mute.reason, Reason::DirectoryUnavailable, "{mute:?}");
    let mut without = outstanding(Ok(build::named(false)));
    without.named = None;
    assert_eq!(without.waits().reason, Reason::DirectoryUnavailable);
}

#[test]
fn the_clock_ends_the_wait_and_says_what_was_done() {
    for (named, text) in [
        (Ok(build::named(true)), "an administrator does it in the console"),
        (
            failure(FailureClass::Transient(None), "no answer"),
            "could not be read: no answer",
        ),
    ] {
        let mut scene = outstanding(named);
        scene.now = start() + SignedDuration::from_hours(24);
        let ending = finishes(&scene);
        assert_eq!(
            (ending.outcome, ending.reason),
            (Outcome::Failed, Reason::Expired),
            "{ending:?}"
        );
        for part in ["its time ended at", "the lock was cleared", "in directory ldap", text] {
            assert!(
                ending.message.contains(part),
                "{part:?} is missing in {}",
                ending.message
            );
        }
    }
}

#[test]
fn where_there_was_nothing_to_do_the_named_lock_is_awaited_all_the_same() {
    let mut scene = routed(unlock("a"));
    scene.found = unlocked();
    let waiting = scene.waits();
    assert_eq!(waiting.reason, Reason::AwaitingManualAction, "{waiting:?}");
    assert!(
        waiting.message.contains("was read as not locked; nothing was done"),
        "{waiting:?}"
    );
    assert!(
        waiting.outstanding.is_none(),
        "nothing was done, so nothing is recorded"
    );
    scene.named = Some((cloud(), Ok(build::named(false))));
    let ending = finishes(&scene);
    assert_eq!(
        (ending.outcome, ending.reason),
        (Outcome::Succeeded, Reason::NotLocked),
        "{ending:?}"
    );
}

/// Looked at ever less often: a thousand such requests must not use up a Directory's budget.
#[test]
fn the_longer_it_takes_the_rarer_it_is_looked_at() {
    for (minutes, seconds) in [(0, 5), (4, 30), (60, 300), (600, 300)] {
        let mut scene = outstanding(Ok(build::named(true)));
        scene.request.status.start_time = Some(scene.now);
        scene.now += SignedDuration::from_mins(minutes);
        let Waiting { until, .. } = scene.waits();
        assert_eq!(
            until,
            scene.now + SignedDuration::from_secs(seconds),
            "after {minutes} minutes"
        );
    }
}

/// A reset under a claim of this process's own, all of whose steps were sent and are shown.
fn done(unlock: bool, named_locked: bool) -> Scene {
    let mut request = reset("a", Method::ChangeAtNextSignIn);
    if let Ask::Reset { unlock: asked, .. } = &mut request.ask {
        *asked = unlock;
    }
    let mut scene = routed(request);
    let Decision::Act(Effect::Claim(new)) = scene.decide() else {
        panic!("no claim");
    };
    scene.progress.plan = new.plan.clone();
    for step in new.plan {
        scene.progress.record(step, scene.now, Some("l1".into()), Sent::Done);
    }
    scene.progress.claim = Some(Box::new(ClaimSeen {
        account: new.name,
        id: "id-alice".into(),
        charged: scene.now,
        claim: new.entry.claim.expect("a claim"),
        ours: true,
        usable: true,
        firm: true,
        quiet_for: Duration::ZERO,
    }));
    scene.found = unlocked().map(|read| AccountRead {
        must_change: Some(true),
        ..read
    });
    scene.named = Some((cloud(), Ok(build::named(named_locked))));
    scene
}

#[test]
fn a_claim_is_closed_with_the_record_and_not_before_it_is_firm() {
    let mut scene = done(true, true);
    let waiting = scene.waits();
    let outstanding = waiting.outstanding.expect("what was done");
    assert_eq!((outstanding.closing, outstanding.deliver), (Some(Closing::Done), true));
    assert_eq!(outstanding.reason, Reason::ChangeRequired);
    scene.progress.claim.iter_mut().for_each(|seen| seen.firm = false);
    let decision = scene.decide();
    assert!(matches!(decision, Decision::Act(Effect::Renew(_))), "{decision:?}");
}

/// A process may end between the record and the closing. By now the owner may have changed the password: what is recorded
/// needs no proof.
#[test]
fn a_claim_whose_work_is_recorded_is_only_closed() {
    for (named_locked, firm) in [(true, true), (false, true), (true, false)] {
        let mut scene = done(true, named_locked);
        scene.request.status = outstanding(Ok(build::named(true))).request.status;
        scene.progress.sends.clear();
        scene.found = Err(ReadFailure::NotFound);
        for seen in scene.progress.claim.iter_mut() {
            (seen.ours, seen.usable, seen.firm) = (false, false, firm);
        }
        match scene.decide() {
            Decision::Wait(waiting) if named_locked && firm => {
                assert_eq!(
                    waiting.outstanding.and_then(|ending| ending.closing),
                    Some(Closing::Done)
                );
            }
            Decision::Finish(ending) if !named_locked => {
                assert_eq!(
                    (ending.outcome, ending.closing),
                    (Outcome::Succeeded, Some(Closing::Done))
                );
            }
            Decision::Act(Effect::Renew(_)) if !firm => {}
            other => panic!("locked {named_locked}, firm {firm}: {other:?}"),
        }
    }
}

#[test]
fn a_lock_that_was_not_asked_about_is_left_alone() {
    let ending = finishes(&done(false, true));
    assert_eq!(
        (ending.outcome, ending.reason),
        (Outcome::Succeeded, Reason::ChangeRequired),
        "{ending:?}"
    );
    assert!(ending.message.contains("in directory ldap"), "{ending:?}");
}

/// Another process left the claim: what it is about must still be permitted, the named account included.
#[test]
fn an_interrupted_claim_is_gone_on_with_only_while_both_are_permitted() {
    let found = |bend: fn(&mut Scene)| {
        let mut scene = done(true, true);
        scene.progress.sends.clear();
        scene.progress.plan.clear();
        (scene.found, scene.now) = (Ok(account()), scene.now + SignedDuration::from_mins(1));
        if let Some(seen) = &mut scene.progress.claim {
            (seen.ours, seen.usable, seen.quiet_for) = (false, false, Duration::from_secs(60));
        }
        bend(&mut scene);
        scene
    };
    let renewed = found(|_| {}).decide();
    assert!(
        matches!(&renewed, Decision::Act(Effect::Renew(renewal)) if renewal.take_over.is_some()),
        "{renewed:?}"
    );
    let denied: [fn(&mut Scene); 3] = [
        |s| bend(s, |named| named.protection = Protection::Protected("admin role".into())),
        |s| s.named = Some((cloud(), Err(ReadFailure::NotFound))),
        |s| bend(s, |named| named.id = "cloud-bob".into()),
    ];
    for bend in denied {
        let ending = finishes(&found(bend));
        assert_eq!(
            (ending.outcome, ending.reason),
            (Outcome::Unknown, Reason::OutcomeUnknown),
            "whether the change was required before nobody knows: {ending:?}"
        );
        assert!(
            ending.message.contains("the account is not eligible any more"),
            "{ending:?}"
        );
    }
    let mute = found(|s| s.named = Some((cloud(), failure(FailureClass::Transient(None), "no answer")))).waits();
    assert_eq!(mute.reason, Reason::DirectoryUnavailable);
}

#[test]
fn the_same_manifest_has_run_where_the_credentials_live() {
    let not_after = Some(start() + SignedDuration::from_hours(2));
    let request = Request {
        not_after,
        ..reset("a", Method::ChangeAtNextSignIn)
    };
    let mut scene = routed(request);
    scene.ledger = vec![entry(&scene.request, LedgerOutcome::Done)];
    scene.named = Some((cloud(), Ok(build::named(false))));
    let ending = finishes(&scene);
    assert_eq!(
        (ending.outcome, ending.reason),
        (Outcome::Succeeded, Reason::AlreadyExecuted),
        "{ending:?}"
    );
    // Its time may be over.
    scene.now = start() + SignedDuration::from_hours(3);
    assert_eq!(finishes(&scene).reason, Reason::AlreadyExecuted);
}
