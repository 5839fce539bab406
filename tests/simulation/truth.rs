//! What really happened, kept apart from what anybody in the world knows, and which rules it broke.

use super::world::Upstream;
use jiff::{SignedDuration, Timestamp};
use readmit::{
    api::{Method, Outcome, Reason},
    domain::{account::Step, request::Request},
};
use std::collections::{BTreeMap, BTreeSet};

/// What must hold whatever happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A request sets one password and sends one link at most.
    OneEffect,
    /// An account has one open claim at most.
    OneClaim,
    /// What is said at the end is what happened.
    Outcome,
    /// Unknown is said only where the truth was hidden.
    Unknown,
    /// What has ended never changes.
    Terminal,
    /// Nothing is sent for a request under a claim after its end, and no marked step comes late.
    Late,
    /// Nothing is denied, given up or said that the world does not warrant.
    Warranted,
}

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    pub at: Timestamp,
    /// For which request.
    pub uid: String,
    pub step: Step,
    /// With which password.
    pub value: String,
}

#[derive(Clone, Default)]
pub struct Truth {
    /// Every effect, in order.
    pub effects: Vec<Done>,
    /// Endings by uid, with the time.
    pub endings: BTreeMap<String, (Timestamp, Request)>,
    /// Whom the truth was hidden from: a lost reply, a crash, a pause, somebody else's change.
    pub hidden: BTreeSet<String>,
    /// Whom the directory deceived in a way that nothing shows.
    pub deceived: BTreeSet<String>,
    /// Whose password the directory pretended to have set: the next change by somebody else hides it.
    pub pretended: BTreeSet<String>,
    /// Requests that ever held a claim.
    pub claimed: BTreeSet<String>,
    /// Every rule that was broken, and how.
    pub broken: Vec<(Rule, String)>,
}

impl Truth {
    /// Notes a breach unless it is so.
    pub fn demand(&mut self, so: bool, rule: Rule, otherwise: impl FnOnce() -> String) {
        if !so {
            self.broken.push((rule, otherwise()));
        }
    }

    pub fn applied(&mut self, at: Timestamp, uid: &str, step: Step, value: &str) {
        self.effects.push(Done {
            at,
            uid: uid.to_owned(),
            step,
            value: value.to_owned(),
        });
        let values: BTreeSet<String> = self.of(uid, Step::SetPassword).map(|done| done.value.clone()).collect();
        self.demand(values.len() <= 1, Rule::OneEffect, || {
            format!("request {uid} set several passwords: {values:?}")
        });
        let links = self.of(uid, Step::SendLink).count();
        self.demand(links <= 1, Rule::OneEffect, || {
            format!("request {uid} sent {links} links")
        });
        let Some((end, ended)) = self.endings.get(uid).cloned() else {
            return;
        };
        // A step that sets a state may come late where that state was reached otherwise: it changes nothing.
        self.demand(!step.is_marked(), Rule::Late, || {
            format!("{} for request {uid} at {at}, which ended at {end}", step.as_str())
        });
        // What had been lost and comes late: the ending must not have denied it.
        self.check_undone(&ended);
    }

    /// A step arrives upstream under a claim.
    pub fn arrived(&mut self, uid: &str, step: Step) {
        self.demand(!self.endings.contains_key(uid), Rule::Late, || {
            format!("{} was sent for request {uid} after its end", step.as_str())
        });
    }

    pub fn charged(&mut self, uid: Option<&str>) {
        if let Some(uid) = uid {
            self.claimed.insert(uid.to_owned());
        }
    }

    pub fn of<'a>(&'a self, uid: &'a str, step: Step) -> impl Iterator<Item = &'a Done> {
        self.effects
            .iter()
            .filter(move |done| done.uid == uid && done.step == step)
    }

    /// As many requests as had a reset within the busiest stretch of a day, a minute of grace apart.
    pub fn most_resets_a_day(&self) -> usize {
        let mut first = BTreeMap::new();
        for done in &self.effects {
            if matches!(done.step, Step::SetPassword | Step::SendLink | Step::RequireChange) {
                first.entry(&done.uid).or_insert(done.at);
            }
        }
        let within = |start: &Timestamp| {
            let end = *start + SignedDuration::from_hours(24) - SignedDuration::from_secs(60);
            first.values().filter(|at| *at >= start && **at < end).count()
        };
        first.values().map(within).max().unwrap_or_default()
    }

    /// Checks an ending against what really happened. `follows`: whether the account that the request names is not locked,
    /// where that is another one.
    pub fn finished(&mut self, at: Timestamp, request: &Request, upstream: &Upstream, follows: bool) {
        self.endings.insert(request.uid.clone(), (at, request.clone()));
        let again = reason(request) == Reason::AlreadyExecuted.as_str();
        self.demand(
            follows || request.status.outcome != Some(Outcome::Succeeded),
            Rule::Outcome,
            || {
                format!(
                    "{} says Succeeded, and the account that it names is locked",
                    request.uid
                )
            },
        );
        match request.status.outcome {
            Some(Outcome::Succeeded) if !again => self.check_done(request, upstream),
            Some(Outcome::Unknown) if !again => {
                let uid = &request.uid;
                self.demand(self.hidden.contains(uid), Rule::Unknown, || {
                    format!("{uid} is Unknown, and nothing was hidden: {}", message(request))
                });
            }
            Some(Outcome::Denied | Outcome::Expired | Outcome::Failed) => self.check_undone(request),
            Some(Outcome::Succeeded | Outcome::Unknown) | None => {}
        }
    }

    fn check_done(&mut self, request: &Request, upstream: &Upstream) {
        let uid = request.uid.as_str();
        if self.deceived.contains(uid) {
            return;
        }
        let done = match request.method() {
            None => !upstream.locked || self.of(uid, Step::Unlock).count() > 0,
            Some(Method::ChangeAtNextSignIn) => upstream.must_change || self.of(uid, Step::RequireChange).count() > 0,
            Some(Method::Link) => self.of(uid, Step::SendLink).count() == 1,
            Some(Method::TemporaryPassword) => self.of(uid, Step::SetPassword).count() > 0,
        };
        self.demand(done, Rule::Outcome, || {
            format!("{uid} says Succeeded, and it was not done: {}", message(request))
        });
        if request.method() == Some(Method::TemporaryPassword) {
            let value = self.of(uid, Step::SetPassword).last().map(|done| done.value.clone());
            let delivered = request.status.delivery.as_ref().map(|delivery| delivery.sealed.clone());
            self.demand(delivered == value, Rule::Outcome, || {
                format!("{uid} set {value:?} and delivers {delivered:?}")
            });
        }
    }

    /// A bad ending that says that nothing was done, or names how far it came.
    fn check_undone(&mut self, request: &Request) {
        let (uid, said) = (request.uid.as_str(), message(request));
        let effects: Vec<Step> = self.effects.iter().filter(|e| e.uid == uid).map(|e| e.step).collect();
        let marked = effects.iter().any(|step| step.is_marked());
        match request.status.outcome {
            // An unlock without a claim leaves no trace; one that a crash interrupted is decided anew. By design.
            Some(_) if !self.claimed.contains(uid) && self.hidden.contains(uid) && !marked => {}
            Some(Outcome::Denied | Outcome::Expired) => {
                self.demand(effects.is_empty(), Rule::Outcome, || {
                    format!("{uid} says {said}, and did {effects:?}")
                });
            }
            Some(Outcome::Failed) => {
                let told = [
                    "the password was set",
                    "the link was sent",
                    "the reset was done",
                    "the directory took",
                    "a temporary password was set",
                    "the directory mailed",
                ];
                let told = told.iter().any(|words| said.contains(words));
                self.demand(!marked || told, Rule::Outcome, || {
                    format!("{uid} says {said}, and did {effects:?}")
                });
                if marked && request.method() == Some(Method::TemporaryPassword) {
                    self.demand(request.status.delivery.is_some(), Rule::Outcome, || {
                        format!("{uid} set a password that nobody gets: {said}")
                    });
                }
            }
            _ => {}
        }
    }
}

pub fn condition<'a>(request: &'a Request, kind: &str) -> &'a readmit::api::Condition {
    request
        .status
        .conditions
        .iter()
        .find(|condition| condition.r#type == kind)
        .unwrap()
}

pub fn reason(request: &Request) -> &str {
    &condition(request, "Succeeded").reason
}

pub fn message(request: &Request) -> &str {
    &condition(request, "Ready").message
}
