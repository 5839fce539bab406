//! Which request meets which fault: matchers, rules, and the ordered list of them. No network here.

use std::time::Duration;

use super::request::Call;

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The API server never sees it; the connection is cut without an answer.
    Lose,
    /// The API server answers, so that a write is committed; then the connection is cut without passing anything on.
    LoseReply,
    /// The API server never sees it; this HTTP status is answered, with the `Status` object that belongs to it.
    Answer(u16),
    /// The API server answers, so that a write is committed; this HTTP status is passed on instead: a 500 that did apply.
    AnswerAfter(u16),
    /// It reaches the API server so much later, and does so even if whoever sent it has gone: a late commit.
    Delay(Duration),
    /// Its answer comes so much later.
    DelayReply(Duration),
}

/// Which requests are meant; the default is every one. All that is set must hold.
#[derive(Debug, Clone, Default)]
pub struct Matcher {
    method: Option<String>,
    path: Option<String>,
    resource: Option<String>,
    subresource: Option<String>,
    name: Option<String>,
    body: Option<String>,
    writes: bool,
    watches: bool,
}

impl Matcher {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests that change objects: POST, PUT, PATCH and DELETE, without reviews of rights and tokens, which only ask.
    pub fn writes() -> Self {
        Self {
            writes: true,
            ..Self::default()
        }
    }

    /// Requests for a stream of changes.
    pub fn watches() -> Self {
        Self {
            watches: true,
            ..Self::default()
        }
    }

    /// With this HTTP method, in capitals.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Whose path begins so, as in `/apis/readmit.dev/v1alpha1/accounts`.
    #[must_use]
    pub fn path(mut self, prefix: &str) -> Self {
        self.path = Some(prefix.to_owned());
        self
    }

    /// About objects of this resource (lower case, plural, as in URLs) itself. Its subresources are matched only with
    /// [`Self::subresource`].
    #[must_use]
    pub fn resource(mut self, resource: &str) -> Self {
        self.resource = Some(resource.to_owned());
        self
    }

    /// About this subresource, as in `status`.
    #[must_use]
    pub fn subresource(mut self, subresource: &str) -> Self {
        self.subresource = Some(subresource.to_owned());
        self
    }

    /// About the object of this name. A create names none in its path; see [`Self::body`].
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Whose body holds this text.
    #[must_use]
    pub fn body(mut self, part: &str) -> Self {
        self.body = Some(part.to_owned());
        self
    }

    /// Whether a request is meant.
    pub fn matches(&self, call: &Call) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        is(&self.method, &call.method)
            && is(&self.resource, &call.resource)
            && is(&self.name, &call.name)
            && match &self.subresource {
                Some(wanted) => *wanted == call.subresource,
                None => self.resource.is_none() || call.subresource.is_empty(),
            }
            && self.path.as_ref().is_none_or(|prefix| call.path.starts_with(prefix))
            && self.body.as_ref().is_none_or(|part| call.body_holds(part))
            && (!self.writes || call.is_write())
            && (!self.watches || call.watch)
    }
}

/// A fault for some requests: by default for the first one that matches, once.
#[derive(Debug, Clone)]
pub struct Rule {
    matcher: Matcher,
    fault: Fault,
    first: usize,
    times: usize,
}

impl Rule {
    pub fn new(matcher: Matcher, fault: Fault) -> Self {
        Self {
            matcher,
            fault,
            first: 1,
            times: 1,
        }
    }

    /// Begins with the n-th request that matches, counted from 1 and from when the rule was added.
    #[must_use]
    pub fn nth(mut self, n: usize) -> Self {
        self.first = n;
        self
    }

    /// Strikes so many requests in a row.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Never stops.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }
}

/// Names a rule that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleId(usize);

/// The rules in the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct Rules {
    list: Vec<(RuleId, Rule, Count)>,
    added: usize,
}

#[derive(Debug, Default, Clone, Copy)]
struct Count {
    matched: usize,
    struck: usize,
}

impl Rules {
    pub(super) fn add(&mut self, rule: Rule) -> RuleId {
        self.added += 1;
        let id = RuleId(self.added);
        self.list.push((id, rule, Count::default()));
        id
    }

    pub(super) fn remove(&mut self, id: RuleId) {
        self.list.retain(|(known, _, _)| *known != id);
    }

    pub(super) fn clear(&mut self) {
        self.list.clear();
    }

    /// How many requests a rule has struck; 0 once it was removed.
    pub(super) fn struck(&self, id: RuleId) -> usize {
        let rule = self.list.iter().find(|(known, _, _)| *known == id);
        rule.map_or(0, |(_, _, count)| count.struck)
    }

    /// The fault that a request meets: that of the first rule whose turn it is. Every rule that matches counts it.
    pub(super) fn meet(&mut self, call: &Call) -> Option<Fault> {
        let mut met = None;
        for (_, rule, count) in &mut self.list {
            if !rule.matcher.matches(call) {
                continue;
            }
            count.matched += 1;
            if met.is_none() && count.matched >= rule.first && count.struck < rule.times {
                count.struck += 1;
                met = Some(rule.fault.clone());
            }
        }
        met
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "/apis/readmit.dev/v1alpha1/accounts/okta-1";
    const STATUS: &str = "/apis/readmit.dev/v1alpha1/namespaces/default/accountunlockrequests/one/status";

    #[test]
    fn a_matcher_means_what_it_says() {
        let put = Call::new("PUT", ACCOUNT, "", b"nonce: abc");
        let patch = Call::new("PATCH", STATUS, "", b"");
        let watch = Call::new("GET", "/apis/readmit.dev/v1alpha1/accounts", "watch=true&x=y", b"");
        let review = Call::new("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", "", b"{}");
        let all = [&put, &patch, &watch, &review];
        let unlocks = "accountunlockrequests";
        for (matcher, expected) in [
            (Matcher::any(), vec![&put, &patch, &watch, &review]),
            (Matcher::writes(), vec![&put, &patch]),
            (Matcher::watches(), vec![&watch]),
            (Matcher::any().method("PUT"), vec![&put]),
            (Matcher::any().resource("accounts"), vec![&put, &watch]),
            (Matcher::writes().resource("accounts"), vec![&put]),
            (Matcher::any().resource(unlocks), vec![]),
            (Matcher::any().resource(unlocks).subresource("status"), vec![&patch]),
            (Matcher::any().subresource("status"), vec![&patch]),
            (Matcher::any().name("one"), vec![&patch]),
            (Matcher::any().path("/apis/readmit.dev/"), vec![&put, &patch, &watch]),
            (Matcher::any().body("abc"), vec![&put]),
        ] {
            let found: Vec<_> = all.into_iter().filter(|call| matcher.matches(call)).collect();
            assert_eq!(found, expected, "{matcher:?}");
        }
    }

    #[test]
    fn rules_strike_in_order_and_each_counts_by_itself() {
        let mut rules = Rules::default();
        let first = rules.add(Rule::new(Matcher::any().method("PUT"), Fault::Lose).nth(2));
        let second = rules.add(Rule::new(Matcher::writes(), Fault::Answer(503)).times(2));
        let put = Call::new("PUT", ACCOUNT, "", b"");
        let met: Vec<_> = (0..5).map(|_| rules.meet(&put)).collect();
        let answer = Some(Fault::Answer(503));
        assert_eq!(met, [answer.clone(), Some(Fault::Lose), answer, None, None]);
        assert_eq!((rules.struck(first), rules.struck(second)), (1, 2));
        rules.remove(second);
        rules.add(Rule::new(Matcher::any(), Fault::LoseReply).always());
        assert_eq!(rules.meet(&put), Some(Fault::LoseReply));
        rules.clear();
        assert_eq!(rules.meet(&put), None);
    }
}
