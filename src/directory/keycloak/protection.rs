//! Which accounts Keycloak itself protects: whoever has a role of the client `realm-management`, however they came by
//! it, and the operator's own service account.
//!
//! Who may not view clients is shown role mappings all the same, without those of clients: an administrator looks like
//! anybody. So the effective roles are asked of the client itself, where a missing right is an error.

use super::{
    Keycloak,
    client::Refusal,
    errors::Meaning,
    model::{ClientEntry, Role},
};
use crate::{
    directory::Call,
    domain::account::{Failure, FailureClass, Protection},
};

/// The client whose roles make administrators of a realm.
const MANAGEMENT: &str = "realm-management";
/// What the operator's own service account must have. Whoever manages users may view them.
const NEEDED: [&str; 1] = ["manage-users"];

impl Keycloak {
    /// Whether this account is protected. A look-up that fails is not remembered.
    pub(super) async fn protection(&self, call: &Call, id: &str) -> Protection {
        match self.client.own_id(call).await {
            Ok(own) if own == id => return Protection::Protected("the operator's own service account".into()),
            Ok(_) => {}
            Err(failure) => return Protection::Unknown(format!("the operator's own account: {}", failure.private)),
        }
        if let Some(known) = self.protections.recall(id) {
            return known;
        }
        let protection = match self.administrator_roles(call, id).await {
            Ok(roles) if roles.is_empty() => Protection::None,
            Ok(roles) => Protection::Protected(format!("administrator of the realm: {}", roles.join(", "))),
            Err(failure) => return Protection::Unknown(format!("administrator roles: {}", failure.private)),
        };
        self.protections.remember(id, protection.clone());
        protection
    }

    /// Whether roles may be looked up, and whether our own suffice.
    ///
    /// # Errors
    /// `NeedsConfig` naming the right that is missing; else why the look-up failed.
    pub(super) async fn probe_roles(&self, call: &Call) -> Result<(), Failure> {
        let own = self.client.own_id(call).await?;
        // Asked anew with every probe: the right may have been taken away.
        self.find_management(call).await?;
        let roles = self.administrator_roles(call, &own).await?;
        match NEEDED.iter().find(|needed| !roles.iter().any(|role| role == *needed)) {
            Some(missing) => Err(lacks(missing)),
            None => Ok(()),
        }
    }

    /// The roles of `realm-management` that an account has: its own, those of its groups, those within others.
    async fn administrator_roles(&self, call: &Call, id: &str) -> Result<Vec<String>, Failure> {
        let management = self.management.get_or_try_init(|| self.find_management(call)).await?;
        let url = self
            .client
            .url(&["users", id, "role-mappings", "clients", management, "composite"], &[]);
        let roles: Vec<Role> = self
            .client
            .get(call, "read administrator roles", url)
            .await
            .map_err(|refusal| forbidden(refusal, "manage-users"))?;
        Ok(roles.into_iter().map(|role| role.name).collect())
    }

    /// Who may query but not view clients is shown an empty list.
    async fn find_management(&self, call: &Call) -> Result<String, Failure> {
        let url = self.client.url(&["clients"], &[("clientId", MANAGEMENT)]);
        let clients: Vec<ClientEntry> = self
            .client
            .get(call, "find realm-management", url)
            .await
            .map_err(|refusal| forbidden(refusal, "view-clients"))?;
        let mut matching = clients
            .into_iter()
            .filter(|client| client.client_id.as_deref() == Some(MANAGEMENT));
        matching
            .next()
            .map(|client| client.id)
            .ok_or_else(|| lacks("view-clients"))
    }
}

/// The failure of a look-up that needs this role.
fn forbidden(refusal: Refusal, role: &str) -> Failure {
    match refusal.meaning {
        Some(Meaning::NeedsConfig) => lacks(role).detail(refusal.failure.private),
        _ => refusal.failure,
    }
}

/// That the service account lacks a role.
pub(super) fn lacks(role: &str) -> Failure {
    let why = match role {
        "view-clients" => "administrators cannot be told from others",
        "view-realm" => "the realm's id and settings cannot be read",
        _ => "nothing can be changed",
    };
    let words = format!(
        "the client's service account lacks the role {role} of {MANAGEMENT}, so that {why}; assign it in the client's \
         service account roles"
    );
    Failure::new(FailureClass::NeedsConfig, words)
}
