//! Under a claim that another replica may still hold, or may have taken over, nothing is ended before the claim is written
//! again: whoever comes second there loses, and sends nothing after the end.

use crate::{
    build::{reset, start},
    patience::claimed,
    scene::Scene,
};
use jiff::SignedDuration;
use readmit::{
    api::{Method, Outcome},
    domain::{
        account::{Failure, FailureClass, LockState, Sent, Step},
        decision::{Decision, Effect, Renewal},
        observed::ClaimSeen,
        request::Request,
        settings::Timing,
    },
};

/// A request whose claim has been known for longer than its quarantine: as its writer, who may not send any more, or as
/// another replica.
pub fn quiet(request: Request, ours: bool) -> Scene {
    let claim = claimed(&request);
    let mut scene = Scene::new(request);
    scene.progress.claim = Some(Box::new(ClaimSeen {
        account: claim.name,
        id: "id-alice".into(),
        charged: scene.now,
        claim: claim.entry.claim.unwrap(),
        ours,
        usable: false,
        firm: false,
        quiet_for: Timing::default().quarantine,
    }));
    if ours {
        scene.progress.plan = claim.plan;
    }
    scene
}

fn sent(scene: &mut Scene, steps: &[Step]) {
    for step in steps {
        scene.progress.record(*step, scene.now, None, Sent::Done);
    }
}

type Row = (&'static str, Method, bool, fn(&mut Scene), Outcome);

#[test]
fn an_ending_needs_a_claim_that_nobody_else_can_hold() {
    let rows: [Row; 6] = [
        (
            "found, and nothing is left to do",
            Method::ChangeAtNextSignIn,
            false,
            |s| {
                s.now = start() + SignedDuration::from_hours(24);
                s.finds(|found| {
                    found.lock = LockState::NotLocked;
                    found.must_change = Some(true);
                });
            },
            Outcome::Succeeded,
        ),
        (
            "found, and its time is over",
            Method::ChangeAtNextSignIn,
            false,
            |s| s.now = start() + SignedDuration::from_hours(24),
            Outcome::Unknown,
        ),
        (
            "found, and nothing tells whether a link was sent",
            Method::Link,
            false,
            |_| {},
            Outcome::Unknown,
        ),
        (
            "found, and the account was locked anew",
            Method::ChangeAtNextSignIn,
            false,
            |s| {
                s.finds(|found| found.lock_stamp = Some("l2".into()));
            },
            Outcome::Failed,
        ),
        (
            "ours, and its time is over",
            Method::Link,
            true,
            |s| s.now = start() + SignedDuration::from_hours(24),
            Outcome::Expired,
        ),
        (
            "ours, and a refusal was slow",
            Method::Link,
            true,
            |s| {
                sent(s, &[Step::Unlock]);
                let no = Failure::new(FailureClass::Permanent, "no");
                s.progress.record(Step::SendLink, s.now, None, Sent::Refused(no));
            },
            Outcome::Failed,
        ),
    ];
    for (name, method, ours, bend, outcome) in rows {
        let mut scene = quiet(reset("a", method), ours);
        bend(&mut scene);
        let decision = scene.decide();
        let fence = Effect::Renew(Renewal::fence());
        assert!(
            matches!(&decision, Decision::Act(effect) if *effect == fence),
            "{name}: {decision:?}"
        );
        scene.progress.claim.as_mut().unwrap().firm = true;
        let decision = scene.decide();
        assert!(
            matches!(&decision, Decision::Finish(ending) if ending.outcome == outcome),
            "{name}: {decision:?}"
        );
    }
}
