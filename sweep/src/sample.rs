//! Which cases a sample of the sweep holds. There are eight samples: each tries every fault at every place, and what is
//! tried in many ways is divided among them.
//!
//! Pure: the same cases, lists, shard and seed give the same sample. Nothing is read here, [`crate::caught`] reads lists.

#[cfg(test)]
mod tests;

use crate::case::{Case, Strike, Trouble};
use std::{
    collections::{BTreeMap, BTreeSet},
    iter::repeat_n,
};

/// So many samples together hold every case.
pub const SHARDS: u64 = 8;

/// Each sample holds so many cases of each list of [`crate::caught`], or the whole list where it is shorter.
pub const CATCHERS: usize = 3;

/// What each fault that `docs/sweep.md` tells of was found by, or shown with: in every sample.
pub const PINNED: [&str; 17] = [
    "okta/change/send-change.before/kill",
    "okta/claimed-unlock/paused-while-reading-back",
    "okta/link/send-link.after/kill",
    "okta/link/send-link.after/kill+status-end.after/kill/locked-again",
    "okta/link/send-link.after/lost",
    "okta/link/send-link.before/delay/wall-back",
    "okta/temporary/ledger-claim.after/stop",
    "okta/temporary/limit/nothing/rivals",
    "okta/temporary/password/lost-after-commit",
    "okta/temporary/send-password.after/kill",
    "okta/temporary/send-revoke.after/stop/pair",
    "okta/temporary/way/ledger/reply-and-look-up-lost",
    "okta/temporary/way/ledger/tried-again",
    "okta/unlock/asked-while-the-lease-has-run-out",
    "openldap/temporary/ledger-claim.after/kill",
    "openldap/temporary/limit/nothing/rivals",
    "openldap/temporary/send-password.after/panic",
];

/// A case whose fault (`late-renewal-untold`) shows in five of six seeds only, and how often a sample runs it.
pub const REPEATED: (&str, usize) = ("okta/unlock/asked-while-the-lease-has-run-out", 3);

/// The place and the fault that a case is about, whatever directory, request and crew it tries them on:
///
/// * the failpoint and the blow; where the successor is struck too, its failpoint and blow as well;
/// * the end of the path at the directory, and how that misbehaves;
/// * the write to the API server, and what it meets on its way;
/// * what happens to the API server;
/// * the failpoint after which the process is ended in an orderly way;
/// * what is changed meanwhile, where nothing else goes wrong (else changes do not count).
pub fn pair(case: &Case) -> String {
    let strike = |Strike { point, blow }: &Strike| format!("{point}/{blow}");
    let first = match &case.trouble {
        Trouble::None => format!("{:?}", case.changes),
        Trouble::At(first) => strike(first),
        Trouble::Upstream { path, fault } => format!("{path}/{fault:?}"),
        Trouble::ApiServer(outage) => format!("{outage:?}"),
        Trouble::Write { write, fault } => format!("{write:?}/{fault:?}"),
        Trouble::Term(point) => format!("{point}/term"),
    };
    case.second
        .iter()
        .fold(first, |pair, second| pair + "+" + &strike(second))
}

/// The cases of a sample, in their order: every pair, what is pinned, and enough of each list of cases that catch a
/// patch. The samples of all shards together hold every case, whatever the seed of each.
pub fn sample(cases: &[Case], caught: &[Vec<String>], shard: u64, seed: u64) -> Vec<Case> {
    Deal::new(cases, caught).sample(shard, seed).cloned().collect()
}

/// The cases, dealt out; each by its position.
struct Deal<'a> {
    cases: &'a [Case],
    lists: Vec<Vec<usize>>,
    /// What each shard gets whatever the seed. The next commit has another seed, and what this sample leaves out must be
    /// in one of the next seven all the same.
    hands: Vec<BTreeSet<usize>>,
}

impl<'a> Deal<'a> {
    fn new(cases: &'a [Case], caught: &[Vec<String>]) -> Self {
        let positions: BTreeMap<&str, usize> = cases.iter().enumerate().map(|(at, case)| (&*case.name, at)).collect();
        let find = |names: &[String]| {
            names
                .iter()
                .filter_map(|name| positions.get(&**name).copied())
                .collect()
        };
        let lists: Vec<Vec<usize>> = caught.iter().map(|names| find(names)).collect();
        let pinned = PINNED.iter().filter_map(|name| positions.get(name));
        // The whole of a list that is no longer than what a sample holds of each is in every one, too.
        let short = lists.iter().filter(|list| list.len() <= CATCHERS).flatten();
        let always: BTreeSet<usize> = pinned.chain(short).copied().collect();
        let hands = hands(cases, &always);
        Deal { cases, lists, hands }
    }

    fn sample(&self, shard: u64, seed: u64) -> impl Iterator<Item = &'a Case> {
        let mut held = self.hands[shard as usize].clone();
        for list in &self.lists {
            fill_up(&mut held, list, seed);
        }
        let cases = self.cases;
        held.into_iter().flat_map(|at| repeated(&cases[at]))
    }
}

/// Deals out what is not in every sample, pair by pair.
fn hands(cases: &[Case], always: &BTreeSet<usize>) -> Vec<BTreeSet<usize>> {
    let mut pairs: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, case) in cases.iter().enumerate() {
        pairs.entry(pair(case)).or_default().push(at);
    }
    let count = SHARDS as usize;
    let mut hands = vec![always.clone(); count];
    // Goes on from one pair to the next, so that samples are of one size.
    let mut turns = (0..count).cycle();
    for (number, cases) in pairs.values().enumerate() {
        let rest: Vec<usize> = cases.iter().filter(|at| !always.contains(at)).copied().collect();
        if rest.len() < cases.len() || rest.len() > count {
            // Each sample has the pair already, or gets one case at least: each case goes to one of them.
            for (at, turn) in rest.into_iter().zip(&mut turns) {
                hands[turn].insert(at);
            }
        } else {
            // One to each sample, all of them in turn. Pairs do not begin alike, so that a sample does not hold the same
            // crew everywhere.
            let begin = number % rest.len();
            for (hand, at) in hands.iter_mut().zip(rest.iter().cycle().skip(begin)) {
                hand.insert(*at);
            }
        }
    }
    hands
}

/// Adds cases of the list until there are enough of it, from where the seed says.
fn fill_up(held: &mut BTreeSet<usize>, list: &[usize], seed: u64) {
    let there = list.iter().filter(|at| held.contains(at)).count();
    let missing = CATCHERS.min(list.len()).saturating_sub(there);
    let begin = seed as usize % list.len().max(1);
    let others = list.iter().cycle().skip(begin).take(list.len());
    let more: Vec<usize> = others.filter(|at| !held.contains(at)).take(missing).copied().collect();
    held.extend(more);
}

/// The case as often as a sample runs it.
fn repeated(case: &Case) -> impl Iterator<Item = &Case> {
    let times = if case.name == REPEATED.0 { REPEATED.1 } else { 1 };
    repeat_n(case, times)
}
