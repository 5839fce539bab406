//! The world without one of the guards that the core relies on: the exploration must notice. One that finds nothing wrong
//! here would find nothing anywhere. Each is given the faults under which it matters, and no more.

use crate::{
    model::{LATE, LIMIT, ONE_EFFECT, Scene, TERMINAL, TRUTH, explore},
    simulation::world::Mutant,
    sound::resets,
    state::Faults,
};
use readmit::api::Method;

const NONE: Faults = Faults {
    switches: 0,
    crashes: 0,
    pauses: 0,
    lost: 0,
    lags: 0,
    together: 0,
};
const ONE: Faults = Faults { together: 1, ..NONE };
const SWITCH: Faults = Faults { switches: 1, ..ONE };
const PAUSE: Faults = Faults { pauses: 1, ..ONE };
const LOST: Faults = Faults { lost: 1, ..ONE };
const LAG: Faults = Faults { lags: 1, ..ONE };

/// The exploration of two resets of passwords breaks this property without that guard, and nothing with it.
#[track_caller]
fn check(mutant: Mutant, marks: bool, faults: Faults, property: &str) {
    let whole = resets("mutant", Method::TemporaryPassword, marks, faults);
    let scene = Scene {
        mutant,
        ..whole.clone()
    };
    let broken = explore(&scene).broken;
    let found = broken.iter().any(|(name, _)| *name == property);
    assert!(found, "{mutant:?} is not noticed by {property:?}, but: {broken:#?}");
    let sound = explore(&whole).broken;
    assert!(sound.is_empty(), "with the guard: {sound:#?}");
}

#[test]
fn no_compare_and_swap() {
    check(Mutant::NoCompareAndSwap, true, NONE, ONE_EFFECT);
}

#[test]
fn no_terminal_rule() {
    check(Mutant::NoTerminalRule, true, LAG, TERMINAL);
}

#[test]
fn no_deadline() {
    check(Mutant::NoDeadline, true, PAUSE, LATE);
}

#[test]
fn no_quarantine() {
    check(Mutant::NoQuarantine, true, SWITCH, LATE);
    check(Mutant::NoQuarantine, true, LOST, LATE);
}

#[test]
fn a_refunded_limit() {
    check(Mutant::RefundedLimit, false, LOST, LIMIT);
}

#[test]
fn a_lost_reply_taken_for_nothing_sent() {
    check(Mutant::LostIsNotSent, true, LOST, ONE_EFFECT);
}

#[test]
fn another_password_the_second_time() {
    check(Mutant::FreshPassword, true, PAUSE, TRUTH);
}
