//! Requests that use two Directories, in the lines before both: nobody is passed over for ever, nobody takes what others
//! could use, and who comes first in one Directory does so whatever happens in the other.

mod street;

use proptest::{collection::vec, prelude::*};
use readmit::domain::queue::Lane;
use street::{Asker, Street, seconds};

const A: usize = 0;
const B: usize = 1;
/// Which Directories a request may use: the one that it names, and the one that this leads to.
const WAYS: [(usize, Option<usize>); 4] = [(A, None), (B, None), (A, Some(B)), (B, Some(A))];

fn ask(way: (usize, Option<usize>), lane: Lane, created: i64) -> Asker {
    Asker::new(way, lane, created)
}

/// So many of each of these, one after the other, all there at once.
fn crowd(each: usize, ways: &[(usize, Option<usize>)], lane: Lane) -> Vec<Asker> {
    let asks = |n: usize| ways.iter().map(move |way| ask(*way, lane, n as i64));
    (0..each).flat_map(asks).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// In both directions, at any two paces, and though everybody is looked at again now and then.
    #[test]
    fn everybody_is_served_and_nobody_looks_up_more_than_twice(
        drawn in vec((0..WAYS.len(), any::<bool>(), 0i64..5), 1..60),
        paces in (1u32..40, 1u32..40),
        glance in 3u64..20,
    ) {
        let lane = |person| if person { Lane::Person } else { Lane::ServiceAccount };
        let askers = drawn.iter().map(|(way, person, created)| ask(WAYS[*way], lane(*person), *created));
        let mut street = Street::new([f64::from(paces.0) / 10.0, f64::from(paces.1) / 10.0], askers.collect());
        street.glance = seconds(glance);
        // Both budgets one after the other, each used by three quarters, and what is known too late of what one costs.
        let most = street.least_time() * 4 / 3 + seconds(90);
        street.run(most);
        for (n, asker) in street.askers().enumerate() {
            prop_assert!(asker.ended.is_some(), "{} is still there after {:?}: {:?}", n, most, asker);
            prop_assert!(asker.looked <= if asker.is_routed() { 2 } else { 1 }, "{} looked too often: {:?}", n, asker);
        }
    }
}

/// Two Directories as slow as they may be: the turn comes in one long after it came in the other.
#[test]
fn two_slow_directories_do_not_call_past_each_other() {
    let mut street = Street::new([0.2, 0.2], crowd(6, &WAYS[2..], Lane::Person));
    street.run(street.least_time() * 4 / 3 + seconds(90));
    let late: Vec<&Asker> = street.askers().filter(|asker| asker.ended.is_none()).collect();
    assert!(late.is_empty(), "{late:?}");
}

/// What is wrong with the other Directory is no reason to wait in this one.
#[test]
fn a_directory_that_is_held_up_holds_up_no_other() {
    let alone = crowd(40, &WAYS[..1], Lane::Person);
    let last = |askers: Vec<Asker>, trouble: fn(&mut Street)| {
        let mut street = Street::new([5.0, 5.0], askers);
        trouble(&mut street);
        street.run(seconds(300));
        let ends = street
            .askers()
            .filter(|asker| asker.uses_only(A))
            .map(|asker| asker.ended);
        ends.map(|end| end.expect("let in")).max().expect("somebody")
    };
    let undisturbed = last(alone.clone(), |_| {});
    type Trouble = (&'static str, fn(&mut Street), u64);
    let troubles: [Trouble; 3] = [
        // What those who name A look up there first is theirs by right: 20 look-ups of two calls at 5/s.
        ("paused", |street| street.pause(B, seconds(3_600)), 8 + 2),
        ("its breaker is open", |street| street.open(B), 8 + 2),
        ("slow", |street| street.slow(B, 0.05), 8 + 2),
    ];
    for (name, trouble, more) in troubles {
        for ways in [&WAYS[2..3], &WAYS[3..4]] {
            let mut askers = alone.clone();
            askers.extend(crowd(20, ways, Lane::Person));
            let took = last(askers, trouble);
            assert!(
                took <= undisturbed + seconds(more),
                "{name}, {ways:?}: {took:?} instead of {undisturbed:?}"
            );
        }
    }
}

/// A person waits for a second's worth of calls at most, in one Directory or in two.
#[test]
fn people_go_first_through_two_lines_as_through_one() {
    for way in WAYS {
        let mut askers = crowd(200, &WAYS[2..], Lane::ServiceAccount);
        askers.push(ask(way, Lane::Person, 60));
        let mut street = Street::new([5.0, 5.0], askers);
        street.run(seconds(120));
        let person = street.askers().last().expect("the person");
        let ended = person.ended.expect("let in");
        assert!(ended <= seconds(60 + 5), "{way:?}: let in at {ended:?}");
        let others = street.askers().filter(|asker| asker.ended.is_some()).count();
        assert!(others > 40, "the lines move: {others}");
    }
}
