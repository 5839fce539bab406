//! People at the sign-in page.

use serde::{Deserialize, Serialize};

use super::tenant::{Context, Cxone, HubStatus};

/// What came of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum SignIn {
    Success,
    /// Name or password is wrong, or the account is locked or inactive: the page does not say which.
    Refused,
    /// The password is right and must be changed first.
    MustChange,
}

impl Cxone {
    /// Signs somebody in; with `new_password` one that must be changed is changed on the way.
    pub(super) fn sign_in(
        &mut self,
        context: &mut Context,
        name: &str,
        password: &str,
        new_password: Option<&str>,
    ) -> SignIn {
        let Some(agent) = self.agent(name).cloned() else {
            return SignIn::Refused;
        };
        let (now, limit) = (context.now, self.settings.lock_after);
        if !agent.password.matches(password) {
            self.edit(context, agent.agent_id, |agent| {
                agent.failures += 1;
                agent.locked |= agent.failures >= limit;
            });
            return SignIn::Refused;
        }
        if agent.locked || !agent.active || agent.status != HubStatus::Active {
            return SignIn::Refused;
        }
        if agent.must_change() && new_password.is_none() {
            return SignIn::MustChange;
        }
        self.edit(context, agent.agent_id, |agent| {
            (agent.failures, agent.last_login, agent.unlocked) = (0, Some(now), None);
            if let Some(new) = new_password.filter(|_| agent.must_change()) {
                agent.password.set(new, now, false);
            }
        });
        SignIn::Success
    }
}
