//! Single decisions: one row a rule of the design, with the outcome or the wait, the reason and what the message says.

use crate::build::{self, account, directory, policy, reset, start, unlock};
use jiff::{SignedDuration, Timestamp};
use readmit::{
    api::{
        Action, Method, Outcome, Reason,
        account::{AccountFields, LedgerEntry, LedgerOutcome},
        request_status::AccountReference,
    },
    domain::{
        account::{AccountRead, Failure, FailureClass, LockState, Protection, ReadFailure, Remedy, Step},
        decide::decide,
        decision::{Decision, Effect, Fact},
        enforcement::Enforcement,
        ledger,
        observed::{AccountSeen, DirectoryView, Facts, LedgerSeen, Observed, Progress, Setback, Trouble},
        policy::Policy,
        request::{Ask, Request},
        rule::Rule,
        settings::Timing,
    },
};
use serde_json::json;
use std::{cell::RefCell, sync::Arc, time::Duration};

/// Everything that a decision may ask for, in a world that stands still.
struct Scene {
    now: Timestamp,
    request: Request,
    policies: Vec<Arc<Policy>>,
    directory: Option<DirectoryView>,
    enforcement: Enforcement,
    found: Result<AccountRead, ReadFailure>,
    ledger: Vec<LedgerEntry>,
    may_use: bool,
    may_inspect: bool,
    progress: Progress,
    asked: RefCell<Vec<Fact>>,
}

impl Scene {
    fn new(request: Request) -> Self {
        Scene {
            now: start() + SignedDuration::from_secs(60),
            request,
            policies: vec![policy("desk", json!({}))],
            directory: Some(directory()),
            enforcement: Enforcement::Enforced {
                since: build::time("2026-11-01T00:00:00Z"),
            },
            found: Ok(account()),
            ledger: Vec::new(),
            may_use: true,
            may_inspect: false,
            progress: Progress::default(),
            asked: RefCell::default(),
        }
    }

    /// Answers what is asked until something is decided.
    fn decide(&self) -> Decision {
        let mut facts = Facts::default();
        for _ in 0..20 {
            let observed = Observed {
                timing: &Timing::default(),
                request: &self.request,
                enforcement: &self.enforcement,
                policies: &self.policies,
                directory: self.directory.as_ref(),
                facts: &facts,
                progress: &self.progress,
            };
            match decide(self.now, &observed) {
                Decision::Gather(fact) => {
                    self.asked.borrow_mut().push(fact.clone());
                    self.answer(&mut facts, fact);
                }
                decision => return decision,
            }
        }
        panic!("it does not come to an end: {:?}", self.asked);
    }

    fn answer(&self, facts: &mut Facts, fact: Fact) {
        match fact {
            Fact::MayUse(name) => drop(facts.may_use.insert(name, self.may_use)),
            Fact::MayUseAny => facts.may_use_any = Some(self.may_use),
            Fact::MayInspect => facts.may_inspect = Some(self.may_inspect),
            Fact::NamespaceLabels => facts.namespace_labels = Some(Default::default()),
            Fact::Find | Fact::Read { .. } => {
                facts.account = Some(AccountSeen {
                    result: self.found.clone(),
                    at: self.now,
                    after: 0,
                });
            }
            Fact::Ledger { name } => facts.ledger = Some(self.ledger_seen(name)),
            Fact::Prepare { .. } => facts.prepared = Some(Err("age1policy is no recipient".into())),
            Fact::LinkSent { .. } => facts.link_sent = Some(false),
            Fact::ClaimedElsewhere => facts.claimed_elsewhere = Some(false),
        }
    }

    fn ledger_seen(&self, name: String) -> LedgerSeen {
        LedgerSeen {
            name,
            resource_version: Some("1".into()),
            fields: Some(AccountFields {
                provider: "openldap".into(),
                upstream: "suffix".into(),
                id: "id-alice".into(),
                ledger: self.ledger.clone(),
            }),
        }
    }

    fn asks_upstream(&self) -> bool {
        self.asked
            .borrow()
            .iter()
            .any(|fact| matches!(fact, Fact::Find | Fact::Read { .. }))
    }
}

fn locked(remedy: Remedy, until: Option<Timestamp>) -> Result<AccountRead, ReadFailure> {
    let lock = readmit::domain::account::Lock {
        remedy,
        until,
        ..build::lock()
    };
    Ok(AccountRead {
        lock: LockState::Locked(lock),
        ..account()
    })
}

fn entry(request: &Request, outcome: LedgerOutcome) -> LedgerEntry {
    LedgerEntry {
        key: request.intent_key(),
        uid: "earlier".into(),
        action: request.action(),
        policy: "desk".into(),
        time: start(),
        keep_until: build::time("2026-12-20T00:00:00Z"),
        outcome: Some(outcome),
        claim: None,
    }
}

fn failure(class: FailureClass, text: &str) -> Result<AccountRead, ReadFailure> {
    Err(Failure::new(class, text).into())
}

type Row = (
    &'static str,
    Request,
    fn(&mut Scene),
    Option<Outcome>,
    Reason,
    &'static str,
);

fn check(rows: Vec<Row>) {
    for (name, request, bend, outcome, reason, text) in rows {
        let mut scene = Scene::new(request);
        bend(&mut scene);
        let (got, why, message) = match scene.decide() {
            Decision::Finish(ending) => (Some(ending.outcome), ending.reason, ending.message),
            Decision::Wait(waiting) => {
                assert!(waiting.until > scene.now, "{name}: waits until the past");
                (None, waiting.reason, waiting.message)
            }
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!((got, why), (outcome, reason), "{name}: {message}");
        assert!(message.contains(text), "{name}: {message:?} does not say {text:?}");
    }
}

#[test]
fn waits_say_what_to_do() {
    use Reason::*;
    let link = || reset("a", Method::Link);
    check(vec![
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
                s.found = Ok(AccountRead {
                    unreadable: vec!["country".into()],
                    profile: Default::default(),
                    ..account()
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
                s.directory = Some(DirectoryView {
                    queue: Duration::from_secs(60),
                    ..directory()
                })
            },
            None,
            RateLimited,
            "rate limit",
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
            |s| {
                s.found = Ok(AccountRead {
                    lock: LockState::Unknown("no right".into()),
                    ..account()
                })
            },
            None,
            MissingRights,
            "no right",
        ),
        (
            "protection cannot be read",
            unlock("a"),
            |s| {
                s.found = Ok(AccountRead {
                    protection: Protection::Unknown("x".into()),
                    ..account()
                })
            },
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
            |s| {
                s.found = Ok(AccountRead {
                    lock: LockState::NotLocked,
                    ..account()
                })
            },
            Some(Succeeded),
            Reason::NotLocked,
            "not locked; nothing was done",
        ),
        (
            "disabled and not locked",
            unlock("a"),
            |s| {
                s.found = Ok(AccountRead {
                    lock: LockState::NotLocked,
                    disabled: Some(true),
                    ..account()
                })
            },
            Some(Succeeded),
            Reason::NotLocked,
            "it is disabled",
        ),
        (
            "disabled and locked",
            unlock("a"),
            |s| {
                s.found = Ok(AccountRead {
                    disabled: Some(true),
                    ..account()
                })
            },
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
                requester: readmit::api::Requester {
                    username: Some("Alice".into()),
                    ..Default::default()
                },
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
                    requester: readmit::api::Requester {
                        username: Some("system:serviceaccount:ci:bot".into()),
                        ..Default::default()
                    },
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
            |s| {
                s.found = Ok(AccountRead {
                    protection: Protection::Protected("admin".into()),
                    ..account()
                })
            },
            Some(Denied),
            Reason::NotEligible,
            "no account that may be acted on matches",
        ),
        (
            "protected, for who may inspect",
            unlock("a"),
            |s| {
                (s.found, s.may_inspect) = (
                    Ok(AccountRead {
                        protection: Protection::Protected("admin".into()),
                        ..account()
                    }),
                    true,
                )
            },
            Some(Denied),
            Reason::Protected,
            "admin",
        ),
        (
            "protected by the Directory",
            unlock("a"),
            |s| {
                let rule =
                    serde_json::from_value(json!({"expression": "account.profile.country == 'DE'", "message": "ours"}))
                        .unwrap();
                s.directory = Some(DirectoryView {
                    protected: vec![Rule::compile(&rule).unwrap()],
                    ..directory()
                });
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
            |s| {
                s.found = Ok(AccountRead {
                    password_changed: Some(start() + SignedDuration::from_mins(3)),
                    ..account()
                })
            },
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
            |_| {},
            Some(Failed),
            Reason::NotCapable,
            "age1policy is no recipient",
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
                s.found = Ok(AccountRead {
                    lock: LockState::NotLocked,
                    ..account()
                });
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
fn effects_begin_only_after_everything_permits() {
    let sends = Scene::new(unlock("a")).decide();
    assert!(
        matches!(sends, Decision::Act(Effect::Send { step: Step::Unlock, .. })),
        "{sends:?}"
    );
    for method in [Method::Link, Method::ChangeAtNextSignIn] {
        let claims = Scene::new(reset("a", method)).decide();
        assert!(matches!(claims, Decision::Act(Effect::Claim(_))), "{claims:?}");
    }
    let limits = json!({"limits": [{"actions": ["Unlock"], "max": 3, "per": "24h"}]});
    let claims = Scene {
        policies: vec![policy("desk", limits)],
        ..Scene::new(unlock("a"))
    }
    .decide();
    assert!(
        matches!(claims, Decision::Act(Effect::Claim(_))),
        "a limited unlock is counted: {claims:?}"
    );
}

#[test]
fn nothing_is_looked_up_upstream_before_it_may_be() {
    let closed: [(&str, fn(&mut Scene)); 4] = [
        ("without the right", |s| s.may_use = false),
        ("where a static rule says no", |s| {
            s.policies = vec![policy(
                "desk",
                json!({"requester": [{"expression": "requester.username == 'x'"}]}),
            )]
        }),
        ("while suspended", |s| s.request.suspend = true),
        ("while identity is not enforced", |s| {
            s.enforcement = Enforcement::Unknown
        }),
    ];
    for (name, bend) in closed {
        let mut scene = Scene::new(unlock("a"));
        bend(&mut scene);
        scene.decide();
        assert!(!scene.asks_upstream(), "{name}: {:?}", scene.asked);
    }
}

#[test]
fn a_setback_is_waited_out() {
    let mut scene = Scene::new(unlock("a"));
    let failure = Failure::new(FailureClass::Transient(None), "try again");
    scene.progress.failure = Some(Setback {
        at: scene.now,
        failure,
        count: 3,
    });
    let Decision::Wait(waiting) = scene.decide() else {
        panic!("it does not wait")
    };
    assert_eq!(waiting.until, scene.now + SignedDuration::from_secs(4));
    assert!(!scene.asks_upstream());
}
