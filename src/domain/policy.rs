//! Which AccountPolicy a request runs under, and whether its rules admit it.
//!
//! Error is never denial: a rule that cannot be evaluated, a policy or Directory that is not ready and a right that
//! could not be asked for make the request wait. `use` comes first: without it nothing is looked up upstream, and
//! nothing about a policy is told.

use crate::{
    api::{AccountPolicySpec, Action, Method, Reason, Span, request_status::PolicyReference},
    domain::{
        account::{AccountRead, Protection},
        cel::{Input, Verdict},
        decision::Fact,
        limits,
        observed::{DirectoryView, Observed},
        person,
        request::{Ask, Request},
        rule::Rule,
        selector,
    },
};
use jiff::Timestamp;
use std::sync::Arc;

/// An AccountPolicy with its expressions compiled.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its name, uid and generation.
    pub reference: PolicyReference,
    /// Its spec.
    pub spec: AccountPolicySpec,
    /// `spec.requester`, compiled.
    pub requester: Vec<Rule>,
    /// `spec.accounts`, compiled.
    pub accounts: Vec<Rule>,
    /// Why it is not ready: an expression that does not compile, with its place.
    pub problem: Option<String>,
}

/// What the policies say to a request.
#[derive(Clone, Debug)]
pub enum Selection {
    /// This must be known first.
    Gather(Fact),
    /// This policy permits it.
    Permit(Arc<Policy>),
    /// Rules said no: each policy that the requester may use, and its failing rule.
    Deny(String),
    /// It cannot be decided yet.
    Wait(Reason, String),
}

/// One policy's word.
enum Word {
    Gather(Fact),
    Permit,
    Deny(String),
    NotYet(Reason, String),
}

impl Policy {
    /// Whether its limits speak of this action.
    pub fn limits(&self, action: Action) -> bool {
        limits::speak_of(&self.spec.limits, action)
    }

    /// Whether this policy speaks of the request's action and Directory at all.
    fn covers(&self, request: &Request) -> bool {
        self.spec.actions.contains(&request.action()) && self.spec.directories.contains(&request.directory)
    }
}

/// How long the request may live at most, after its creation. A policy that the requester may not use, or of which
/// that is not known yet, has no say: the time of the end would tell that it is there.
pub fn validity(observed: &Observed) -> Span {
    let (request, progress) = (observed.request, observed.progress);
    let claimed = progress.claim.as_ref().map(|seen| &seen.claim.policy);
    let acting = progress.target.as_ref().and_then(|target| target.policy.as_ref());
    let done = progress.outstanding.as_ref().and_then(|ending| ending.policy.as_ref());
    let applied = claimed.or(acting).or(done).or(request.status.policy.as_ref());
    let policies = observed.policies.iter();
    match applied {
        Some(applied) => policies
            .filter(|policy| policy.reference.name == applied.name)
            .map(|policy| policy.spec.max_validity)
            .max(),
        None => policies
            .filter(|policy| match &request.policy {
                Some(name) => policy.reference.name == *name,
                None => policy.covers(request),
            })
            .filter(|policy| observed.facts.may_use.get(&policy.reference.name) == Some(&true))
            .map(|policy| policy.spec.max_validity)
            .max(),
    }
    .unwrap_or(Span::from_hours(24))
    .min(Span::from_hours(720))
}

/// An account, and the Directory that holds it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The Directory.
    pub directory: &'a DirectoryView,
    /// The account.
    pub account: &'a AccountRead,
}

/// Selects the policy: the named one, or the first in name order whose rules admit every one of these accounts: the one
/// that the request names, and the one that is acted on. Accounts are looked at only when rules that do not need one have
/// admitted.
pub fn select(now: Timestamp, observed: &Observed, subjects: &[Subject]) -> Selection {
    let candidates = match candidates(observed) {
        Ok(candidates) => candidates,
        Err(selection) => return selection,
    };
    let (mut denials, mut pending) = (Vec::new(), None);
    for policy in candidates {
        match word(now, observed, &policy, subjects) {
            Word::Gather(fact) => return Selection::Gather(fact),
            Word::Permit => return Selection::Permit(policy),
            Word::Deny(why) => denials.push(format!("policy {}: {why}", policy.reference.name)),
            Word::NotYet(reason, message) => pending = pending.or(Some((reason, message))),
        }
    }
    match pending {
        Some((reason, message)) => Selection::Wait(reason, message),
        None => Selection::Deny(denials.join("; ")),
    }
}

/// The policies to ask, all of which the requester may use.
fn candidates(observed: &Observed) -> Result<Vec<Arc<Policy>>, Selection> {
    let request = observed.request;
    if let Some(name) = &request.policy {
        return match observed.facts.may_use.get(name) {
            None => Err(Selection::Gather(Fact::MayUse(name.clone()))),
            Some(false) => Err(not_allowed(name)),
            Some(true) => match observed.policies.iter().find(|policy| policy.reference.name == *name) {
                Some(policy) => Ok(vec![policy.clone()]),
                None => Err(Selection::Wait(
                    Reason::PolicyNotFound,
                    format!(
                        "AccountPolicy {name} does not exist; create it, or create the request anew without spec.policy"
                    ),
                )),
            },
        };
    }
    let mut usable = Vec::new();
    for policy in observed.policies.iter().filter(|policy| policy.covers(request)) {
        match observed.facts.may_use.get(&policy.reference.name) {
            None => return Err(Selection::Gather(Fact::MayUse(policy.reference.name.clone()))),
            Some(true) => usable.push(policy.clone()),
            Some(false) => {}
        }
    }
    match (usable.is_empty(), observed.facts.may_use_any) {
        (false, _) => Ok(usable),
        (true, None) => Err(Selection::Gather(Fact::MayUseAny)),
        (true, Some(true)) => Err(Selection::Wait(
            Reason::NoPolicy,
            format!(
                "no AccountPolicy allows {} in directory {}; create one, see examples/hello.yaml",
                request.action(),
                request.directory
            ),
        )),
        (true, Some(false)) => Err(Selection::Wait(
            Reason::NotAllowedToUse,
            "there is no AccountPolicy for this that you may use; ask your platform team for the verb use on one"
                .into(),
        )),
    }
}

fn not_allowed(name: &str) -> Selection {
    Selection::Wait(
        Reason::NotAllowedToUse,
        format!("you lack the verb use on accountpolicies.readmit.dev {name}; ask your platform team for it"),
    )
}

/// What one policy says, rules that do not need the account first.
fn word(now: Timestamp, observed: &Observed, policy: &Policy, subjects: &[Subject]) -> Word {
    let request = observed.request;
    if let Some(problem) = &policy.problem {
        return Word::NotYet(
            Reason::PolicyNotReady,
            format!("AccountPolicy {} is not ready: {problem}", policy.reference.name),
        );
    }
    if let Some(word) = namespaces(observed, policy) {
        return word;
    }
    if let Some(why) = settings_refusal(request, policy) {
        return Word::Deny(why);
    }
    // Evaluated without the account first: a rule that needs none must not cause a look-up upstream.
    let early = policy.requester.iter().filter(|rule| !rule.uses_account());
    if let Some(word) = rules(early, || Input::new(&request.facts(), &request.requester, None, now)) {
        return word;
    }
    if subjects.is_empty() {
        return Word::Gather(Fact::Find {
            directory: request.directory.clone(),
            key: request.account.clone(),
        });
    }
    let mut words = subjects.iter().map(|subject| about(now, request, policy, subject));
    words.find_map(|word| word).unwrap_or(Word::Permit)
}

/// What a policy says against one account.
fn about(now: Timestamp, request: &Request, policy: &Policy, subject: &Subject) -> Option<Word> {
    let Subject { directory, account } = *subject;
    if !policy.spec.directories.contains(&directory.name) {
        return Some(Word::Deny(format!(
            "it does not cover directory {}, where the account's credentials live",
            directory.name
        )));
    }
    let late = policy
        .requester
        .iter()
        .filter(|rule| rule.uses_account())
        .chain(&policy.accounts);
    let account_here = Some((directory.name.as_str(), account));
    let input = || Input::new(&request.facts(), &request.requester, account_here, now);
    if let Some(word) = rules(late, input) {
        return Some(word);
    }
    let own = person::is_same(request.username(), &directory.username_prefix, account);
    (own && !policy.spec.self_service)
        .then(|| Word::Deny("nobody may ask for their own account; somebody else must".into()))
}

fn namespaces(observed: &Observed, policy: &Policy) -> Option<Word> {
    let selector = policy.spec.namespaces.as_ref()?;
    let Some(labels) = &observed.facts.namespace_labels else {
        return Some(Word::Gather(Fact::NamespaceLabels));
    };
    (!selector::matches(selector, labels))
        .then(|| Word::Deny(format!("it does not serve namespace {}", observed.request.namespace)))
}

/// What the policy's plain settings say against the request.
fn settings_refusal(request: &Request, policy: &Policy) -> Option<String> {
    let spec = &policy.spec;
    if !spec.actions.contains(&request.action()) {
        return Some(format!("it does not allow {}", request.action()));
    }
    if !spec.directories.contains(&request.directory) {
        return Some(format!("it does not cover directory {}", request.directory));
    }
    if request.by_service_account() && !spec.service_accounts {
        return Some("service accounts may not ask under it; the policy must set serviceAccounts: true".into());
    }
    let Ask::Reset { method, recipients, .. } = &request.ask else {
        return None;
    };
    if !spec.password.methods.contains(method) {
        let allowed = spec
            .password
            .methods
            .iter()
            .map(|method| method.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        return Some(format!("it does not allow method {method}; choose one of {allowed}"));
    }
    if *method == Method::TemporaryPassword && !recipients.is_empty() {
        if request.by_service_account() {
            return Some("service accounts may not name recipients; remove spec.recipients".into());
        }
        if !spec.password.allow_request_recipients {
            return Some("it does not allow spec.recipients; remove them, the policy's own are used".into());
        }
    }
    None
}

/// The first word that is not yes. What rules are about is put together only where there is one: most policies have none,
/// and they are asked several times a request.
fn rules<'a>(rules: impl Iterator<Item = &'a Rule>, input: impl FnOnce() -> Input) -> Option<Word> {
    let mut rules = rules.peekable();
    rules.peek()?;
    let input = input();
    for rule in rules {
        match rule.evaluate(&input) {
            Verdict::True => {}
            Verdict::False => return Some(Word::Deny(rule.refusal())),
            Verdict::Missing(name) => return Some(Word::Deny(format!("{} is not set; {}", name, rule.refusal()))),
            Verdict::Error(why) => {
                return Some(Word::NotYet(
                    Reason::PolicyNotReady,
                    format!("rule {:?} cannot be evaluated: {why}", rule.source()),
                ));
            }
        }
    }
    None
}

/// Whether the Directory protects the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protected {
    /// It does not.
    No,
    /// It does; the reason is for those who may inspect the Directory.
    Yes(String),
    /// That could not be found out: nothing is done until it can.
    Unknown(String),
}

/// Whether upstream or the Directory's own list protects the account.
pub fn protection(now: Timestamp, request: &Request, subject: &Subject) -> Protected {
    let Subject { directory, account } = *subject;
    match &account.protection {
        Protection::Protected(why) => return Protected::Yes(why.clone()),
        Protection::Unknown(why) => return Protected::Unknown(why.clone()),
        Protection::None => {}
    }
    if directory.protected.is_empty() {
        return Protected::No;
    }
    let here = Some((directory.name.as_str(), account));
    let input = Input::new(&request.facts(), &request.requester, here, now);
    for rule in &directory.protected {
        match rule.evaluate(&input) {
            Verdict::False => {}
            Verdict::True => return Protected::Yes(rule.refusal()),
            // Who is protected must be known for certain: a rule about an attribute that is not there fails closed.
            Verdict::Missing(name) => {
                return Protected::Yes(format!("{name} is not set, and a rule of the Directory needs it"));
            }
            Verdict::Error(why) => return Protected::Unknown(why),
        }
    }
    Protected::No
}
