//! One decision in a world that stands still: whatever is asked for is answered.

use crate::build::{self, account, directory, policy, reset, start, unlock};
use jiff::{SignedDuration, Timestamp};
use readmit::{
    api::{
        Method, Outcome, Reason,
        account::{AccountFields, Derivation, LedgerEntry, LedgerOutcome},
    },
    domain::{
        account::{AccountRead, Failure, FailureClass, LockState, ReadFailure, Remedy, Step},
        decide::decide,
        decision::{Decision, Effect, Fact, Waiting},
        enforcement::Enforcement,
        observed::{AccountSeen, DirectoryView, Facts, LedgerSeen, Observed, Progress, Setback},
        policy::Policy,
        queue::places::Queued,
        request::Request,
        rule::Rule,
        settings::Timing,
    },
};
use serde_json::json;
use std::{cell::RefCell, sync::Arc};

/// Everything that a decision may ask for, in a world that stands still.
pub struct Scene {
    pub now: Timestamp,
    pub request: Request,
    pub policies: Vec<Arc<Policy>>,
    /// The Directory that is acted in.
    pub directory: Option<DirectoryView>,
    /// Another one, which requests name, and the account there.
    pub named: Option<(DirectoryView, Result<AccountRead, ReadFailure>)>,
    pub enforcement: Enforcement,
    pub found: Result<AccountRead, ReadFailure>,
    pub ledger: Vec<LedgerEntry>,
    pub may_use: bool,
    pub may_inspect: bool,
    pub progress: Progress,
    /// What comes of deriving and sealing a password.
    pub prepared: Result<Derivation, String>,
    /// What it has to wait for before the directory is asked.
    pub turn: Option<Queued>,
    asked: RefCell<Vec<Fact>>,
}

impl Scene {
    pub fn new(request: Request) -> Self {
        Scene {
            now: start() + SignedDuration::from_secs(60),
            request,
            policies: vec![policy("desk", json!({}))],
            directory: Some(directory()),
            named: None,
            enforcement: Enforcement::Enforced {
                since: build::time("2026-11-01T00:00:00Z"),
            },
            found: Ok(account()),
            ledger: Vec::new(),
            may_use: true,
            may_inspect: false,
            progress: Progress::default(),
            prepared: Ok(serde_json::from_value(json!({
                "version": 1, "key": {"name": "day", "key": "key"}, "length": 20, "alphabet": "ascii", "recipients": [],
            }))
            .unwrap()),
            turn: None,
            asked: RefCell::default(),
        }
    }

    /// The account is found as usual, but for this.
    pub fn finds(&mut self, change: impl FnOnce(&mut AccountRead)) {
        let mut found = account();
        change(&mut found);
        self.found = Ok(found);
    }

    /// The Directory protects the accounts of which this is true, and says that they are `ours`.
    pub fn protects(&mut self, expression: &str) {
        let rule = serde_json::from_value(json!({"expression": expression, "message": "ours"})).unwrap();
        self.directory = Some(DirectoryView {
            protected: vec![Rule::compile(&rule).unwrap()],
            ..directory()
        });
    }

    /// Answers what is asked until something is decided.
    pub fn decide(&self) -> Decision {
        let mut facts = Facts::default();
        let directories = self.directories();
        for _ in 0..20 {
            let observed = Observed {
                timing: &Timing::default(),
                request: &self.request,
                enforcement: &self.enforcement,
                policies: &self.policies,
                directory: directories.iter().find(|view| view.name == self.request.directory),
                directories: &directories,
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

    /// Every Directory that there is.
    pub fn directories(&self) -> Vec<DirectoryView> {
        let named = self.named.iter().map(|(view, _)| view);
        named.chain(&self.directory).cloned().collect()
    }

    fn answer(&self, facts: &mut Facts, fact: Fact) {
        match fact {
            Fact::MayUse(name) => drop(facts.may_use.insert(name, self.may_use)),
            Fact::MayUseAny => facts.may_use_any = Some(self.may_use),
            Fact::MayInspect(name) => drop(facts.may_inspect.insert(name, self.may_inspect)),
            Fact::NamespaceLabels => facts.namespace_labels = Some(Default::default()),
            Fact::Find { .. } if self.turn.is_some() => facts.turn = self.turn.clone(),
            Fact::Find { directory, .. } | Fact::Read { directory, .. } => {
                let named = self.named.iter().find(|(view, _)| view.name == directory);
                let seen = AccountSeen {
                    result: named.map_or(&self.found, |(_, read)| read).clone(),
                    at: self.now,
                    after: self.progress.sends.len(),
                };
                facts.readings.insert(directory, seen);
            }
            Fact::Ledger { name } => facts.ledger = Some(self.ledger_seen(name)),
            Fact::Prepare { .. } => facts.prepared = Some(self.prepared.clone()),
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
                lockout: None,
                ledger: self.ledger.clone(),
            }),
        }
    }

    /// How it stands, where it waits.
    #[track_caller]
    pub fn waits(&self) -> Waiting {
        match self.decide() {
            Decision::Wait(waiting) => *waiting,
            other => panic!("it does not wait: {other:?}"),
        }
    }

    pub fn asks_upstream(&self) -> bool {
        self.asked
            .borrow()
            .iter()
            .any(|fact| matches!(fact, Fact::Find { .. } | Fact::Read { .. }))
    }
}

pub fn locked(remedy: Remedy, until: Option<Timestamp>) -> Result<AccountRead, ReadFailure> {
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

pub fn entry(request: &Request, outcome: LedgerOutcome) -> LedgerEntry {
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

pub fn failure(class: FailureClass, text: &str) -> Result<AccountRead, ReadFailure> {
    Err(Failure::new(class, text).into())
}

/// What is different in a scene.
type Bend = fn(&mut Scene);
pub type Row = (
    &'static str,
    Request,
    fn(&mut Scene),
    Option<Outcome>,
    Reason,
    &'static str,
);

pub fn check(rows: Vec<Row>) {
    check_in(Scene::new, rows);
}

/// The same in scenes of another kind.
pub fn check_in(scene_of: fn(Request) -> Scene, rows: Vec<Row>) {
    for (name, request, bend, outcome, reason, text) in rows {
        let mut scene = scene_of(request);
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

/// Where an unlock can do more than clear a lock, as where that lock is the account's own enabled flag, it needs a
/// claim; the account says of a lock that it is none of those.
#[test]
fn what_an_unlock_may_do_is_judged_by_the_lock() {
    for (only_clears, remedy, claimed) in [
        (true, Remedy::Unlock, false),
        (true, Remedy::Clear, false),
        (false, Remedy::Clear, false),
        (false, Remedy::Unlock, true),
    ] {
        let mut scene = Scene::new(unlock("a"));
        if let Some(directory) = &mut scene.directory {
            directory.capabilities.unlock_only_clears = only_clears;
        }
        scene.found = locked(remedy.clone(), None);
        let decision = scene.decide();
        let claims = matches!(decision, Decision::Act(Effect::Claim(_)));
        let sends = matches!(decision, Decision::Act(Effect::Send { step: Step::Unlock, .. }));
        assert_eq!(
            (claims, sends),
            (claimed, !claimed),
            "{only_clears} {remedy:?}: {decision:?}"
        );
    }
}

#[test]
fn nothing_is_looked_up_upstream_before_it_may_be() {
    let closed: [(&str, Bend); 4] = [
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
    scene.progress.failure = Some(Box::new(Setback {
        at: scene.now,
        failure,
        count: 3,
    }));
    let Decision::Wait(waiting) = scene.decide() else {
        panic!("it does not wait")
    };
    assert_eq!(waiting.until, scene.now + SignedDuration::from_secs(4));
    assert!(!scene.asks_upstream());
}
