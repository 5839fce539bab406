//! What really happened, kept apart from what anybody in the world knows.

use crate::world::Upstream;
use jiff::Timestamp;
use readmit::{
    api::{Method, Outcome, Reason},
    domain::{account::Step, request::Request},
};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub struct Truth {
    /// Every effect: when, for whom, what, with which password.
    pub effects: Vec<(Timestamp, String, Step, String)>,
    /// Endings by uid, with the time.
    pub endings: BTreeMap<String, (Timestamp, Request)>,
    /// Whom the truth was hidden from: a lost reply, a crash, somebody else's change.
    pub hidden: BTreeSet<String>,
    /// Whom the directory deceived in a way that nothing shows.
    pub deceived: BTreeSet<String>,
    /// Whose password the directory pretended to have set: the next change by somebody else hides it.
    pub pretended: BTreeSet<String>,
    /// Requests that ever held a claim.
    pub claimed: BTreeSet<String>,
}

impl Truth {
    pub fn applied(&mut self, at: Timestamp, uid: &str, step: Step, value: &str) {
        self.effects.push((at, uid.to_owned(), step, value.to_owned()));
        let values: BTreeSet<_> = self.of(uid, Step::SetPassword).map(|effect| &effect.3).collect();
        assert!(values.len() <= 1, "request {uid} set several passwords: {values:?}");
        assert!(
            self.of(uid, Step::SendLink).count() <= 1,
            "request {uid} sent a link twice"
        );
        let (_, ended) = match self.endings.get(uid) {
            Some(ending) => ending,
            None => return,
        };
        // What had been lost and comes late: the ending must not have denied it.
        self.check_undone(ended);
    }

    pub fn charged(&mut self, uid: Option<&str>) {
        if let Some(uid) = uid {
            self.claimed.insert(uid.to_owned());
        }
    }

    pub fn of<'a>(&'a self, uid: &'a str, step: Step) -> impl Iterator<Item = &'a (Timestamp, String, Step, String)> {
        self.effects
            .iter()
            .filter(move |effect| effect.1 == uid && effect.2 == step)
    }

    /// Checks an ending against what really happened.
    pub fn finished(&mut self, at: Timestamp, request: &Request, upstream: &Upstream) {
        self.endings.insert(request.uid.clone(), (at, request.clone()));
        let reason = reason(request);
        match request.status.outcome {
            Some(Outcome::Succeeded) if reason != Reason::AlreadyExecuted.as_str() => {
                self.check_done(request, upstream)
            }
            Some(Outcome::Succeeded) | None => {}
            Some(Outcome::Unknown) if reason == Reason::AlreadyExecuted.as_str() => {}
            Some(Outcome::Unknown) => {
                let uid = &request.uid;
                assert!(
                    self.hidden.contains(uid),
                    "{uid} is Unknown, and nothing was hidden: {}",
                    message(request)
                );
            }
            Some(Outcome::Denied | Outcome::Expired | Outcome::Failed) => self.check_undone(request),
        }
    }

    fn check_done(&self, request: &Request, upstream: &Upstream) {
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
        assert!(done, "{uid} says Succeeded, and it was not done: {}", message(request));
        if request.method() == Some(Method::TemporaryPassword) {
            let value = self.of(uid, Step::SetPassword).last().map(|effect| effect.3.clone());
            let delivered = request.status.delivery.as_ref().map(|delivery| delivery.sealed.clone());
            assert_eq!(delivered, value, "{uid} set a password and delivers another, or none");
        }
    }

    /// A bad ending that says that nothing was done, or names how far it came.
    fn check_undone(&self, request: &Request) {
        let (uid, said) = (request.uid.as_str(), message(request));
        let effects: Vec<Step> = self.effects.iter().filter(|e| e.1 == uid).map(|e| e.2).collect();
        let marked = effects.iter().any(|step| step.is_marked());
        match request.status.outcome {
            // An unlock without a claim leaves no trace; one that a crash interrupted is decided anew. By design.
            Some(_) if !self.claimed.contains(uid) && self.hidden.contains(uid) && !marked => {}
            Some(Outcome::Denied | Outcome::Expired) => {
                assert!(effects.is_empty(), "{uid} says {said}, and did {effects:?}");
            }
            Some(Outcome::Failed) => {
                let told = [
                    "the password was set",
                    "the link was sent",
                    "the reset was done",
                    "the directory took",
                ];
                let told = told.iter().any(|words| said.contains(words));
                assert!(!marked || told, "{uid} says {said}, and did {effects:?}");
                if marked && request.method() == Some(Method::TemporaryPassword) {
                    assert!(
                        request.status.delivery.is_some(),
                        "{uid} set a password that nobody gets: {said}"
                    );
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
    &condition(request, "Succeeded").message
}
