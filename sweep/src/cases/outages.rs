//! What directories and the API server do to requests: replies lost, late commits, errors that were applied, a server
//! that is frozen or started anew.

use super::points::ROUTES;
use crate::case::{Ask, Case, Crew, Fault, Outage, Trouble, Upstream, Work};

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
        for (name, fault) in FAULTS {
            let trouble = Trouble::Upstream {
                path: (*path).into(),
                fault: *fault,
            };
            let name = format!("okta/{work}/{what}/{name}");
            let mut ask = Ask::new(Upstream::Okta, *work);
            // Okta is read-only, and is asked again in minutes: the request's time ends before.
            if *fault == Fault::Unavailable && *work != Work::Unlock {
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
    for route in ROUTES {
        for (name, outage) in [("restart", Outage::Restart), ("freeze", Outage::Freeze)] {
            let name = format!("{}/{}/api-server-{name}", route.upstream, route.work);
            cases.push(Case::new(name, Crew::Solo, route.ask(), Trouble::ApiServer(outage)));
        }
    }
    cases
}
