//! Requests that name an account of Okta whose credentials live in slapd: struck where they write and send, while Okta
//! shows no lock and while it keeps one of its own, alone and beside another request for the same account.

use super::points::{Route, route, struck};
use crate::case::{Ask, Blow, Case, Change, Crew, Given, Trouble, Upstream, Work};

const UNLOCK: Route = route(Upstream::Routed, Work::Unlock, true, &[]);
const CLAIMED: Route = route(Upstream::Routed, Work::ClaimedUnlock, true, &[]);
const TEMPORARY: Route = route(Upstream::Routed, Work::Temporary, true, &[]);

/// Where each is struck, and with what.
const STRUCK: &[(&Route, Crew, &str, &[Blow])] = &[
    (&UNLOCK, Crew::Solo, "send-unlock.before", &[Blow::Kill]),
    (&UNLOCK, Crew::Solo, "send-unlock.after", &[Blow::Kill, Blow::Lost]),
    (&UNLOCK, Crew::Solo, "status-end.before", &[Blow::Kill]),
    (&CLAIMED, Crew::Solo, "send-unlock.after", &[Blow::Kill]),
    (&TEMPORARY, Crew::Solo, "ledger-claim.after", &[Blow::Kill]),
    (&TEMPORARY, Crew::Solo, "send-password.before", &[Blow::Kill]),
    (&TEMPORARY, Crew::Solo, "send-password.after", &[Blow::Kill, Blow::Lost]),
    (&TEMPORARY, Crew::Solo, "send-change.after", &[Blow::Kill]),
    (&TEMPORARY, Crew::Solo, "status-end.before", &[Blow::Kill]),
    (&TEMPORARY, Crew::Solo, "status-end.after", &[Blow::Kill]),
    (&TEMPORARY, Crew::Rivals, "send-password.after", &[Blow::Kill]),
    (&TEMPORARY, Crew::Pair, "ledger-claim.after", &[Blow::Stop]),
    (&TEMPORARY, Crew::Pair, "send-password.after", &[Blow::Kill]),
];

/// Where each is struck while Okta keeps its own lock: what was done is recorded in a wait.
const KEPT: &[(&Route, Crew, &str)] = &[
    (&UNLOCK, Crew::Solo, "status-wait.before"),
    (&TEMPORARY, Crew::Solo, "status-wait.before"),
    (&TEMPORARY, Crew::Solo, "status-wait.after"),
    (&TEMPORARY, Crew::Pair, "send-change.after"),
];

pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for (route, crew, point, blows) in STRUCK {
        cases.extend(blows.iter().map(|blow| struck(route, *crew, point, *blow)));
    }
    for (route, crew, point) in KEPT {
        let mut case = struck(route, *crew, point, Blow::Kill);
        case.name = format!("{}/named-locked", case.name);
        case.given = vec![Given::NamedLocked];
        // Long enough for the successor to have found everything as it is.
        case.changes = vec![Change::Pause(2_500), Change::ClearNamed];
        cases.push(case);
    }
    cases.push(both_ways());
    cases
}

/// One person, asked for by both names at once: one account, one ledger.
fn both_ways() -> Case {
    let ask = TEMPORARY.ask();
    let direct = Ask {
        upstream: Upstream::OpenLdap,
        ..ask.clone()
    };
    let name = "routed/temporary/asked-for-by-both-names/rivals".to_owned();
    let mut case = Case::new(name, Crew::Rivals, ask, Trouble::None);
    case.asks.push(direct);
    case
}
