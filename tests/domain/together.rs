//! A directory that sets password, lock and forced change with one write, and counts set passwords.

use crate::{
    build,
    replica::{Fault, How, Replica},
    truth,
    world::World,
};
use jiff::{SignedDuration, Timestamp};
use readmit::{
    api::{Method, Outcome},
    domain::{
        account::{Capabilities, Moved, Step},
        request::{Ask, Request},
    },
};
use std::time::Duration;

fn temporary(unlock: bool) -> Request {
    Request {
        ask: Ask::Reset {
            method: Method::TemporaryPassword,
            unlock,
            recipients: Vec::new(),
        },
        ..build::reset("r", Method::TemporaryPassword)
    }
}

fn world(request: Request) -> World {
    let policies = vec![build::policy("desk", serde_json::json!({}))];
    let mut world = World::new(vec![request], policies, true);
    let capabilities = &mut world.directory.as_mut().unwrap().capabilities;
    capabilities.with_password = [Step::Unlock, Step::RequireChange].into();
    capabilities.marker_counts = true;
    // As Active Directory: nothing else is sent.
    capabilities
        .unable
        .insert(Step::RevokeSessions, "it keeps no sessions".into());
    world
}

/// Passes until the request has ended.
fn run(world: &mut World, replica: &mut Replica, how: How) -> Request {
    let end = world.now + SignedDuration::from_hours(1);
    let mut how = how;
    while !world.requests[0].as_ref().unwrap().is_finished() {
        assert!(world.now < end, "it does not end");
        let again = replica
            .pass(world, 0, std::mem::take(&mut how))
            .unwrap_or_else(|_| panic!("no crash"));
        let wait = again.map_or(Duration::from_secs(1), |again| {
            Duration::try_from(again.duration_since(world.now)).unwrap_or_default()
        });
        world.advance(wait.max(Duration::from_millis(20)));
    }
    world.requests[0].clone().unwrap()
}

fn effects(world: &World) -> (Vec<Step>, Vec<Timestamp>) {
    let mut times: Vec<Timestamp> = world.truth.effects.iter().map(|effect| effect.0).collect();
    times.dedup();
    (world.truth.effects.iter().map(|effect| effect.2).collect(), times)
}

fn fault(fault: Fault) -> How {
    How {
        fault: Some(fault),
        ..How::default()
    }
}

#[test]
fn what_goes_together_is_sent_together() {
    use Step::{RequireChange, SetPassword, Unlock};
    for (locked, unlock, expected) in [
        (true, true, &[SetPassword, Unlock, RequireChange][..]),
        (true, false, &[SetPassword, RequireChange]),
        (false, true, &[SetPassword, RequireChange]),
        (false, false, &[SetPassword, RequireChange]),
    ] {
        let mut world = world(temporary(unlock));
        world.upstream.locked = locked;
        let ended = run(&mut world, &mut Replica::default(), How::default());
        assert_eq!(
            ended.status.outcome,
            Some(Outcome::Succeeded),
            "{}",
            truth::message(&ended)
        );
        let (steps, times) = effects(&world);
        assert_eq!(
            (steps.as_slice(), times.len()),
            (expected, 1),
            "locked {locked}, unlock {unlock}"
        );
        assert_eq!(world.upstream.locked, locked && !unlock);
    }
}

/// One write is refused, or not sent, as a whole: none of its parts is sent by itself.
#[test]
fn nothing_of_a_refused_write_is_sent_alone() {
    let mut world = world(temporary(true));
    let ended = run(&mut world, &mut Replica::default(), fault(Fault::Refused));
    assert_eq!(ended.status.outcome, Some(Outcome::Failed));
    assert!(
        truth::message(&ended).contains("refused SetPassword"),
        "{}",
        truth::message(&ended)
    );
    assert_eq!(effects(&world).0, []);
    for passing in [Fault::NotSent, Fault::Busy, Fault::NeedsConfig] {
        let mut world = self::world(temporary(true));
        let ended = run(&mut world, &mut Replica::default(), fault(passing));
        assert_eq!(ended.status.outcome, Some(Outcome::Succeeded), "{passing:?}");
        assert_eq!(effects(&world).1.len(), 1, "{passing:?}");
    }
}

#[test]
fn a_lost_reply_is_read_back_as_a_whole() {
    for lost in [Fault::LostAfter, Fault::LostBefore, Fault::Late(3)] {
        let mut world = world(temporary(true));
        let ended = run(&mut world, &mut Replica::default(), fault(lost));
        assert_eq!(
            ended.status.outcome,
            Some(Outcome::Succeeded),
            "{lost:?}: {}",
            truth::message(&ended)
        );
        assert_eq!(effects(&world).0.len(), 3, "{lost:?}");
        assert!(!world.upstream.locked && world.upstream.must_change, "{lost:?}");
    }
}

/// The marker shows two passwords where one was sent: whose is in force cannot be known, and no sign-in is wasted on it.
#[test]
fn a_count_that_moved_further_is_unknown() {
    let mut world = world(temporary(true));
    let mut replica = Replica::default();
    let pass = replica.pass(&mut world, 0, fault(Fault::LostAfter));
    assert!(pass.is_ok());
    world.upstream.password = "somebody else's".into();
    world.upstream.marker += 1;
    let ended = run(&mut world, &mut replica, How::default());
    assert_eq!(
        ended.status.outcome,
        Some(Outcome::Unknown),
        "{}",
        truth::message(&ended)
    );
    assert!(
        truth::message(&ended).contains("more than once"),
        "{}",
        truth::message(&ended)
    );
    assert!(ended.status.delivery.is_none());
}

#[test]
fn markers_move() {
    for (before, now, counted, compared) in [
        (Some("3"), Some("3"), Moved::No, Moved::No),
        (Some("3"), Some("4"), Moved::Once, Moved::Once),
        (Some("3"), Some("5"), Moved::Further, Moved::Once),
        (Some("3"), Some("2"), Moved::Further, Moved::Once),
        (Some("0"), Some("1"), Moved::Once, Moved::Once),
        (None, Some("7"), Moved::Once, Moved::Once),
        (None, None, Moved::No, Moved::No),
        (Some("2026"), Some("later"), Moved::Once, Moved::Once),
    ] {
        for (marker_counts, expected) in [(true, counted), (false, compared)] {
            let capabilities = Capabilities {
                marker_counts,
                ..Capabilities::default()
            };
            assert_eq!(capabilities.moved(before, now), expected, "{before:?} {now:?}");
        }
    }
}
