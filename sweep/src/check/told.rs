//! A history put in order for the rules: by request, by account, by process. Nothing is judged here.

use crate::{
    case::{Ask, Case, Change, Outage, Trouble},
    history::{Effect, Event, Origin, Step, What},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// A history.
pub struct Told<'a> {
    pub case: &'a Case,
    pub limit: usize,
    pub requests: Vec<Request<'a>>,
    /// The accounts that the case was about.
    pub accounts: BTreeMap<&'a str, Account<'a>>,
    /// What happened to processes, in order.
    pub processes: Vec<(i64, &'a str, &'a What)>,
    pub gave_up: Vec<&'a str>,
}

/// A request and everything that was learned of it.
pub struct Request<'a> {
    pub uid: &'a str,
    pub name: &'a str,
    pub ask: &'a Ask,
    /// The account that is acted on.
    pub account: &'a str,
    /// The account that it names, where that is another one.
    pub named: Option<&'a str>,
    /// Its statuses, as they followed each other.
    pub statuses: Vec<(i64, &'a Value)>,
    pub gone: bool,
    /// Audit lines about it: when, by which process, what.
    pub audit: Vec<(i64, &'a str, &'a Value)>,
    /// What it delivered, and whether that is in force.
    pub delivered: Option<(&'a str, bool)>,
}

/// An account and everything that was done to it.
#[derive(Default)]
pub struct Account<'a> {
    pub effects: Vec<&'a Effect>,
    pub ledgers: Vec<&'a Value>,
    pub locked: bool,
    pub must_change: bool,
}

impl<'a> Told<'a> {
    /// Puts a history in order. The error says what is missing in it.
    pub fn of(events: &'a [Event]) -> Result<Self, String> {
        let Some(Event::Case { case, limit, .. }) = events.first() else {
            return Err("the history does not begin with its case".into());
        };
        if !matches!(events.last(), Some(Event::End { .. })) {
            return Err("the history has no end".into());
        }
        let mut told = Told {
            case,
            limit: *limit,
            requests: Vec::new(),
            accounts: BTreeMap::new(),
            processes: Vec::new(),
            gave_up: Vec::new(),
        };
        // What is heard of a request may come before the answer to its creation.
        let (requests, rest): (Vec<_>, Vec<_>) =
            events.iter().partition(|event| matches!(event, Event::Request { .. }));
        for event in requests.into_iter().chain(rest) {
            told.take(event)?;
        }
        match told.requests.len() < case.asks.len() {
            true => Err("not every request was even created".into()),
            false => Ok(told),
        }
    }

    fn take(&mut self, event: &'a Event) -> Result<(), String> {
        match event {
            Event::Case { .. } | Event::Changed { .. } | Event::Log { .. } | Event::End { .. } => {}
            Event::Request {
                uid,
                name,
                ask,
                account,
                named,
                ..
            } => {
                let ask = self
                    .case
                    .asks
                    .get(*ask)
                    .ok_or("a request that the case does not ask for")?;
                self.accounts.entry(account).or_default();
                if let Some(named) = named {
                    self.accounts.entry(named).or_default();
                }
                self.requests.push(Request {
                    uid,
                    name,
                    ask,
                    account,
                    named: named.as_deref(),
                    statuses: Vec::new(),
                    gone: false,
                    audit: Vec::new(),
                    delivered: None,
                });
            }
            Event::Status { at, uid, status } => {
                if let Some(request) = self.request(uid) {
                    request.statuses.push((*at, status));
                }
            }
            Event::Gone { uid, .. } => {
                if let Some(request) = self.request(uid) {
                    request.gone = true;
                }
            }
            Event::Process { at, process, what } => self.processes.push((*at, process, what)),
            Event::Audit { at, process, line } => {
                let uid = line["request"]["uid"].as_str().unwrap_or_default();
                if let Some(request) = self.request(uid) {
                    request.audit.push((*at, process, line));
                }
            }
            Event::Ledger { account, ledger, .. } => self.account(account).ledgers.push(ledger),
            Event::Effect(effect) => self.account(&effect.account).effects.push(effect),
            Event::Account {
                account,
                locked,
                must_change,
            } => {
                let account = self.account(account);
                (account.locked, account.must_change) = (*locked, *must_change);
            }
            Event::Delivered { uid, value, in_force } => {
                if let Some(request) = self.request(uid) {
                    request.delivered = Some((value, *in_force));
                }
            }
            Event::GaveUp { what, .. } => self.gave_up.push(what),
        }
        Ok(())
    }

    fn request(&mut self, uid: &str) -> Option<&mut Request<'a>> {
        self.requests.iter_mut().find(|request| request.uid == uid)
    }

    fn account(&mut self, id: &'a str) -> &mut Account<'a> {
        self.accounts.entry(id).or_default()
    }

    /// The requests about an account.
    pub fn about<'s>(&'s self, account: &'s str) -> impl Iterator<Item = &'s Request<'a>> {
        self.requests.iter().filter(move |request| request.account == account)
    }

    /// Whether the case makes this change.
    pub fn changes(&self, change: Change) -> bool {
        self.case.changes.contains(&change)
    }

    /// Whether an operator lives and cannot say what it does, so that another one takes its place.
    pub fn is_partitioned(&self) -> bool {
        matches!(self.case.trouble, Trouble::ApiServer(Outage::Partition))
    }

    /// Whether a process was killed, stopped, cut off or ended between two times.
    pub fn was_interrupted(&self, process: &str, from: i64, to: i64) -> bool {
        self.is_partitioned()
            || self.processes.iter().any(|(at, of, what)| {
                let ends = matches!(what, What::Killed | What::Stopped | What::Exited(_));
                *of == process && ends && (from..=to).contains(at)
            })
    }
}

impl Request<'_> {
    /// The last status that was seen.
    pub fn last(&self) -> &Value {
        self.statuses.last().map_or(&Value::Null, |(_, status)| status)
    }

    /// How it ended.
    pub fn outcome(&self) -> Option<&str> {
        self.last()["outcome"].as_str()
    }

    /// Why, as its Ready condition says.
    pub fn reason(&self) -> &str {
        let conditions = self.last()["conditions"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
        ready.and_then(|ready| ready["reason"].as_str()).unwrap_or_default()
    }

    /// When it was first seen to have ended.
    pub fn ended(&self) -> Option<i64> {
        let ended = self.statuses.iter().find(|(_, status)| status["outcome"].is_string());
        ended.map(|(at, _)| *at)
    }

    /// Whether it says that its password was set or its link sent.
    pub fn says_reset(&self) -> bool {
        let delivers = !self.last()["delivery"]["sealed"].is_null();
        match self.outcome() {
            Some("Succeeded") => matches!(self.reason(), "PasswordReset" | "LinkSent"),
            // Set, and something after it was refused: what was set is handed over.
            Some("Failed") => {
                delivers
                    || message(self.last()).contains("the reset was done")
                    || message(self.last()).contains("the link was sent")
            }
            _ => false,
        }
    }

    /// Whether it tells that nobody knows, or cannot tell any more.
    pub fn is_open(&self) -> bool {
        self.outcome() == Some("Unknown") || (self.gone && self.outcome().is_none())
    }

    /// Sends of this step by each process, each with whether a result was heard: `None`, or the word of it.
    pub fn sends(&self, step: &str) -> Vec<(&str, i64, Option<&str>)> {
        let lines = || self.audit.iter().filter(|(_, _, line)| line["step"] == step);
        let of = |event: &'static str| lines().filter(move |(_, _, line)| line["event"] == event);
        let mut results: Vec<_> = of("result")
            .map(|(at, process, line)| (*at, *process, line["result"].as_str()))
            .collect();
        of("send")
            .map(|(at, process, _)| {
                let found = results.iter().position(|(when, by, _)| by == process && when >= at);
                let result = found.and_then(|found| results.remove(found).2);
                (*process, *at, result)
            })
            .collect()
    }

    /// The processes that claimed or took over for it, and when.
    pub fn claims(&self) -> impl Iterator<Item = (&str, i64)> {
        let claims = self.audit.iter().filter(|(_, _, line)| line["event"] == "claim");
        claims.map(|(at, process, _)| (*process, *at))
    }
}

/// The message of the Ready condition.
pub fn message(status: &Value) -> &str {
    let conditions = status["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
    ready.and_then(|ready| ready["message"].as_str()).unwrap_or_default()
}

impl Account<'_> {
    /// What operators did of this step.
    pub fn done(&self, step: Step) -> impl Iterator<Item = &Effect> {
        let effects = self.effects.iter().copied();
        effects.filter(move |effect| effect.step == step && effect.by == Origin::Operator)
    }

    /// How many resets took effect: links, and different passwords.
    pub fn resets(&self) -> usize {
        let mut values: Vec<&str> = self
            .done(Step::SetPassword)
            .filter_map(|effect| effect.value.as_deref())
            .collect();
        values.sort_unstable();
        values.dedup();
        values.len() + self.done(Step::SendLink).count()
    }
}

/// The entries of a ledger.
pub fn entries(ledger: &Value) -> &[Value] {
    ledger.as_array().map(Vec::as_slice).unwrap_or_default()
}
