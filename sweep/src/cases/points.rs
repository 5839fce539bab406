//! Requests that are struck at each write and each send that they make: killed, stopped, deceived, delayed; once, and
//! once more while the successor recovers; with one operator and with two.

use crate::case::{Ask, Blow, Case, Crew, Strike, Trouble, Upstream, Work};

/// A kind of request and the writes and sends that it makes, in order.
pub struct Route {
    pub upstream: Upstream,
    pub work: Work,
    pub locked: bool,
    pub places: &'static [&'static str],
}

/// Every kind of request in every directory that can do it.
pub const ROUTES: &[Route] = &[
    route(Upstream::Okta, Work::Unlock, true, &["send-unlock", "status-end"]),
    route(
        Upstream::Okta,
        Work::ClaimedUnlock,
        true,
        &["ledger-claim", "send-unlock", "status-end", "ledger-flush"],
    ),
    route(
        Upstream::Okta,
        Work::Temporary,
        false,
        &[
            "ledger-claim",
            "send-password",
            "send-change",
            "send-revoke",
            "status-end",
            "ledger-flush",
        ],
    ),
    route(
        Upstream::Okta,
        Work::Link,
        false,
        &["ledger-claim", "send-link", "send-revoke", "status-end"],
    ),
    route(
        Upstream::Okta,
        Work::Change,
        true,
        &[
            "ledger-claim",
            "send-unlock",
            "send-change",
            "send-revoke",
            "status-end",
        ],
    ),
    route(Upstream::OpenLdap, Work::Unlock, true, &["send-unlock", "status-end"]),
    route(
        Upstream::OpenLdap,
        Work::ClaimedUnlock,
        true,
        &["ledger-claim", "send-unlock", "status-end"],
    ),
    route(
        Upstream::OpenLdap,
        Work::Temporary,
        true,
        &[
            "ledger-claim",
            "send-password",
            "send-change",
            "status-end",
            "ledger-flush",
        ],
    ),
    route(
        Upstream::OpenLdap,
        Work::Change,
        false,
        &["ledger-claim", "send-change", "status-end"],
    ),
];

pub const fn route(upstream: Upstream, work: Work, locked: bool, places: &'static [&'static str]) -> Route {
    Route {
        upstream,
        work,
        locked,
        places,
    }
}

impl Route {
    pub fn ask(&self) -> Ask {
        Ask {
            locked: self.locked,
            ..Ask::new(self.upstream, self.work)
        }
    }

    /// Every failpoint on it.
    pub fn points(&self) -> impl Iterator<Item = String> {
        let sides = |place: &str| ["before", "after"].map(|side| format!("{place}.{side}"));
        self.places.iter().flat_map(move |place| sides(place))
    }
}

/// A case that is struck once.
pub fn struck(route: &Route, crew: Crew, point: &str, blow: Blow) -> Case {
    let crew_name = match crew {
        Crew::Solo => String::new(),
        crew => format!("/{crew}"),
    };
    let name = format!("{}/{}/{point}/{blow}{crew_name}", route.upstream, route.work);
    let strike = Strike {
        point: point.into(),
        blow,
    };
    Case::new(name, crew, route.ask(), Trouble::At(strike))
}

pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for route in ROUTES {
        for point in route.points() {
            for blow in [Blow::Kill, Blow::Stop, Blow::Lost, Blow::Delay] {
                cases.push(struck(route, Crew::Solo, &point, blow));
            }
        }
        cases.extend(panics(route));
        cases.extend(crews(route));
        cases.extend(twice(route));
    }
    cases
}

/// A pass panics over what it has just done, or right before it records the end: the process must end with it, since
/// nobody else knows of the claim that the pass held.
fn panics(route: &Route) -> Vec<Case> {
    let in_a_pass = |point: &String| match point.split_once('.') {
        Some((place, "after")) => place == "ledger-claim" || place.starts_with("send-"),
        _ => point == "status-end.before",
    };
    let points = route.points().filter(in_a_pass);
    points
        .map(|point| struck(route, Crew::Solo, &point, Blow::Panic))
        .collect()
}

/// The same with others about, at the writes and sends that matter most.
fn crews(route: &Route) -> Vec<Case> {
    let mut cases = Vec::new();
    let acting =
        |point: &String| point.starts_with("ledger-claim") || point.starts_with("send") || point == "status-end.before";
    for point in route.points().filter(acting) {
        for blow in [Blow::Kill, Blow::Stop, Blow::Delay] {
            cases.push(struck(route, Crew::Rivals, &point, blow));
        }
        if route.work == Work::Temporary || route.work == Work::Link {
            for blow in [Blow::Kill, Blow::Stop] {
                cases.push(struck(route, Crew::Pair, &point, blow));
            }
        }
    }
    cases
}

/// Killed, and the successor struck too while it recovers.
fn twice(route: &Route) -> Vec<Case> {
    let second = match (route.upstream, route.work) {
        (Upstream::OpenLdap, Work::Temporary) => [
            ("ledger-claim.after", "ledger-renew"),
            ("send-password.after", "ledger-renew"),
            ("send-password.after", "send-proof"),
            ("send-password.before", "send-password"),
            ("ledger-claim.after", "status-end"),
        ]
        .as_slice(),
        (Upstream::OpenLdap, Work::ClaimedUnlock) => &[
            ("send-unlock.before", "ledger-renew"),
            ("send-unlock.before", "send-unlock"),
        ],
        (Upstream::Okta, Work::Change) => &[
            ("send-change.before", "ledger-renew"),
            ("send-unlock.after", "send-change"),
        ],
        (Upstream::Okta, Work::Link) => &[("send-link.after", "status-end"), ("send-link.after", "ledger-renew")],
        _ => &[],
    };
    let mut cases = Vec::new();
    for (first, place) in second {
        for side in ["before", "after"] {
            for blow in [Blow::Kill, Blow::Lost] {
                let mut case = struck(route, Crew::Solo, first, Blow::Kill);
                let point = format!("{place}.{side}");
                case.name = format!("{}+{point}/{blow}", case.name);
                case.second = Some(Strike { point, blow });
                cases.push(case);
            }
        }
    }
    cases
}
