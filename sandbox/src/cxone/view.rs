//! What a test sees of a tenant and does to it, besides calling its API.

use anyhow::Context as _;

use super::quirks::Quirk;
use super::seed::Person;
use super::signin::SignIn;
use super::tenant::{AccessKey, Agent, Context, Cxone, Settings};
use crate::shared::Shared;

/// The tenant of a running sandbox.
#[derive(Debug, Clone, Copy)]
pub struct Tenant<'a> {
    shared: &'a Shared,
}

impl<'a> Tenant<'a> {
    /// The tenant behind these listeners.
    pub fn new(shared: &'a Shared) -> Self {
        Self { shared }
    }

    fn with<T>(&self, operation: &str, action: impl FnOnce(&mut Cxone, &mut Context) -> T) -> T {
        self.shared.control_of(operation, |tenant: &mut Cxone, now| {
            let mut context = Context::new(now);
            let result = action(tenant, &mut context);
            (result, context.effects)
        })
    }

    /// An agent, by number, UUID or user name.
    pub fn agent(&self, key: &str) -> Option<Agent> {
        self.shared.service::<Cxone>().agent(key).cloned()
    }

    /// Locks somebody as if by wrong sign-ins.
    ///
    /// # Errors
    /// When there is no such agent.
    pub fn lock(&self, key: &str) -> anyhow::Result<()> {
        self.change("lock", key, |agent| (agent.locked, agent.unlocked) = (true, None))
    }

    /// An administrator clears a lock in the console: Admin, Security Settings, Locked Employees, Unlock User.
    ///
    /// # Errors
    /// When there is no such agent.
    pub fn unlock(&self, key: &str) -> anyhow::Result<()> {
        let now = self.shared.clock.now();
        self.change("unlock by hand", key, |agent| {
            (agent.locked, agent.failures, agent.unlocked) = (false, 0, Some(now));
        })
    }

    /// Changes an agent behind the API's back.
    ///
    /// # Errors
    /// When there is no such agent.
    pub fn change(&self, operation: &str, key: &str, change: impl FnOnce(&mut Agent)) -> anyhow::Result<()> {
        self.with(operation, |tenant, context| {
            let agent = tenant.agent(key).with_context(|| format!("there is no agent {key}"))?;
            let id = agent.agent_id;
            tenant.edit(context, id, change);
            Ok(())
        })
    }

    /// Signs a person in; with `new_password` one that must be changed is changed on the way.
    pub fn sign_in(&self, name: &str, password: &str, new_password: Option<&str>) -> SignIn {
        self.with("sign-in", |tenant, context| {
            tenant.sign_in(context, name, password, new_password)
        })
    }

    /// Adds somebody; answers the agent's number.
    pub fn add(&self, person: &Person) -> u64 {
        self.with("add", |tenant, context| tenant.add(context, person))
    }

    /// Adds an access key.
    pub fn add_key(&self, key: AccessKey) {
        self.shared.service::<Cxone>().keys.push(key);
    }

    /// Registers an application, in the place of the one before.
    pub fn register(&self, id: &str, secret: &str) {
        self.shared.service::<Cxone>().client = (id.to_owned(), secret.to_owned());
    }

    /// Makes every token invalid.
    pub fn revoke_tokens(&self) {
        self.shared.service::<Cxone>().grants.clear();
    }

    /// Changes settings.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.shared.service::<Cxone>().settings);
    }

    /// Turns a quirk on or off.
    pub fn set_quirk(&self, quirk: Quirk, on: bool) {
        self.configure(|settings| settings.quirks.set(quirk, on));
    }
}
