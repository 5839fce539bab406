//! Which accounts Okta itself protects: whoever holds an administrator role, and the operator's own account.

use super::{
    Okta,
    client::Client,
    errors::Meaning,
    model::{Identified, Role},
    refusal::Refusal,
};
use crate::{
    directory::{Call, recent::Recent},
    domain::account::{Failure, FailureClass, Protection},
};
use std::sync::OnceLock;

/// What is remembered about who is protected.
#[derive(Default)]
pub(super) struct Protections {
    own: OnceLock<String>,
    seen: Recent<Protection>,
}

impl Okta {
    /// Who the operator is, as the system log names it: the id of the account that the API token belongs to, or the
    /// service app's client id, which is no account's.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(super) async fn own_id(&self, call: &Call) -> Result<&str, Failure> {
        if let Some(app) = self.client.credential.client_id() {
            return Ok(app);
        }
        if let Some(own) = self.protections.own.get() {
            return Ok(own);
        }
        let url = self.client.url(&["api", "v1", "users", "me"], &[]);
        let me: Identified = self
            .client
            .get(call, "read own user", url)
            .await
            .map_err(|refusal| refusal.failure)?;
        Ok(self.protections.own.get_or_init(|| me.id))
    }

    /// Whether this account is protected. A look-up that fails is remembered as nothing.
    pub(super) async fn protection(&self, call: &Call, id: &str) -> Protection {
        match self.own_id(call).await {
            Ok(own) if own == id => return Protection::Protected("the API token belongs to this account".into()),
            Ok(_) => {}
            Err(failure) => return Protection::Unknown(format!("the operator's own account: {}", failure.private)),
        }
        if let Some(known) = self.protections.seen.recall(id) {
            return known;
        }
        match roles(&self.client, call, id).await {
            Ok(roles) => {
                let protection = judge(&roles);
                self.protections.seen.remember(id, protection.clone());
                protection
            }
            Err(refusal) => Protection::Unknown(format!("administrator roles: {}", refusal.failure.private)),
        }
    }

    /// Whether roles may be looked up at all: those of the operator's own account, or of any where it has none.
    ///
    /// # Errors
    /// `NeedsConfig` naming the right where they may not; else why the look-up failed.
    pub(super) async fn probe_role_lookup(&self, call: &Call) -> Result<(), Failure> {
        let id = match self.client.credential.client_id() {
            Some(_) => match self.anybody(call).await? {
                Some(id) => id,
                None => return Ok(()),
            },
            None => self.own_id(call).await?.to_owned(),
        };
        match roles(&self.client, call, &id).await {
            Ok(_) => Ok(()),
            Err(refusal) if matches!(refusal.meaning, Some(Meaning::NeedsConfig | Meaning::NotFound)) => {
                let words = "the operator may not look up administrator roles, so nobody could be protected; give the API \
                             token's administrator, or the service app, the right to view administrators and, to an app, \
                             the scope okta.roles.read";
                Err(Failure::new(FailureClass::NeedsConfig, words).detail(refusal.failure.private))
            }
            Err(refusal) => Err(refusal.failure),
        }
    }

    /// The id of some account that may be seen.
    async fn anybody(&self, call: &Call) -> Result<Option<String>, Failure> {
        let url = self.client.url(&["api", "v1", "users"], &[("limit", "1")]);
        let users: Result<Vec<Identified>, Refusal> = self.client.list(call, "find any user", url, 1).await;
        let users = users.map_err(|refusal| refusal.failure)?;
        Ok(users.into_iter().next().map(|user| user.id))
    }
}

/// Roles assigned to a user directly and by groups.
async fn roles(client: &Client, call: &Call, id: &str) -> Result<Vec<Role>, Refusal> {
    client
        .get(
            call,
            "read administrator roles",
            client.url(&["api", "v1", "users", id, "roles"], &[]),
        )
        .await
}

fn judge(roles: &[Role]) -> Protection {
    let kinds: Vec<&str> = roles
        .iter()
        .map(|role| role.kind.as_deref().unwrap_or("unnamed"))
        .collect();
    match kinds.as_slice() {
        [] => Protection::None,
        kinds => Protection::Protected(format!("Okta administrator: {}", kinds.join(", "))),
    }
}
