//! The core as it is: no schedule within the bounds breaks a rule, and every request ends.

use crate::{
    model::{Scene, explore},
    simulation::{build, world::Mutant},
    state::Faults,
};
use jiff::SignedDuration;
use readmit::{api::Method, domain::request::Request};

/// Two resets by this method, of which the policy allows one.
pub fn resets(name: &'static str, method: Method, marks: bool, faults: Faults) -> Scene {
    Scene {
        name,
        requests: vec![build::reset("r1", method), build::reset("r2", method)],
        limit: 1,
        life: "60s",
        marks,
        locked: false,
        faults,
        mutant: Mutant::None,
    }
}

/// Faults of each kind, so many together. `MODEL_FAULTS` chooses more for a longer look.
pub fn any(together: u8) -> Faults {
    let chosen = std::env::var("MODEL_FAULTS").ok();
    let chosen = chosen.map(|text| text.parse().expect("MODEL_FAULTS is a number"));
    Faults {
        switches: 2,
        crashes: 1,
        pauses: 1,
        lost: 1,
        lags: 1,
        together: chosen.unwrap_or(together),
    }
}

/// One manifest twice: the second object is made while the first one is under way, as after a restore.
pub fn recreated(faults: Faults) -> Scene {
    let not_after = Some(build::start() + SignedDuration::from_secs(60));
    let one = Request {
        not_after,
        ..build::reset("r1", Method::TemporaryPassword)
    };
    let again = Request {
        uid: "r2".into(),
        ..one.clone()
    };
    Scene {
        requests: vec![one, again],
        limit: 2,
        ..resets("recreated", Method::TemporaryPassword, true, faults)
    }
}

/// A reset that clears the lock too, and an unlock of the same account, without a claim.
pub fn mixed(faults: Faults) -> Scene {
    Scene {
        requests: vec![build::reset("r1", Method::ChangeAtNextSignIn), build::unlock("u1")],
        locked: true,
        ..resets("mixed", Method::ChangeAtNextSignIn, true, faults)
    }
}

#[track_caller]
fn check(scene: &Scene, seen: &[&str]) {
    let explored = explore(scene);
    for (name, path) in &explored.broken {
        println!("{name}:\n{path}");
    }
    let broken: Vec<_> = explored.broken.iter().map(|(name, _)| name).collect();
    assert_eq!(broken, Vec::<&&str>::new(), "in {}", scene.name);
    for what in seen {
        assert!(explored.seen.contains(what), "{}: not seen that {what}", scene.name);
    }
}

const SUCCEEDS: &str = "something succeeds";
const UNKNOWN: &str = "something becomes unknown";
const EXPIRES: &str = "something expires";

#[test]
fn passwords() {
    let scene = resets("passwords", Method::TemporaryPassword, true, any(1));
    // Marker and proof tell what became of it, whatever goes wrong once.
    check(&scene, &[SUCCEEDS, EXPIRES]);
}

#[test]
fn passwords_that_leave_no_trace() {
    let scene = resets("no trace", Method::TemporaryPassword, false, any(1));
    check(&scene, &[SUCCEEDS, UNKNOWN, EXPIRES]);
}

#[test]
fn links() {
    let scene = resets("links", Method::Link, false, any(1));
    check(&scene, &[SUCCEEDS, UNKNOWN, EXPIRES]);
}

#[test]
fn one_manifest_twice() {
    check(&recreated(any(1)), &[SUCCEEDS]);
}

#[test]
fn a_reset_and_an_unlock() {
    check(&mixed(any(1)), &[SUCCEEDS]);
}
