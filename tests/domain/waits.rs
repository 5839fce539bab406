//! Waits: one row a rule of the design, with the reason and what the message says.

use crate::{
    build::{self, directory, policy, reset, start, unlock},
    scene::{check, entry, failure, locked},
};
use jiff::SignedDuration;
use readmit::{
    api::{Action, Method, Reason, account::LedgerOutcome},
    domain::{
        account::{FailureClass, LockState, Protection, Remedy},
        enforcement::Enforcement,
        observed::{DirectoryView, Trouble},
        policy::Policy,
        queue::{Turn, places::Queued},
        request::Request,
    },
};
use serde_json::json;
use std::{sync::Arc, time::Duration};

#[test]
fn waits_say_what_to_do() {
    use Reason::*;
    let link = || reset("a", Method::Link);
    check(vec![
        (
            "changed in this very second",
            reset("a", Method::TemporaryPassword),
            |s| {
                let changed = s.now - SignedDuration::from_secs(1);
                s.finds(|found| {
                    found.password_marker = Some("20261101000000Z".into());
                    found.password_changed = Some(changed);
                })
            },
            None,
            AccountBusy,
            "could not be told from that one",
        ),
        (
            "no policy",
            unlock("a"),
            |s| s.policies.clear(),
            None,
            NoPolicy,
            "no AccountPolicy allows Unlock in directory ldap; create one",
        ),
        (
            "named policy missing",
            Request {
                policy: Some("vip".into()),
                ..unlock("a")
            },
            |_| {},
            None,
            PolicyNotFound,
            "vip does not exist",
        ),
        (
            "use comes before the policy's existence",
            Request {
                policy: Some("vip".into()),
                ..unlock("a")
            },
            |s| s.may_use = false,
            None,
            NotAllowedToUse,
            "verb use",
        ),
        (
            "no right to any",
            unlock("a"),
            |s| s.may_use = false,
            None,
            NotAllowedToUse,
            "ask your platform team",
        ),
        (
            "bad expression",
            unlock("a"),
            |s| {
                s.policies = vec![Arc::new(Policy {
                    problem: Some("line 1".into()),
                    ..(*s.policies[0]).clone()
                })]
            },
            None,
            PolicyNotReady,
            "desk is not ready: line 1",
        ),
        (
            "one denies, the other is not ready",
            unlock("a"),
            |s| {
                let denies = policy("a", json!({"requester": [{"expression": "requester.username == 'x'"}]}));
                s.policies = vec![
                    denies,
                    Arc::new(Policy {
                        problem: Some("line 1".into()),
                        ..(*s.policies[0]).clone()
                    }),
                ];
            },
            None,
            PolicyNotReady,
            "line 1",
        ),
        (
            "an attribute that cannot be read",
            unlock("a"),
            |s| {
                s.policies = vec![policy(
                    "desk",
                    json!({"accounts": [{"expression": "account.profile.country == 'DE'"}]}),
                )];
                s.finds(|found| {
                    found.unreadable = vec!["country".into()];
                    found.profile = Default::default();
                });
            },
            None,
            PolicyNotReady,
            "cannot be evaluated",
        ),
        (
            "no Directory",
            unlock("a"),
            |s| s.directory = None,
            None,
            DirectoryNotFound,
            "ldap does not exist; create it",
        ),
        (
            "denied, but no Directory",
            unlock("a"),
            |s| {
                s.policies = vec![policy(
                    "desk",
                    json!({"requester": [{"expression": "requester.username == 'x'"}]}),
                )];
                s.directory = None;
            },
            None,
            DirectoryNotFound,
            "create it",
        ),
        (
            "Directory in trouble",
            unlock("a"),
            |s| {
                s.directory = Some(DirectoryView {
                    trouble: Some(Trouble {
                        needs_person: true,
                        message: "wrong secret".into(),
                    }),
                    ..directory()
                })
            },
            None,
            DirectoryUnavailable,
            "wrong secret",
        ),
        (
            "Directory suspended",
            unlock("a"),
            |s| {
                s.directory = Some(DirectoryView {
                    suspended: true,
                    ..directory()
                })
            },
            None,
            Suspended,
            "Directory ldap is suspended",
        ),
        (
            "request suspended",
            Request {
                suspend: true,
                ..unlock("a")
            },
            |_| {},
            None,
            Suspended,
            "spec.suspend",
        ),
        (
            "notBefore",
            Request {
                not_before: Some(start() + SignedDuration::from_hours(1)),
                ..unlock("a")
            },
            |_| {},
            None,
            NotBefore,
            "nothing is done before 2026-11-22T13:00:00Z",
        ),
        (
            "no answer",
            unlock("a"),
            |s| s.found = failure(FailureClass::Transient(None), "no answer"),
            None,
            DirectoryUnavailable,
            "no answer",
        ),
        (
            "rate limit",
            unlock("a"),
            |s| s.found = failure(FailureClass::RateLimited(Duration::from_secs(9)), "budget"),
            None,
            RateLimited,
            "budget",
        ),
        (
            "a long queue",
            unlock("a"),
            |s| {
                let (ahead, wait) = (70, Duration::from_secs(60));
                s.turn = Some(Queued {
                    directory: "elsewhere".into(),
                    turn: Turn { ahead, wait },
                })
            },
            None,
            RateLimited,
            "directory elsewhere is at its rate limit; 70 requests go before this one, whose turn comes at about 2026-11-22T12:02:00Z",
        ),
        (
            "a right is missing",
            unlock("a"),
            |s| s.found = failure(FailureClass::NeedsConfig, "grant it"),
            None,
            MissingRights,
            "grant it",
        ),
        (
            "the lock cannot be read",
            unlock("a"),
            |s| s.finds(|found| found.lock = LockState::Unknown("no right".into())),
            None,
            MissingRights,
            "no right",
        ),
        (
            "protection cannot be read",
            unlock("a"),
            |s| s.finds(|found| found.protection = Protection::Unknown("x".into())),
            None,
            DirectoryUnavailable,
            "tried again",
        ),
        (
            "the directory ends the lock",
            unlock("a"),
            |s| s.found = locked(Remedy::Time, Some(start() + SignedDuration::from_hours(1))),
            None,
            AwaitingUpstream,
            "13:00:00Z",
        ),
        (
            "and that time is over by our clock",
            unlock("a"),
            |s| s.found = locked(Remedy::Time, Some(start())),
            None,
            AwaitingUpstream,
            "12:00:00Z",
        ),
        (
            "limit",
            link(),
            |s| s.ledger = vec![entry(&s.request, LedgerOutcome::Done); 3],
            None,
            LimitReached,
            "policy desk's limit of 3 in 24h; the next is possible at 2026-11-23T12:00:00Z",
        ),
        (
            "the Directory's limit",
            link(),
            |s| {
                let limit = readmit::api::common::Limit {
                    actions: vec![Action::ResetPassword],
                    max: 1,
                    per: build::hours(48),
                };
                s.directory = Some(DirectoryView {
                    limits: vec![limit],
                    ..directory()
                });
                s.ledger = vec![entry(&s.request, LedgerOutcome::Unknown)];
            },
            None,
            LimitReached,
            "the Directory's limit of 1 in 48h",
        ),
        (
            "admission not checked yet",
            unlock("a"),
            |s| s.enforcement = Enforcement::Unknown,
            None,
            IdentityNotEnforced,
            "being checked",
        ),
        (
            "admission broken",
            unlock("a"),
            |s| {
                s.enforcement = Enforcement::Broken {
                    message: "kubectl apply it".into(),
                }
            },
            None,
            IdentityNotEnforced,
            "kubectl apply",
        ),
    ]);
}
