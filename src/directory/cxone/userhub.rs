//! What UserHub says of a person: the status, which the Admin API does not show, and the roles. And who is protected.

use super::{
    Cxone,
    client::{Api, Ask, Refusal},
    errors::Meaning,
    model::{Agent, HubUser},
};
use crate::{
    directory::Call,
    domain::account::{Failure, FailureClass, Protection},
};
use reqwest::Method;

/// What UserHub said, or why it says nothing: a tenant without UserHub, or without the right to read it.
pub(super) type Hub = Result<HubUser, String>;

impl Cxone {
    /// A person as UserHub shows it.
    ///
    /// # Errors
    /// Where it cannot be asked at the moment. A missing right is a value.
    pub(super) async fn hub_user(&self, call: &Call, agent: &Agent) -> Result<Hub, Refusal> {
        const OPERATION: &str = "read user";
        let Some(id) = agent.user_id() else {
            return Ok(Err("CXone does not show the agent's userID".into()));
        };
        let ask = Ask {
            operation: OPERATION,
            api: Api::UserHub,
            method: Method::GET,
            path: &["users", id],
            query: &[],
            secret: None,
        };
        match self.client.ask(call, ask).await {
            Ok(reply) => match HubUser::of(&reply.body, id) {
                Some(user) => Ok(Ok(user)),
                None => Err(Refusal::not_understood(OPERATION)),
            },
            Err(refusal) => match refusal.meaning {
                Some(Meaning::NeedsConfig) => Ok(Err(
                    "UserHub is forbidden to the operator's user; grant its role the right to view users".into(),
                )),
                Some(Meaning::NotFound) => Ok(Err("UserHub does not know the person, or there is no UserHub".into())),
                _ => Err(refusal),
            },
        }
    }

    /// Holders of an administrator's role are protected, and the API user itself. Roles that are not shown count as
    /// protected.
    pub(super) fn protection(&self, agent: &Agent, hub: &Hub) -> Protection {
        let own = agent
            .text("userName")
            .map(|name| name.eq_ignore_ascii_case(&self.spec.username));
        match own {
            Some(true) => return Protection::Protected("it is the account that the operator itself uses".into()),
            Some(false) => {}
            None => return Protection::Unknown("CXone does not show the agent's user name".into()),
        }
        if self.spec.administrator_roles.is_empty() {
            return Protection::None;
        }
        let roles = match hub {
            Ok(HubUser { roles: Some(roles), .. }) => roles,
            Ok(_) => return Protection::Unknown("UserHub does not show the person's role".into()),
            Err(why) => return Protection::Unknown(why.clone()),
        };
        let is = |role: &&String| {
            let mut listed = self.spec.administrator_roles.iter();
            listed.any(|listed| listed.eq_ignore_ascii_case(role))
        };
        match roles.iter().find(is) {
            Some(role) => Protection::Protected(format!("holds the role {role} in CXone")),
            None => Protection::None,
        }
    }

    /// Whether roles can be looked up, tried on the operator's own user: without that everybody would count as protected.
    ///
    /// # Errors
    /// `NeedsConfig` naming the right.
    pub(super) async fn probe_roles(&self, call: &Call, own: &Agent) -> Result<(), Failure> {
        if self.spec.administrator_roles.is_empty() {
            return Ok(());
        }
        let words = |why: &str| {
            let words = format!(
                "roles cannot be looked up, so that nobody could be told from an administrator: {why}; where the tenant has no \
                 UserHub, set administratorRoles: [] and list administrators in protectedAccounts"
            );
            Failure::new(FailureClass::NeedsConfig, words)
        };
        match self.hub_user(call, own).await.map_err(|refusal| refusal.failure)? {
            Ok(HubUser { roles: Some(_), .. }) => Ok(()),
            Ok(_) => Err(words("UserHub does not show the person's role")),
            Err(why) => Err(words(&why)),
        }
    }
}
