//! What directories and the API server do to requests: replies lost, late commits, errors that were applied, a server
//! that is frozen or started anew.

use super::points::ROUTES;
use crate::case::{Ask, Case, Crew, Fault, OnTheWay, Outage, Trouble, Upstream, Work, Write};

/// The ends of the paths of what a request sends to Okta.
const PATHS: &[(Work, &str, &str)] = &[
    (Work::Unlock, "unlock", "/lifecycle/unlock"),
    (Work::ClaimedUnlock, "unlock", "/lifecycle/unlock"),
    (Work::Temporary, "password", ""),
    (Work::Temporary, "expire", "/lifecycle/expire_password"),
    (Work::Link, "link", "/lifecycle/reset_password"),
    (Work::Change, "expire", "/lifecycle/expire_password"),
];

const FAULTS: &[(&str, Fault)] = &[
    ("lost-before-commit", Fault::LostBeforeCommit),
    ("lost-after-commit", Fault::LostAfterCommit),
    ("late-commit", Fault::LateCommit),
    ("500-applied", Fault::ErrorApplied),
    ("500-not-applied", Fault::ErrorNotApplied),
    ("429", Fault::RateLimited),
    ("503", Fault::Unavailable),
    ("malformed", Fault::Malformed),
    ("slow-answer", Fault::SlowAnswer),
];

pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for (work, what, path) in PATHS {
        // Without an end of its own an unlock would wait as long as Okta says that it is read-only.
        let endless = |fault: &Fault| *work == Work::Unlock && *fault == Fault::Unavailable;
        for (name, fault) in FAULTS.iter().filter(|(_, fault)| !endless(fault)) {
            let trouble = Trouble::Upstream {
                path: (*path).into(),
                fault: *fault,
            };
            let name = format!("okta/{work}/{what}/{name}");
            let mut ask = Ask::new(Upstream::Okta, *work);
            // Okta is read-only, and is asked again in minutes: the request's time ends before.
            if *fault == Fault::Unavailable {
                ask.seconds = Some(6);
            }
            cases.push(Case::new(name, Crew::Solo, ask, trouble));
        }
    }
    for route in ROUTES.iter().filter(|route| route.upstream == Upstream::OpenLdap) {
        let trouble = Trouble::Upstream {
            path: String::new(),
            fault: Fault::Frozen,
        };
        let name = format!("openldap/{}/frozen", route.work);
        cases.push(Case::new(name, Crew::Solo, route.ask(), trouble));
    }
    cases.extend(api_server());
    cases.extend(on_the_way());
    cases
}

/// Something happens to the API server or to the way there.
fn api_server() -> Vec<Case> {
    const OUTAGES: &[(&str, Outage, &[Crew])] = &[
        ("api-server-restart", Outage::Restart, &[Crew::Solo]),
        ("api-server-freeze", Outage::Freeze, &[Crew::Leader]),
        ("partition", Outage::Partition, &[Crew::Rivals, Crew::Pair]),
        ("slow-way", Outage::Slow, &[Crew::Solo, Crew::Rivals]),
        ("late-watches", Outage::LateWatches, &[Crew::Solo, Crew::Rivals]),
        ("cut", Outage::Cut, &[Crew::Solo]),
    ];
    let mut cases = Vec::new();
    for route in ROUTES {
        for (name, outage, crews) in OUTAGES {
            for crew in *crews {
                let name = format!("{}/{}/{name}/{crew}", route.upstream, route.work);
                cases.push(Case::new(name, *crew, route.ask(), Trouble::ApiServer(*outage)));
            }
        }
    }
    cases
}

/// Writes that are lost, late or answered wrongly on their way.
fn on_the_way() -> Vec<Case> {
    let faults = [
        ("lost", OnTheWay::Lost),
        ("reply-lost", OnTheWay::ReplyLost),
        ("500-applied", OnTheWay::ErrorApplied),
        ("504-applied", OnTheWay::TimeoutApplied),
        ("409-applied", OnTheWay::ConflictApplied),
        ("429", OnTheWay::TooMany),
        ("late", OnTheWay::Late),
        ("late-answer", OnTheWay::LateAnswer),
    ];
    let mut cases = Vec::new();
    for route in ROUTES {
        let writes: &[(&str, Write)] = match route.work {
            Work::Temporary | Work::Link => &[("ledger", Write::Ledger), ("status", Write::Status)],
            Work::ClaimedUnlock => &[("ledger", Write::Ledger)],
            Work::Unlock => &[("status", Write::Status)],
            Work::Change | Work::Denied => &[],
        };
        for (what, write) in writes {
            for (name, fault) in faults {
                let name = format!("{}/{}/way/{what}/{name}", route.upstream, route.work);
                let trouble = Trouble::Write { write: *write, fault };
                cases.push(Case::new(name, Crew::Solo, route.ask(), trouble));
            }
        }
        if writes.iter().any(|(_, write)| *write == Write::Ledger) {
            for (name, fault) in [
                ("reply-and-look-up-lost", OnTheWay::ReplyAndLookUpLost),
                ("tried-again", OnTheWay::TriedAgain),
            ] {
                let name = format!("{}/{}/way/ledger/{name}", route.upstream, route.work);
                let write = Write::Ledger;
                cases.push(Case::new(
                    name,
                    Crew::Solo,
                    route.ask(),
                    Trouble::Write { write, fault },
                ));
            }
        }
    }
    let lease = |(name, fault)| {
        let trouble = Trouble::Write {
            write: Write::Lease,
            fault,
        };
        let ask = Ask::new(Upstream::Okta, Work::Temporary);
        Case::new(
            format!("okta/temporary/way/lease/{name}/pair"),
            Crew::Pair,
            ask,
            trouble,
        )
    };
    cases.extend(faults.map(lease));
    cases
}
