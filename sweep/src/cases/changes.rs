//! What people change between the steps of a request, and requests that want the same: deleted and created again, a
//! policy gone, a right taken away, a password changed by its owner, more resets than the limit allows, clocks that jump.

use super::points::{ROUTES, struck};
use crate::case::{Ask, Blow, Case, Change, Crew, Given, Strike, Trouble, Upstream, Work};

/// A request that ends by its `notAfter` after so many seconds, whatever it waits for.
const SOON: i64 = 8;

pub fn all() -> Vec<Case> {
    let mut cases = after_a_kill();
    cases.extend(left_unclosed());
    cases.extend(clocks());
    cases.push(lapse());
    cases.extend(limits());
    cases.extend(pauses());
    cases
}

/// Killed at these places, and something is changed before the successor comes.
fn after_a_kill() -> Vec<Case> {
    let changes: &[(&str, &[Change], Option<i64>)] = &[
        ("deleted", &[Change::Delete], None),
        ("recreated", &[Change::Delete, Change::Recreate], Some(60)),
        ("no-policy", &[Change::DropPolicy], Some(SOON)),
        ("no-right", &[Change::DropRights], Some(SOON)),
        ("no-admission", &[Change::DropAdmission], Some(SOON)),
        ("directory-suspended", &[Change::SuspendDirectory], Some(SOON)),
        (
            "suspended",
            &[Change::Suspend, Change::Pause(2500), Change::Resume],
            None,
        ),
        ("locked-again", &[Change::LockAgain], None),
        ("no-day-key", &[Change::DropDayKey], None),
        ("owner", &[Change::OwnPassword], None),
    ];
    let mut cases = Vec::new();
    for route in ROUTES {
        let points: &[&str] = match route.work {
            Work::Temporary => &["ledger-claim.after", "send-password.after"],
            Work::Link => &["ledger-claim.after", "send-link.after"],
            Work::ClaimedUnlock => &["ledger-claim.after", "send-unlock.after"],
            Work::Unlock | Work::Change | Work::Denied => &[],
        };
        for point in points {
            for (name, changes, seconds) in changes {
                let by_value = matches!(changes, [Change::DropDayKey | Change::OwnPassword]);
                let possible = route.upstream == Upstream::OpenLdap || !matches!(changes, [Change::OwnPassword]);
                if (by_value && route.work != Work::Temporary) || !possible {
                    continue;
                }
                let mut case = struck(route, Crew::Solo, point, Blow::Kill);
                case.name = format!("{}/{name}", case.name);
                case.changes = changes.to_vec();
                for ask in &mut case.asks {
                    ask.seconds = seconds.or(ask.seconds);
                    // Nothing is locked for long where that is what is changed.
                    ask.locked &= !changes.contains(&Change::OwnPassword);
                }
                if *name == "owner" {
                    // The owner can sign in only while the account is not locked, and before it is reset.
                    if *point != "ledger-claim.after" {
                        continue;
                    }
                }
                cases.push(case);
            }
        }
    }
    cases
}

/// Killed after the reset was sent, and the account is locked again. The successor sends nothing, says that the reset was
/// done, and is killed before it closes the ledger: the next one closes it by an ending without attempts.
fn left_unclosed() -> Vec<Case> {
    let routes = ROUTES.iter().filter_map(|route| match route.work {
        Work::Temporary => Some((route, "send-password.after")),
        Work::Link => Some((route, "send-link.after")),
        Work::Unlock | Work::ClaimedUnlock | Work::Change | Work::Denied => None,
    });
    let routes = routes.filter(|(route, _)| route.upstream != Upstream::Routed);
    let case = |(route, point)| {
        let second = Strike {
            point: "status-end.after".into(),
            blow: Blow::Kill,
        };
        let mut case = struck(route, Crew::Solo, point, Blow::Kill);
        case.name = format!("{}+{}/{}/locked-again", case.name, second.point, second.blow);
        case.second = Some(second);
        case.changes = vec![Change::LockAgain];
        case
    };
    routes.map(case).collect()
}

/// The clock jumps while a claim is open or a reply is lost.
fn clocks() -> Vec<Case> {
    let jumps = [
        ("wall-forward", Change::WallClock(3600)),
        ("wall-back", Change::WallClock(-3600)),
        ("boot-forward", Change::BootClock(3600)),
    ];
    let mut cases = Vec::new();
    for route in ROUTES {
        let points: &[(&str, Blow)] = match (route.upstream, route.work) {
            (Upstream::OpenLdap, Work::Temporary) => &[
                ("ledger-claim.after", Blow::Delay),
                ("send-password.before", Blow::Delay),
                ("send-password.after", Blow::Lost),
                ("send-password.after", Blow::Kill),
            ],
            (Upstream::Okta, Work::Link) => &[("send-link.before", Blow::Delay), ("send-link.after", Blow::Lost)],
            (Upstream::Okta, Work::Unlock) => &[("send-unlock.after", Blow::Lost)],
            _ => &[],
        };
        for (point, blow) in points {
            for (name, jump) in &jumps {
                let mut case = struck(route, Crew::Solo, point, *blow);
                case.name = format!("{}/{name}", case.name);
                case.changes = vec![*jump];
                cases.push(case);
            }
        }
    }
    cases
}

/// The boot-time clock jumps, so that the lease has run out until its next renewal, and somebody asks meanwhile.
fn lapse() -> Case {
    let ask = Ask::new(Upstream::Okta, Work::Unlock);
    let mut case = Case::new(
        "okta/unlock/asked-while-the-lease-has-run-out".to_owned(),
        Crew::Leader,
        ask,
        Trouble::None,
    );
    case.changes = vec![Change::Delete, Change::BootClock(3600), Change::Recreate];
    case
}

/// Stopped in the middle of reading back what was done.
fn pauses() -> Vec<Case> {
    let routes = ROUTES
        .iter()
        .filter(|route| route.upstream == Upstream::Okta && route.work != Work::Unlock);
    let case = |route: &super::points::Route| {
        // The last step: what follows is the reading.
        let last = route
            .places
            .iter()
            .rfind(|place| place.starts_with("send"))
            .unwrap_or(&"send-unlock");
        let mut case = struck(route, Crew::Solo, &format!("{last}.after"), Blow::Watch);
        case.name = format!("okta/{}/paused-while-reading-back", route.work);
        case.given = vec![Given::SlowReads];
        case.changes = vec![Change::Pause(120), Change::Stop];
        case
    };
    routes.map(case).collect()
}

/// Five resets of one account, three of which the limit allows; struck in the middle or not.
fn limits() -> Vec<Case> {
    let mut cases = Vec::new();
    for (upstream, work, point) in [
        (Upstream::Okta, Work::Link, "send-link.after"),
        (Upstream::Okta, Work::Temporary, "send-password.after"),
        (Upstream::OpenLdap, Work::Temporary, "send-password.after"),
        (Upstream::OpenLdap, Work::Change, "send-change.after"),
    ] {
        for crew in [Crew::Solo, Crew::Rivals] {
            for blow in [None, Some(Blow::Kill), Some(Blow::Lost)] {
                let ask = Ask {
                    locked: false,
                    seconds: Some(12),
                    ..Ask::new(upstream, work)
                };
                let trouble = match blow {
                    None => Trouble::None,
                    Some(blow) => Trouble::At(crate::case::Strike {
                        point: point.into(),
                        blow,
                    }),
                };
                let what = blow.map_or("nothing".to_owned(), |blow| format!("{point}/{blow}"));
                let name = format!("{upstream}/{work}/limit/{what}/{crew}");
                let mut case = Case::new(name, crew, ask.clone(), trouble);
                // Different ends, so that they are not the same manifest.
                case.asks = (0..5)
                    .map(|n| Ask {
                        seconds: Some(12 + n),
                        ..ask.clone()
                    })
                    .collect();
                cases.push(case);
            }
        }
    }
    cases
}
