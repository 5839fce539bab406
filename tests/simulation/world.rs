//! What exists apart from the operator: the account upstream, the API server's objects, and the clock.

use super::{
    build,
    truth::{Rule, Truth},
};
use jiff::{SignedDuration, Timestamp};
use readmit::{
    api::{RequestStatus, account::AccountFields},
    domain::{
        account::{AccountRead, Failure, FailureClass, LockState, Protection, ReadFailure, Step},
        decide::after,
        enforcement::Enforcement,
        ledger::{self, Closing},
        observed::DirectoryView,
        policy::Policy,
        request::Request,
        settings::Timing,
    },
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The account upstream. Values count up, so that no two are the same.
#[derive(Clone)]
pub struct Upstream {
    pub down: bool,
    pub gone: bool,
    pub disabled: bool,
    pub protected: bool,
    pub unreadable: bool,
    pub country: &'static str,
    pub locked: bool,
    pub lock_stamp: u32,
    pub must_change: bool,
    pub password: String,
    pub marker: u32,
    /// Whether the upstream shows a marker at all.
    pub marks: bool,
    /// Sends that will only have their effect later: when, for whom, what, with which password.
    pub late: Vec<(Timestamp, String, Step, String)>,
}

/// The account of another upstream that requests name, where the credentials of that one live in [`Upstream`].
#[derive(Clone, Copy)]
pub struct Named {
    pub down: bool,
    pub locked: bool,
}

/// The Account object.
#[derive(Clone, PartialEq)]
pub struct Object {
    pub fields: AccountFields,
    pub version: u64,
}

/// What is wrong with the world around the core: a guard of servers or shell that is missing. The core relies on every one
/// of them, and a check that does not notice its absence proves nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mutant {
    #[default]
    None,
    /// The API server does not compare resourceVersions.
    NoCompareAndSwap,
    /// The API server lets a status with an outcome be changed.
    NoTerminalRule,
    /// The time to act under a claim never runs out.
    NoDeadline,
    /// A claim that somebody left is judged at once.
    NoQuarantine,
    /// What became unknown is given back to the limits.
    RefundedLimit,
    /// A lost reply is taken for a request that was never sent.
    LostIsNotSent,
    /// A password that is sent again is another one.
    FreshPassword,
}

#[derive(Clone)]
pub struct World {
    pub now: Timestamp,
    pub timing: Timing,
    pub upstream: Upstream,
    /// Only where requests are led elsewhere.
    pub named: Option<Named>,
    pub object: Option<Object>,
    pub version: u64,
    /// Requests by index; `None` once deleted.
    pub requests: Vec<Option<Request>>,
    pub policies: Vec<Arc<Policy>>,
    pub may_use: bool,
    pub directory: Option<DirectoryView>,
    pub enforcement: Enforcement,
    pub truth: Truth,
    /// Counts everything that happened from outside.
    pub events: u64,
    /// How many nonces were drawn for each request: by request, so that worlds in which the same happened in another
    /// order are the same.
    pub nonces: BTreeMap<String, u64>,
    pub mutant: Mutant,
}

impl World {
    pub fn new(requests: Vec<Request>, policies: Vec<Arc<Policy>>, marks: bool) -> Self {
        World {
            now: build::start() + SignedDuration::from_secs(1),
            timing: Timing::default(),
            upstream: Upstream {
                down: false,
                gone: false,
                disabled: false,
                protected: false,
                unreadable: false,
                country: "DE",
                locked: true,
                lock_stamp: 1,
                must_change: false,
                password: "the owner's".into(),
                marker: 1,
                marks,
                late: Vec::new(),
            },
            named: None,
            object: None,
            version: 1,
            requests: requests.into_iter().map(Some).collect(),
            policies,
            may_use: true,
            directory: Some(build::directory()),
            enforcement: Enforcement::Enforced {
                since: build::time("2026-11-01T00:00:00Z"),
            },
            truth: Truth::default(),
            events: 0,
            nonces: BTreeMap::new(),
            mutant: Mutant::None,
        }
    }

    /// Lets time pass; what was late has its effect on the way.
    pub fn advance(&mut self, wait: Duration) {
        let until = self.now + SignedDuration::try_from(wait).unwrap();
        let late = std::mem::take(&mut self.upstream.late);
        for (at, uid, step, value) in late {
            if at <= until {
                self.apply(at, &uid, step, &value);
            } else {
                self.upstream.late.push((at, uid, step, value));
            }
        }
        self.now = until;
    }

    /// A step has its effect.
    pub fn apply(&mut self, at: Timestamp, uid: &str, step: Step, value: &str) {
        match step {
            Step::Unlock => self.upstream.locked = false,
            Step::RequireChange => self.upstream.must_change = true,
            Step::SetPassword => {
                self.upstream.password = value.to_owned();
                self.upstream.marker += 1;
                self.upstream.must_change = false;
            }
            Step::SendLink | Step::RevokeSessions => {}
        }
        self.truth.applied(at, uid, step, value);
    }

    /// The same, where requests name an account of another upstream.
    pub fn leading_elsewhere(mut self) -> Self {
        self.named = Some(Named {
            down: false,
            locked: true,
        });
        for request in self.requests.iter_mut().flatten() {
            request.directory = build::cloud().name;
        }
        self
    }

    /// The Directories that a request may concern.
    pub fn directories(&self) -> Vec<DirectoryView> {
        let named = self.named.map(|_| build::cloud());
        named.into_iter().chain(self.directory.clone()).collect()
    }

    /// The account in this Directory as a read shows it; `None` where there is no such Directory.
    pub fn read_in(&self, directory: &str) -> Option<Result<AccountRead, ReadFailure>> {
        self.directories().iter().find(|view| view.name == directory)?;
        Some(match self.named.filter(|_| directory == build::cloud().name) {
            Some(Named { down: true, .. }) => {
                Err(Failure::new(FailureClass::Transient(None), "the directory does not answer").into())
            }
            Some(Named { locked, .. }) => Ok(build::named(locked)),
            None => self.read(),
        })
    }

    /// The account that is acted on, as a read shows it.
    pub fn read(&self) -> Result<AccountRead, ReadFailure> {
        let upstream = &self.upstream;
        if upstream.down {
            return Err(Failure::new(FailureClass::Transient(None), "the directory does not answer").into());
        }
        if upstream.gone {
            return Err(ReadFailure::NotFound);
        }
        let country = serde_json::json!({"country": upstream.country});
        Ok(AccountRead {
            lock: match upstream.locked {
                true => LockState::Locked(build::lock()),
                false => LockState::NotLocked,
            },
            lock_stamp: upstream.locked.then(|| upstream.lock_stamp.to_string()),
            disabled: Some(upstream.disabled),
            must_change: Some(upstream.must_change),
            protection: match upstream.protected {
                true => Protection::Protected("an administrator".into()),
                false => Protection::None,
            },
            profile: match upstream.unreadable {
                true => serde_json::Map::new(),
                false => serde_json::from_value(country).unwrap(),
            },
            unreadable: if upstream.unreadable {
                vec!["country".into()]
            } else {
                Vec::new()
            },
            password_marker: upstream.marks.then(|| upstream.marker.to_string()),
            ..build::account()
        })
    }

    /// Writes the Account object with a precondition, as the API server does. `None` creates it.
    pub fn write(&mut self, fields: AccountFields, precondition: Option<u64>) -> Result<u64, ()> {
        let compares = self.mutant != Mutant::NoCompareAndSwap;
        if compares && self.object.as_ref().map(|object| object.version) != precondition {
            return Err(());
        }
        let open = fields.ledger.iter().filter(|entry| entry.claim.is_some()).count();
        self.truth.demand(open <= 1, Rule::OneClaim, || {
            format!("an account has {open} open claims")
        });
        self.version += 1;
        self.truth
            .charged(ledger::open(&fields.ledger).map(|entry| entry.uid.as_str()));
        self.object = Some(Object {
            fields,
            version: self.version,
        });
        Ok(self.version)
    }

    /// Writes a status, as the API server does: what has ended never changes. `before` is the status as its writer knew
    /// it. Whether it could be written: not where the request had ended by another's word.
    pub fn record(&mut self, index: usize, uid: &str, before: &RequestStatus, status: RequestStatus) -> bool {
        let (now, mutant) = (self.now, self.mutant);
        let Some(request) = self.requests[index].as_mut().filter(|request| request.uid == uid) else {
            return true;
        };
        if request.is_finished() && mutant != Mutant::NoTerminalRule {
            return false;
        }
        let (ended, changed) = (request.is_finished(), request.status != status);
        let news = changed || request.status != *before;
        request.status = status;
        let request = request.clone();
        self.truth.demand(news, Rule::Warranted, || {
            format!("{uid}: a status was written that says nothing new")
        });
        self.truth.demand(!ended || !changed, Rule::Terminal, || {
            format!("{uid} had ended, and says something else now")
        });
        if request.is_finished() {
            let follows = self.named.is_none_or(|named| !named.locked);
            self.truth.finished(now, &request, &self.upstream, follows);
        }
        true
    }

    /// A name that was never used before.
    pub fn nonce(&mut self, uid: &str) -> String {
        let drawn = self.nonces.entry(uid.to_owned()).or_default();
        *drawn += 1;
        format!("{uid}#{drawn}")
    }

    /// Until when may be sent under a claim that is written now.
    pub fn time_to_act(&self) -> Timestamp {
        match self.mutant {
            Mutant::NoDeadline => Timestamp::MAX,
            _ => after(self.now, self.timing.effect_deadline),
        }
    }

    /// How a claim is really closed that is to be closed so.
    pub fn closing(&self, closing: Closing) -> Closing {
        match (self.mutant, closing) {
            (Mutant::RefundedLimit, Closing::Unknown) => Closing::Refund,
            (_, closing) => closing,
        }
    }
}
