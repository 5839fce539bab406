//! What a request waits for, and for how long: nothing that hides nothing ends as Unknown, no clock that jumps shortens
//! a quarantine, and waiting asks for and writes no more than it must.

use crate::{
    build::{account, reset, unlock},
    scene::{Scene, failure},
};
use jiff::SignedDuration;
use readmit::{
    api::{Method, Outcome, Reason},
    domain::{
        account::{AccountRead, Failure, FailureClass, LockState, ReadFailure, Sent, Step},
        decision::{Decision, Effect, NewClaim, Waiting},
        observed::{Acting, ClaimSeen, Facts, LedgerSeen, Observed, Progress},
        request::Request,
        settings::Timing,
        status,
    },
};
use std::time::Duration;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const PAUSE: Duration = Duration::from_secs(20);

fn limited() -> Result<AccountRead, ReadFailure> {
    failure(FailureClass::RateLimited(PAUSE), "at its rate limit")
}

fn broken() -> Failure {
    Failure::new(FailureClass::Transient(None), "broken")
}

/// The claim that a request writes first.
pub fn claimed(request: &Request) -> NewClaim {
    match Scene::new(request.clone()).decide() {
        Decision::Act(Effect::Claim(claim)) => *claim,
        other => panic!("no claim: {other:?}"),
    }
}

/// A scene in which a request sent its first step under a claim of its own.
fn sent(request: Request, step: Step, result: Sent, quiet_for: Duration) -> Scene {
    let claim = claimed(&request);
    let mut scene = Scene::new(request);
    scene.progress.plan = claim.plan;
    scene.progress.record(step, scene.now, None, result);
    scene.progress.claim = Some(Box::new(ClaimSeen {
        account: claim.name,
        id: "id-alice".into(),
        charged: scene.now,
        claim: claim.entry.claim.unwrap(),
        ours: true,
        usable: true,
        firm: true,
        quiet_for,
    }));
    scene
}

/// A link that was asked for, once the lock was cleared.
fn linked(result: Sent, quiet_for: Duration) -> Scene {
    let mut scene = sent(reset("a", Method::Link), Step::Unlock, Sent::Done, quiet_for);
    scene.progress.record(Step::SendLink, scene.now, None, result);
    scene
}

/// An unlock that was sent without a claim.
fn unlocked() -> Scene {
    let mut scene = Scene::new(unlock("a"));
    scene.progress.target = Some(Box::new(Acting {
        directory: "ldap".into(),
        named: None,
        id: "id-alice".into(),
        server: None,
        policy: None,
    }));
    scene.progress.record(Step::Unlock, scene.now, None, Sent::Done);
    scene
}

fn changing() -> Scene {
    let request = reset("a", Method::ChangeAtNextSignIn);
    let mut scene = sent(request, Step::Unlock, Sent::Done, Duration::ZERO);
    for step in [Step::RequireChange, Step::RevokeSessions] {
        scene.progress.record(step, scene.now, None, Sent::Done);
    }
    scene
}

#[test]
fn a_budget_that_is_used_up_hides_nothing() {
    for mut scene in [changing(), unlocked()] {
        let sent = scene.now;
        scene.found = limited();
        // Both longer than a read-back may lag.
        for later in [SignedDuration::ZERO, MINUTE, 60 * MINUTE] {
            scene.now = sent + later;
            let waiting = scene.waits();
            assert_eq!(waiting.reason, Reason::AwaitingReadBack, "{waiting:?}");
            assert_eq!(waiting.until, scene.now + SignedDuration::try_from(PAUSE).unwrap());
            assert!(waiting.message.contains("at its rate limit"), "{waiting:?}");
        }
        // A reading that fails otherwise is waited for as long as before, and no more.
        scene.found = Err(broken().into());
        assert!(matches!(scene.decide(), Decision::Finish(ending) if ending.outcome == Outcome::Unknown));
        // Nor does any request live for ever.
        scene.found = limited();
        scene.now = sent + 26 * 60 * MINUTE;
        assert!(matches!(scene.decide(), Decision::Finish(ending) if ending.outcome == Outcome::Unknown));
    }
}

#[test]
fn a_clock_that_jumps_shortens_no_quarantine() {
    let lost = || Sent::Unknown(broken());
    let jumps = [-60, 0, 60].map(|minutes| minutes * MINUTE);
    let quarantine = Timing::default().quarantine;
    for jump in jumps {
        let quiet = Duration::from_secs(10);
        let mut scene = linked(lost(), quiet);
        scene.now += jump;
        let waiting = scene.waits();
        assert_eq!(waiting.reason, Reason::AwaitingReadBack, "{waiting:?}");
        let rest = SignedDuration::try_from(quarantine - quiet).unwrap();
        assert_eq!(waiting.until, scene.now + rest, "after a jump of {jump}");
        assert!(!scene.asks_upstream());

        let mut scene = linked(lost(), quarantine);
        scene.now += jump;
        scene.decide();
        assert!(scene.asks_upstream(), "it is read back after a jump of {jump}");
    }
}

#[test]
fn a_reading_that_works_ends_the_wait_for_readings_and_none_for_sends() {
    let (mut progress, now) = (Progress::default(), Scene::new(unlock("a")).now);
    let read = Scene::new(unlock("a")).found;
    let unread = |progress: &Progress| progress.unread.get("ldap").map(|setback| setback.count);
    for count in 1..=3 {
        progress.was_read("ldap", now, &Err(broken().into()));
        // Another Directory says nothing about this one.
        progress.was_read("cloud", now, &read);
        progress.record(Step::Unlock, now, None, Sent::NotSent(broken()));
        assert_eq!(unread(&progress), Some(count));
        assert_eq!(progress.failure.as_ref().map(|setback| setback.count), Some(count));
    }
    progress.was_read("ldap", now, &read);
    assert!(progress.unread.is_empty());
    assert_eq!(progress.failure.as_ref().map(|setback| setback.count), Some(3));
    progress.was_read("ldap", now, &Err(broken().into()));
    progress.record(Step::Unlock, now, None, Sent::Done);
    assert!(progress.failure.is_none());
    assert_eq!(unread(&progress), Some(1));
    // Whichever lasts longer is waited for.
    progress.was_read("ldap", now, &Err(broken().into()));
    progress.sends.clear();
    progress.record(Step::Unlock, now, None, Sent::NotSent(broken()));
    let mut scene = Scene::new(unlock("a"));
    scene.progress = progress;
    assert_eq!(scene.waits().until, now + SignedDuration::from_secs(2));
}

/// What another process did under a claim, the one that took it over does not know: it gives nothing back unread.
#[test]
fn a_claim_that_was_taken_over_is_not_given_back_for_a_setback() {
    for taken_over in [false, true] {
        let request = reset("a", Method::ChangeAtNextSignIn);
        let mut scene = sent(request, Step::RequireChange, Sent::NotSent(broken()), Duration::ZERO);
        if let Some(seen) = scene.progress.claim.as_mut().filter(|_| taken_over) {
            seen.claim.deadline += MINUTE;
        }
        match scene.decide() {
            Decision::Act(Effect::Release) if !taken_over => {}
            Decision::Wait(waiting) if taken_over => assert_eq!(waiting.reason, Reason::DirectoryUnavailable),
            other => panic!("taken over {taken_over}: {other:?}"),
        }
        // The other one had cleared the lock; only the account tells.
        scene.found = Ok(AccountRead {
            lock: LockState::NotLocked,
            lock_stamp: None,
            ..account()
        });
        scene.now += 26 * 60 * MINUTE;
        let Decision::Finish(ending) = scene.decide() else {
            panic!("taken over {taken_over}: it does not end");
        };
        let told = ending.message.contains("the lock was cleared");
        let expected = if taken_over { Outcome::Unknown } else { Outcome::Expired };
        assert_eq!((ending.outcome, told), (expected, taken_over), "{ending:?}");
    }
}

/// A request that waits for another one's claim, after its first pass.
fn busy() -> Scene {
    let mut scene = Scene::new(reset("b", Method::Link));
    scene.ledger = vec![claimed(&reset("a", Method::Link)).entry];
    let waiting = scene.waits();
    assert_eq!(waiting.reason, Reason::AccountBusy, "{waiting:?}");
    assert!(scene.asks_upstream(), "the first time");
    let ledger = claimed(&scene.request).name;
    let facts = Facts {
        ledger: Some(LedgerSeen {
            name: ledger,
            fields: None,
            resource_version: None,
        }),
        ..Facts::default()
    };
    let mut progress = Progress::default();
    progress.waits(scene.now, &waiting, &facts, true);
    let mut later = Scene::new(scene.request);
    (later.progress, later.ledger) = (progress, scene.ledger);
    later
}

#[test]
fn while_an_account_is_busy_only_its_ledger_is_looked_at() {
    let mut scene = busy();
    scene.now += MINUTE;
    let waiting = scene.waits();
    assert_eq!(waiting.reason, Reason::AccountBusy);
    assert_eq!(waiting.until, scene.now + SignedDuration::from_secs(2));
    assert!(waiting.policy.is_some() && waiting.account.is_some(), "{waiting:?}");
    assert!(!scene.asks_upstream());
    // The right to ask is looked at all the while.
    scene.may_use = false;
    assert_eq!(scene.waits().reason, Reason::NotAllowedToUse);
    scene.may_use = true;
    // Once the other is done, everything is judged anew.
    scene.ledger.clear();
    let decision = scene.decide();
    assert!(matches!(decision, Decision::Act(Effect::Claim(_))), "{decision:?}");
    assert!(scene.asks_upstream());
}

/// Runs one pass, and gives the reason that it writes, if it writes.
fn says(scene: &mut Scene, reason: Reason) -> Option<Reason> {
    let (facts, timing, directories) = (Facts::default(), Timing::default(), scene.directories());
    let observed = Observed {
        timing: &timing,
        request: &scene.request,
        enforcement: &scene.enforcement,
        policies: &scene.policies,
        directory: directories.first(),
        directories: &directories,
        facts: &facts,
        progress: &scene.progress,
    };
    let waiting = Waiting {
        reason,
        message: reason.to_string(),
        detail: None,
        until: scene.now + 60 * MINUTE,
        needs_person: false,
        policy: None,
        account: None,
        named: None,
        lockout: None,
        promise: None,
        outstanding: None,
        elsewhere: None,
    };
    let pause = status::waits(scene.now, &observed, &waiting, &[], None);
    scene.progress.waits(scene.now, &waiting, &facts, pause.unsaid);
    assert!(pause.until > scene.now);
    let written = pause.write?;
    scene.request.status = written;
    Some(reason)
}

#[test]
fn a_status_follows_what_lasts() {
    use Reason::{AccountBusy, DirectoryUnavailable, RateLimited};
    let mut scene = Scene::new(unlock("a"));
    let start = scene.now;
    // Seconds, how it stands, what is written.
    for (at, reason, written) in [
        (0, AccountBusy, None),
        (3, RateLimited, None),
        (6, AccountBusy, Some(AccountBusy)),
        (60, AccountBusy, None),
        // A Directory whose spec changes, and is ready again.
        (61, DirectoryUnavailable, None),
        (63, AccountBusy, None),
        (64, DirectoryUnavailable, None),
        (68, RateLimited, None),
        (69, DirectoryUnavailable, Some(DirectoryUnavailable)),
        (70, AccountBusy, None),
        (75, AccountBusy, Some(AccountBusy)),
    ] {
        scene.now = start + SignedDuration::from_secs(at);
        assert_eq!(says(&mut scene, reason), written, "at {at} s");
    }
    // Who changes the request is answered at once.
    scene.request.generation += 1;
    assert_eq!(says(&mut scene, AccountBusy), Some(AccountBusy));
}
