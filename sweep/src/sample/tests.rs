//! What every sample holds, for seeds 1 to 20 and all shards. Nothing is run, so that it takes no time.

use super::*;
use crate::{case::Blow, cases, caught};
use readmit::failpoint::Place;

const SEEDS: std::ops::RangeInclusive<u64> = 1..=20;

fn lists() -> Vec<Vec<String>> {
    caught::lists().expect("the lists").into_values().collect()
}

/// Lists of other lengths than those that happen to be there: from 1 case to 148, most of which samples must be filled up
/// for.
fn made_up_lists() -> Vec<Vec<String>> {
    let all = cases::all();
    let list = |step: usize| all.iter().step_by(step).map(|case| case.name.clone()).collect();
    [7, 60, 200, 300, 500, 600, 2000].map(list).to_vec()
}

fn names<'a>(sample: &[&'a Case]) -> BTreeSet<&'a str> {
    sample.iter().map(|case| case.name.as_str()).collect()
}

/// Every sample, with its shard and seed.
fn each_sample<'a>(cases: &'a [Case], lists: &[Vec<String>], mut check: impl FnMut(u64, u64, &[&'a Case])) {
    let deal = Deal::new(cases, lists);
    for seed in SEEDS {
        for shard in 0..SHARDS {
            let sample: Vec<&Case> = deal.sample(shard, seed).collect();
            check(shard, seed, &sample);
        }
    }
}

#[test]
fn there_are_as_many_pairs_as_the_page_says() {
    let cases = cases::all();
    let mut pairs: BTreeMap<String, usize> = BTreeMap::new();
    cases.iter().for_each(|case| *pairs.entry(pair(case)).or_default() += 1);
    let once = pairs.values().filter(|count| **count == 1).count();
    assert_eq!(
        (cases.len(), pairs.len(), once),
        (1038, 264, 140),
        "say so in docs/sweep.md"
    );
}

#[test]
fn every_sample_holds_every_pair_and_what_is_pinned() {
    let cases = cases::all();
    let pair_of: BTreeMap<&str, String> = cases.iter().map(|case| (&*case.name, pair(case))).collect();
    let pairs: BTreeSet<&String> = pair_of.values().collect();
    each_sample(&cases, &lists(), |shard, seed, sample| {
        let held: BTreeSet<&String> = sample.iter().map(|case| &pair_of[&*case.name]).collect();
        assert_eq!(held, pairs, "shard {shard}, seed {seed}");
        let names = names(sample);
        let missing: Vec<&str> = PINNED.into_iter().filter(|name| !names.contains(name)).collect();
        assert_eq!(missing, [""; 0], "shard {shard}, seed {seed}");
        let times = sample.iter().filter(|case| case.name == REPEATED.0).count();
        assert_eq!(times, REPEATED.1, "shard {shard}, seed {seed}");
        assert_eq!(sample.len(), names.len() + times - 1, "nothing else is there twice");
    });
}

#[test]
fn every_sample_kills_and_deceives_at_every_place_on_both_sides() {
    let places = Place::ALL.iter().map(|place| place.name());
    let points: Vec<String> = places
        .flat_map(|place| ["before", "after"].map(|side| format!("{place}.{side}")))
        .collect();
    let needed: BTreeSet<(&str, Blow)> = points
        .iter()
        .flat_map(|point| [Blow::Kill, Blow::Lost].map(|blow| (point.as_str(), blow)))
        .collect();
    let cases = cases::all();
    each_sample(&cases, &lists(), |shard, seed, sample| {
        let mut struck = BTreeSet::new();
        for case in sample {
            if let Trouble::At(strike) = &case.trouble {
                struck.insert((strike.point.as_str(), strike.blow));
            }
            struck.extend(case.second.iter().map(|strike| (strike.point.as_str(), strike.blow)));
        }
        let missing: Vec<_> = needed.difference(&struck).collect();
        assert!(missing.is_empty(), "shard {shard}, seed {seed}: {missing:?}");
    });
}

#[test]
fn eight_samples_hold_every_case_whatever_their_seeds() {
    let cases = cases::all();
    let deal = Deal::new(&cases, &lists());
    // One seed for all, and another one for each as commits have it.
    for (seed, step) in SEEDS.flat_map(|seed| [(seed, 0), (seed, 1), (seed, 7919)]) {
        let shards = (0..SHARDS).flat_map(|shard| deal.sample(shard, seed + shard * step));
        let held: BTreeSet<&str> = shards.map(|case| case.name.as_str()).collect();
        assert_eq!(held.len(), cases.len(), "seed {seed} and {step} more each time");
    }
}

#[test]
fn every_sample_has_enough_of_each_list() {
    let cases = cases::all();
    for lists in [lists(), made_up_lists()] {
        each_sample(&cases, &lists, |shard, seed, sample| {
            let names = names(sample);
            for list in &lists {
                let count = list.iter().filter(|name| names.contains(name.as_str())).count();
                let enough = CATCHERS.min(list.len());
                assert!(count >= enough, "shard {shard}, seed {seed}: {count} of {list:?}");
            }
        });
    }
}

#[test]
fn samples_are_small_and_of_one_size() {
    let cases = cases::all();
    let mut sizes = BTreeMap::new();
    each_sample(&cases, &lists(), |shard, seed, sample| {
        sizes.insert((seed, shard), sample.len());
    });
    let (least, most) = (sizes.values().min(), sizes.values().max());
    let (least, most) = (*least.expect("a sample"), *most.expect("a sample"));
    // The deal itself makes 30 of 100; lists add a few.
    let is_small = most * 100 <= cases.len() * 31;
    assert!(is_small && most - least <= 10, "{sizes:?} of {}", cases.len());
}

#[test]
fn the_seed_chooses_among_the_cases_of_a_list() {
    let (cases, lists) = (cases::all(), made_up_lists());
    let deal = Deal::new(&cases, &lists);
    let seen = |seed| names(&deal.sample(0, seed).collect::<Vec<_>>());
    assert_eq!(seen(1), seen(1));
    assert_ne!(seen(1), seen(2));
    let cloned: Vec<String> = sample(&cases, &lists, 0, 1).into_iter().map(|case| case.name).collect();
    assert_eq!(cloned.iter().map(String::as_str).collect::<BTreeSet<_>>(), seen(1));
}
