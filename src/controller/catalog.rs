//! The AccountPolicies, compiled once when they change, in name order.

use super::{
    context::Context,
    follow::{self, Change},
    record,
};
use crate::{
    api::{AccountPolicy, AccountPolicySpec, common::PolicyRule, request_status::PolicyReference},
    domain::{policy::Policy, rule::Rule},
};
use kube::{Api, ResourceExt};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

/// The policies in force.
#[derive(Default)]
pub struct Catalog {
    /// In name order.
    policies: RwLock<Arc<[Arc<Policy>]>>,
    by_name: Mutex<BTreeMap<String, Entry>>,
}

/// A policy, and the object that it was compiled from.
struct Entry {
    policy: Arc<Policy>,
    object: Arc<AccountPolicy>,
}

impl Catalog {
    /// Every policy, in name order.
    pub fn policies(&self) -> Arc<[Arc<Policy>]> {
        self.policies.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a rule of a policy that covers this Directory uses groups.
    pub fn uses_groups(&self, directory: &str) -> bool {
        self.policies().iter().any(|policy| {
            policy.spec.directories.iter().any(|name| name == directory)
                && policy.requester.iter().chain(&policy.accounts).any(Rule::uses_groups)
        })
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Entry>)) {
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut by_name);
        let policies = by_name.values().map(|entry| entry.policy.clone()).collect();
        *self.policies.write().unwrap_or_else(PoisonError::into_inner) = policies;
    }

    /// Tells of every policy whether it is ready, where that is news: what changed before this replica led was not told.
    pub async fn publish(&self, context: &Context) {
        let entries: Vec<(Arc<AccountPolicy>, Arc<Policy>)> = {
            let by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
            by_name
                .values()
                .map(|entry| (entry.object.clone(), entry.policy.clone()))
                .collect()
        };
        for (object, policy) in entries {
            record::policy(context, &object, policy.problem.clone()).await;
        }
    }
}

/// Follows the AccountPolicies until the operator stops.
pub async fn run(context: Arc<Context>) {
    let api = Api::<AccountPolicy>::all(context.watching.clone());
    let stop = context.stop.clone();
    let mut complete = false;
    follow::follow(api, follow::config(), stop, "accountpolicies", |change| {
        match change {
            Change::Here(object) => {
                let (policy, object) = (Arc::new(compile(&object)), Arc::new(object));
                let (context, told, problem) = (context.clone(), object.clone(), policy.problem.clone());
                context.catalog.change(|policies| {
                    policies.insert(object.name_any(), Entry { policy, object });
                });
                tokio::spawn(async move { record::policy(&context, &told, problem).await });
            }
            Change::Gone(name) => context.catalog.change(|policies| {
                policies.remove(&name);
            }),
            Change::Complete => {
                complete = true;
                context.caches.policies.set();
            }
        }
        if complete {
            context.directories.nudge(&context.catalog);
            context.woken.wake();
        }
    })
    .await;
}

fn compile(object: &AccountPolicy) -> Policy {
    let spec = &object.spec;
    let (requester, accounts) = (rules("requester", &spec.requester), rules("accounts", &spec.accounts));
    let problem = [&requester, &accounts]
        .into_iter()
        .find_map(|rules| rules.as_ref().err().cloned());
    Policy {
        reference: PolicyReference {
            name: object.name_any(),
            uid: object.uid().unwrap_or_default(),
            generation: object.metadata.generation.unwrap_or_default(),
        },
        problem: problem.or_else(|| recipients_problem(spec)),
        spec: spec.clone(),
        requester: requester.unwrap_or_default(),
        accounts: accounts.unwrap_or_default(),
    }
}

/// A recipient that nothing can be sealed to is known before anybody asks.
fn recipients_problem(spec: &AccountPolicySpec) -> Option<String> {
    let recipients = &spec.password.recipients;
    if recipients.is_empty() {
        return None;
    }
    crate::seal::parse_recipients(recipients)
        .err()
        .map(|error| format!("spec.password.recipients: {error}"))
}

/// The rules compiled, or which one does not and where.
pub fn rules(field: &str, rules: &[PolicyRule]) -> Result<Vec<Rule>, String> {
    rules
        .iter()
        .enumerate()
        .map(|(index, rule)| Rule::compile(rule).map_err(|error| format!("spec.{field}[{index}].expression: {error}")))
        .collect()
}
