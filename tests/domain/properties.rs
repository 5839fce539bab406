//! What must hold whatever happens, over random schedules. Most of it is asserted where it happens (`world`, `truth`,
//! `replica`); here stand the schedules, and what must hold at their end.
//!
//! `PROPTEST_CASES` and `PROPTEST_RNG_SEED` choose more cases and another seed; failures are kept in `regressions.txt`, and as
//! schedules in `kept`.

use crate::{
    replica::{How, Replica},
    schedule::{self, Event, LIMIT, Wish},
    truth,
    world::World,
};
use jiff::SignedDuration;
use proptest::{
    prelude::*,
    test_runner::{FileFailurePersistence, RngSeed, TestRunner},
};
use readmit::domain::{account::Step, decide::IDLE};
use std::time::Duration;

/// So many threads share the cases, each with a seed of its own: one alone takes half a minute without optimisation.
const PARTS: u32 = 4;

fn config(cases: u32, part: u32) -> ProptestConfig {
    let standard = ProptestConfig::default();
    let seed = match standard.rng_seed {
        RngSeed::Random => 20_261_122,
        RngSeed::Fixed(seed) => seed,
    };
    ProptestConfig {
        cases: standard.cases.max(cases).div_ceil(PARTS),
        max_shrink_iters: 3_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/domain/regressions.txt"))),
        rng_seed: RngSeed::Fixed(seed.wrapping_mul(PARTS.into()).wrapping_add(part.into())),
        ..standard
    }
}

/// Tries so many cases, and panics with the smallest one that fails. They are the same on every machine.
fn holds<S: Strategy>(cases: u32, strategy: fn() -> S, property: fn(S::Value)) {
    std::thread::scope(|scope| {
        let explore = |part| {
            move || {
                let tried = TestRunner::new(config(cases, part)).run(&strategy(), |value| {
                    property(value);
                    Ok(())
                });
                tried.unwrap_or_else(|failure| panic!("part {part}: {failure}"));
            }
        };
        let parts: Vec<_> = (0..PARTS).map(|part| scope.spawn(explore(part))).collect();
        for part in parts {
            part.join().unwrap_or_else(|failure| std::panic::resume_unwind(failure));
        }
    });
}

/// What is asked for, under which policies, of a directory of which kind; see [`world`].
pub type Setting = (Vec<Wish>, u8, bool, bool, bool);

fn setting(marks: f64) -> impl Strategy<Value = Setting> {
    let wishes = prop::collection::vec(schedule::wish(), 1..4);
    (
        wishes,
        0u8..2,
        prop::bool::weighted(marks),
        any::<bool>(),
        prop::bool::weighted(0.3),
    )
}

/// Every invariant, while anything may happen; and afterwards every request ends.
#[test]
fn effects_happen_once_and_every_request_ends() {
    let strategy = || (setting(0.8), prop::collection::vec(schedule::event(), 0..40));
    holds(2_000, strategy, |(setting, events)| holds_in(&setting, &events));
}

/// The same in one world, while just this happens.
pub fn holds_in(setting: &Setting, events: &[Event]) {
    let mut world = world(setting);
    let mut replicas = [Replica::default(), Replica::default()];
    for event in events {
        schedule::apply(&mut world, &mut replicas, event);
    }
    schedule::heal(&mut world);
    run_out(&mut world, &mut replicas);
    limits_held(&world);
}

/// Where nothing goes wrong and nobody meddles, nothing is unknown, and everything is done or says why not.
#[test]
fn a_quiet_world_leaves_nothing_unknown() {
    holds(
        256,
        || setting(0.5),
        |setting| {
            let mut world = world(&setting);
            let mut replicas = [Replica::default(), Replica::default()];
            run_out(&mut world, &mut replicas);
            limits_held(&world);
            for (_, request) in world.truth.endings.values() {
                let text = (truth::reason(request), truth::message(request));
                assert!(
                    request.status.outcome != Some(readmit::api::Outcome::Unknown),
                    "{text:?}"
                );
            }
        },
    );
}

/// `together`: the directory sets password, lock and forced change with one write, and counts set passwords.
/// `elsewhere`: requests name accounts of another directory, whose credentials live in that one.
fn world((wishes, choice, marks, together, elsewhere): &Setting) -> World {
    let requests = wishes
        .iter()
        .enumerate()
        .map(|(number, wish)| schedule::request(*wish, number));
    let mut world = World::new(requests.collect(), schedule::policies(*choice), *marks);
    // A right that stays away is asked for all day, which is half of all the work where it is asked for twice a minute.
    world.timing.rights_recheck = IDLE;
    if let Some(directory) = world.directory.as_mut().filter(|_| *together) {
        directory.capabilities.with_password = [Step::Unlock, Step::RequireChange].into();
        directory.capabilities.marker_counts = true;
    }
    if *elsewhere { world.leading_elsewhere() } else { world }
}

/// Passes over everything, by turns, until everything has ended; which must be within the time that every request has,
/// and a little: a day where no policy that the requester may use says otherwise.
fn run_out(world: &mut World, replicas: &mut [Replica; 2]) {
    let last = world.requests.iter().flatten().map(|request| request.created).max();
    let bound =
        last.unwrap_or(world.now).max(world.now) + SignedDuration::from_hours(26) + SignedDuration::from_mins(5);
    let mut turn = 0;
    while world.requests.iter().flatten().any(|request| !request.is_finished()) {
        assert!(world.now < bound, "a request does not end: {:?}", open(world));
        let mut next = world.now + SignedDuration::from_secs(600);
        for index in 0..world.requests.len() {
            let again = replicas[turn % 2].pass(world, index, How::default());
            let again = again.unwrap_or_else(|_| panic!("crashed without being told to"));
            next = again.map_or(next, |again| next.min(again));
        }
        replicas[turn % 2].flush(world);
        replicas[turn % 2].sweep(world);
        schedule::sound(world);
        turn += 1;
        let wait = Duration::try_from(next.duration_since(world.now)).unwrap_or_default();
        world.advance(wait.max(Duration::from_millis(20)));
    }
}

fn open(world: &World) -> Vec<String> {
    let open = world.requests.iter().flatten().filter(|request| !request.is_finished());
    open.map(|request| format!("{}: {:?}", request.uid, request.status.conditions))
        .collect()
}

/// In no stretch of a day are there resets by more requests than the limit allows.
fn limits_held(world: &World) {
    let most = world.truth.most_resets_a_day();
    assert!(most <= LIMIT, "{most} resets within a day, where {LIMIT} are allowed");
}
