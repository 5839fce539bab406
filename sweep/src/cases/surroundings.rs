//! Writes that no request waits for: day keys, the lease, the record of enforcement, statuses of Directories, what the
//! sweeper deletes, warnings, the closing of ledgers.

use crate::case::{Ask, Blow, Case, Change, Crew, Given, Strike, Trouble, Upstream, Work};

const BLOWS: [Blow; 3] = [Blow::Kill, Blow::Stop, Blow::Lost];

pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for side in ["before", "after"] {
        for blow in BLOWS {
            let place = |place: &str, crew: Crew, ask: Ask, given: &[Given]| {
                let point = format!("{place}.{side}");
                let trouble = Trouble::At(Strike {
                    point: point.clone(),
                    blow,
                });
                let mut case = Case::new(format!("surroundings/{point}/{blow}"), crew, ask, trouble);
                case.given = given.to_vec();
                case
            };
            let unlock = || Ask::new(Upstream::Okta, Work::Unlock);
            let reset = || Ask::new(Upstream::Okta, Work::Temporary);
            let fresh = Given::FreshStart;
            cases.extend([
                place("day-key-create", Crew::Solo, reset(), &[fresh, Given::NoDayKey]),
                place("day-key-delete", Crew::Solo, reset(), &[fresh, Given::OldDayKey]),
                place("lease-take", Crew::Leader, unlock(), &[fresh, Given::NoLease]),
                place("lease-renew", Crew::Leader, reset(), &[]),
                place(
                    "enforcement",
                    Crew::Solo,
                    unlock(),
                    &[fresh, Given::NoEnforcementRecord],
                ),
                place("status-other", Crew::Solo, unlock(), &[Given::NewDirectory]),
                place("account-delete", Crew::Solo, unlock(), &[fresh, Given::EmptyAccount]),
                place("request-delete", Crew::Solo, unlock(), &[fresh, Given::ExpiredRequest]),
                place("event", Crew::Solo, Ask::new(Upstream::Okta, Work::Denied), &[]),
                waiting(place("status-wait", Crew::Solo, unlock(), &[])),
            ]);
            if blow != Blow::Stop {
                cases.push(place("lease-release", Crew::Leader, unlock(), &[]));
                cases.push(abandoned(side, blow));
            }
        }
    }
    cases.extend(stops());
    cases
}

/// Suspended at first, so that a wait is shown.
fn waiting(mut case: Case) -> Case {
    for ask in &mut case.asks {
        ask.suspended = true;
    }
    case.changes = vec![Change::Pause(300), Change::Resume];
    case
}

/// A claim whose request is gone: the sweeper closes it.
fn abandoned(side: &str, blow: Blow) -> Case {
    let point = format!("ledger-close.{side}");
    let first = Strike {
        point: "ledger-claim.after".into(),
        blow: Blow::Kill,
    };
    let ask = Ask::new(Upstream::OpenLdap, Work::Temporary);
    let mut case = Case::new(
        format!("surroundings/{point}/{blow}"),
        Crew::Solo,
        ask,
        Trouble::At(first),
    );
    case.changes = vec![Change::Delete];
    case.second = Some(Strike { point, blow });
    case
}

/// Ended in an orderly way in the middle of a request.
fn stops() -> Vec<Case> {
    let asks = [
        (Upstream::Okta, Work::Temporary, "send-password"),
        (Upstream::Okta, Work::Link, "send-link"),
        (Upstream::OpenLdap, Work::Temporary, "send-password"),
        (Upstream::OpenLdap, Work::ClaimedUnlock, "send-unlock"),
    ];
    let mut cases = Vec::new();
    for (upstream, work, send) in asks {
        for point in [
            "ledger-claim.before".to_owned(),
            format!("{send}.before"),
            format!("{send}.after"),
        ] {
            for crew in [Crew::Leader, Crew::Pair] {
                let name = format!("{upstream}/{work}/{point}/term/{crew}");
                cases.push(Case::new(
                    name,
                    crew,
                    Ask::new(upstream, work),
                    Trouble::Term(point.clone()),
                ));
            }
        }
    }
    cases
}
