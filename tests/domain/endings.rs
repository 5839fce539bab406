//! Endings: one row a rule of the design, with the outcome, the reason and what the message says.

use crate::{
    build::{policy, reset, start, unlock},
    scene::{check, entry, locked},
};
use jiff::SignedDuration;
use readmit::{
    api::{
        Action, Method, Outcome, Reason,
        account::{LedgerEntry, LedgerOutcome},
        request_status::AccountReference,
    },
    domain::{
        account::{LockState, Protection, ReadFailure, Remedy, Step},
        decision::Ending,
        enforcement::Enforcement,
        ledger,
        request::{Ask, Request},
        status,
    },
};
use serde_json::json;
use std::sync::Arc;

#[test]
fn endings_say_why() {
    use Outcome::*;
    let link = || reset("a", Method::Link);
    let temporary = || reset("a", Method::TemporaryPassword);
    let timed = |request: Request, at: i64| Request {
        not_after: Some(start() + SignedDuration::from_secs(at)),
        ..request
    };
    check(vec![
        (
            "not locked",
            unlock("a"),
            |s| s.finds(|found| found.lock = LockState::NotLocked),
            Some(Succeeded),
            Reason::NotLocked,
            "not locked; nothing was done",
        ),
        (
            "disabled and not locked",
            unlock("a"),
            |s| {
                s.finds(|found| {
                    found.lock = LockState::NotLocked;
                    found.disabled = Some(true);
                })
            },
            Some(Succeeded),
            Reason::NotLocked,
            "it is disabled",
        ),
        (
            "disabled and locked",
            unlock("a"),
            |s| s.finds(|found| found.disabled = Some(true)),
            Some(Failed),
            Reason::Refused,
            "locked and disabled",
        ),
        (
            "a rule says no",
            unlock("a"),
            |s| {
                s.policies = vec![policy(
                    "desk",
                    json!({"accounts": [{"expression": "account.profile.country == 'FR'", "message": "French only"}]}),
                )]
            },
            Some(Denied),
            Reason::PolicyDenied,
            "policy desk: French only",
        ),
        (
            "a missing attribute",
            unlock("a"),
            |s| {
                s.policies = vec![policy(
                    "desk",
                    json!({"accounts": [{"expression": "account.profile.site == 'B'"}]}),
                )]
            },
            Some(Denied),
            Reason::PolicyDenied,
            "account.profile.site is not set",
        ),
        (
            "own account",
            Request {
                requester: Arc::new(readmit::api::Requester {
                    username: Some("Alice".into()),
                    ..Default::default()
                }),
                ..unlock("a")
            },
            |_| {},
            Some(Denied),
            Reason::PolicyDenied,
            "nobody may ask for their own account",
        ),
        (
            "a method that is not allowed",
            temporary(),
            |s| s.policies = vec![policy("desk", json!({"password": {}}))],
            Some(Denied),
            Reason::PolicyDenied,
            "does not allow method TemporaryPassword; choose one of Link, ChangeAtNextSignIn",
        ),
        (
            "recipients that are not allowed",
            Request {
                ask: Ask::Reset {
                    method: Method::TemporaryPassword,
                    unlock: true,
                    recipients: vec!["age1mine".into()],
                },
                ..temporary()
            },
            |_| {},
            Some(Denied),
            Reason::PolicyDenied,
            "does not allow spec.recipients",
        ),
        (
            "a service account",
            timed(
                Request {
                    requester: Arc::new(readmit::api::Requester {
                        username: Some("system:serviceaccount:ci:bot".into()),
                        ..Default::default()
                    }),
                    ..unlock("a")
                },
                600,
            ),
            |_| {},
            Some(Denied),
            Reason::PolicyDenied,
            "serviceAccounts: true",
        ),
        (
            "not found",
            unlock("a"),
            |s| s.found = Err(ReadFailure::NotFound),
            Some(Denied),
            Reason::NotEligible,
            "no account that may be acted on matches",
        ),
        (
            "several match",
            unlock("a"),
            |s| s.found = Err(ReadFailure::Ambiguous),
            Some(Denied),
            Reason::NotEligible,
            "no account that may be acted on matches",
        ),
        (
            "several match, for who may inspect",
            unlock("a"),
            |s| (s.found, s.may_inspect) = (Err(ReadFailure::Ambiguous), true),
            Some(Denied),
            Reason::NotEligible,
            "several accounts match",
        ),
        (
            "protected",
            unlock("a"),
            |s| s.finds(|found| found.protection = Protection::Protected("admin".into())),
            Some(Denied),
            Reason::NotEligible,
            "no account that may be acted on matches",
        ),
        (
            "protected, for who may inspect",
            unlock("a"),
            |s| {
                s.finds(|found| found.protection = Protection::Protected("admin".into()));
                s.may_inspect = true;
            },
            Some(Denied),
            Reason::Protected,
            "admin",
        ),
        (
            "protected by the Directory",
            unlock("a"),
            |s| {
                s.protects("account.profile.country == 'DE'");
                s.may_inspect = true;
            },
            Some(Denied),
            Reason::Protected,
            "ours",
        ),
        (
            "another account behind the name",
            unlock("a"),
            |s| {
                s.request.status.account = Some(AccountReference {
                    directory: "ldap".into(),
                    id: "id-bob".into(),
                    r#ref: None,
                })
            },
            Some(Denied),
            Reason::ChangedSince,
            "another account",
        ),
        (
            "changed since",
            link(),
            |s| s.finds(|found| found.password_changed = Some(start() + SignedDuration::from_mins(3))),
            Some(Denied),
            Reason::ChangedSince,
            "changed after this request was created",
        ),
        (
            "cannot mail links",
            link(),
            |s| {
                s.directory
                    .as_mut()
                    .unwrap()
                    .capabilities
                    .unable
                    .insert(Step::SendLink, "set method: TemporaryPassword".into());
            },
            Some(Failed),
            Reason::NotCapable,
            "set method: TemporaryPassword",
        ),
        (
            "a reset that always unlocks",
            Request {
                ask: Ask::Reset {
                    method: Method::TemporaryPassword,
                    unlock: false,
                    recipients: vec![],
                },
                ..temporary()
            },
            |s| s.directory.as_mut().unwrap().capabilities.reset_unlocks = true,
            Some(Failed),
            Reason::NotCapable,
            "set unlock: true",
        ),
        (
            "a lock nobody ends",
            unlock("a"),
            |s| s.found = locked(Remedy::None("idle for a year".into()), None),
            Some(Failed),
            Reason::NotCapable,
            "idle for a year",
        ),
        (
            "nobody to seal it to",
            temporary(),
            |s| s.policies = vec![policy("desk", json!({"password": {"methods": ["TemporaryPassword"]}}))],
            Some(Failed),
            Reason::NotCapable,
            "set password.recipients in policy desk",
        ),
        (
            "an unusable recipient",
            temporary(),
            |s| s.prepared = Err("age1policy is no recipient".into()),
            Some(Failed),
            Reason::NotCapable,
            "age1policy is no recipient",
        ),
        (
            "made without a stamp",
            unlock("a"),
            |s| s.request.requester = Arc::default(),
            Some(Failed),
            Reason::IdentityNotEnforced,
            "carries no requester",
        ),
        (
            "made before identity was enforced",
            unlock("a"),
            |s| s.enforcement = Enforcement::Enforced { since: start() },
            Some(Failed),
            Reason::IdentityNotEnforced,
            "create it under another name",
        ),
        (
            "ledger full",
            link(),
            |s| {
                s.ledger = (0..ledger::CAPACITY)
                    .map(|_| LedgerEntry {
                        action: Action::Unlock,
                        ..entry(&s.request, LedgerOutcome::Done)
                    })
                    .collect()
            },
            Some(Failed),
            Reason::LedgerFull,
            "is full",
        ),
        (
            "time over",
            timed(unlock("a"), 30),
            |_| {},
            Some(Expired),
            Reason::Expired,
            "its time ended at 2026-11-22T12:00:30Z",
        ),
        (
            "the policy's time over",
            unlock("a"),
            |s| s.now = start() + SignedDuration::from_hours(24),
            Some(Expired),
            Reason::Expired,
            "2026-11-23T12:00:00Z",
        ),
        (
            "suspend does not stop the clock",
            timed(
                Request {
                    suspend: true,
                    ..unlock("a")
                },
                30,
            ),
            |_| {},
            Some(Expired),
            Reason::Expired,
            "its time ended",
        ),
        (
            "ran before",
            timed(link(), 600),
            |s| s.ledger = vec![entry(&s.request, LedgerOutcome::Done)],
            Some(Succeeded),
            Reason::AlreadyExecuted,
            "this manifest already ran at 2026-11-22T12:00:00Z (uid earlier); nothing was done now",
        ),
        (
            "ran before, and its time is over",
            timed(link(), 30),
            |s| s.ledger = vec![entry(&s.request, LedgerOutcome::Done)],
            Some(Succeeded),
            Reason::AlreadyExecuted,
            "already ran",
        ),
        (
            "an unlock that ran before, and its time is over",
            timed(unlock("a"), 30),
            |s| {
                s.ledger = vec![entry(&s.request, LedgerOutcome::Done)];
                s.finds(|found| found.lock = LockState::NotLocked);
            },
            Some(Succeeded),
            Reason::AlreadyExecuted,
            "already ran",
        ),
        (
            "ran before, nobody knows how",
            timed(link(), 600),
            |s| s.ledger = vec![entry(&s.request, LedgerOutcome::Unknown)],
            Some(Unknown),
            Reason::AlreadyExecuted,
            "already ran",
        ),
    ]);
}

#[test]
fn a_status_says_what_is_good_once_and_what_is_not_wherever_it_is_looked_for() {
    for (outcome, permitted, expected) in [
        (
            Outcome::Succeeded,
            true,
            &[
                ("Permitted", "True", ""),
                ("Succeeded", "True", ""),
                ("Ready", "True", "so it was"),
            ][..],
        ),
        (
            Outcome::Failed,
            true,
            &[
                ("Permitted", "True", ""),
                ("Succeeded", "False", "so it was"),
                ("Ready", "False", "so it was"),
                ("Stalled", "True", "so it was"),
            ],
        ),
        (
            Outcome::Denied,
            false,
            &[
                ("Permitted", "False", "so it was"),
                ("Succeeded", "False", "so it was"),
                ("Ready", "False", "so it was"),
                ("Stalled", "True", "so it was"),
            ],
        ),
    ] {
        let ending = Ending {
            outcome,
            reason: Reason::Refused,
            message: "so it was".into(),
            detail: None,
            policy: permitted.then(|| policy("desk", json!({})).reference.clone()),
            account: None,
            named: None,
            lockout: None,
            deliver: false,
            closing: None,
        };
        let status = status::ended(start(), &unlock("a"), &ending, &[], None);
        let said = status.conditions.iter();
        let said: Vec<_> = said.map(|c| (&*c.r#type, &*c.status, &*c.message)).collect();
        assert_eq!(said, expected, "{outcome:?}");
    }
}
