//! Finding exactly one account, and reading one.
//!
//! A look-up by name must say `exact`: without it Keycloak takes the text for a part of a name. What comes back is
//! compared with what was asked all the same.

use super::{
    Keycloak,
    account::{Surroundings, account, with_parents},
    client::Refusal,
    errors::Meaning,
    is_id,
    model::{BruteForce, Component, Credential, Group, User},
};
use crate::{
    api::common::AccountSelector,
    directory::{Call, wanted::Wanted},
    domain::account::{AccountRead, Failure, ReadFailure},
};

/// The source of a federated account whose store could not be looked up: not here, to be safe.
const UNKNOWN_STORE: &str = "FEDERATED";

impl Keycloak {
    /// Finds exactly one account by what somebody named it.
    ///
    /// # Errors
    /// Where none or several match, or that cannot be told.
    pub(super) async fn find_account(&self, call: &Call, key: &AccountSelector) -> Result<AccountRead, ReadFailure> {
        let user = match Wanted::try_from(key)? {
            Wanted::Id(id) => self.user(call, id).await?,
            Wanted::Login(login) => {
                self.user_by(call, "username", login, |user| user.username.as_deref())
                    .await?
            }
            Wanted::Email(email) => self.user_by(call, "email", email, |user| user.email.as_deref()).await?,
        };
        self.complete(call, user).await
    }

    /// Reads an account by its immutable id.
    ///
    /// # Errors
    /// Where there is none, or it cannot be read.
    pub(super) async fn read_account(&self, call: &Call, id: &str) -> Result<AccountRead, ReadFailure> {
        let user = self.user(call, id).await?;
        self.complete(call, user).await
    }

    /// Reads one user by id. Anything that is not an id is not looked up.
    pub(super) async fn user(&self, call: &Call, id: &str) -> Result<User, ReadFailure> {
        if !is_id(id) {
            return Err(ReadFailure::NotFound);
        }
        let user: User = self
            .client
            .get(call, "read user", self.client.url(&["users", id], &[]))
            .await?;
        if user.id == id {
            Ok(user)
        } else {
            Err(ReadFailure::NotFound)
        }
    }

    /// The one user with this name or address. A realm may allow two with one address: that names neither.
    async fn user_by(
        &self,
        call: &Call,
        by: &str,
        value: &str,
        field: impl Fn(&User) -> Option<&str>,
    ) -> Result<User, ReadFailure> {
        let query = [
            (by, value),
            ("exact", "true"),
            ("briefRepresentation", "false"),
            ("max", "3"),
        ];
        let users: Vec<User> = self
            .client
            .get(call, "find user", self.client.url(&["users"], &query))
            .await?;
        let is_same = |user: &User| field(user).is_some_and(|had| had.to_lowercase() == value.to_lowercase());
        let mut matching = users.into_iter().filter(is_same);
        match (matching.next(), matching.next()) {
            (Some(user), None) => Ok(user),
            (Some(_), Some(_)) => Err(ReadFailure::Ambiguous),
            (None, _) => Err(ReadFailure::NotFound),
        }
    }

    async fn complete(&self, call: &Call, user: User) -> Result<AccountRead, ReadFailure> {
        let (brute_force, password_created, protection, groups, source) = tokio::join!(
            self.brute_force(call, &user.id),
            self.password_created(call, &user.id),
            self.protection(call, &user.id),
            self.groups(call, &user.id),
            self.source(call, &user)
        );
        let around = Surroundings {
            brute_force: brute_force?,
            password_created: password_created.map_err(|refusal| refusal.failure)?,
            protection,
            groups,
            source,
        };
        Ok(account(user, around))
    }

    /// The brute-force detection's record. A right that is missing is a fact about the account; a call that failed is
    /// not. The user must have been read before: of one that does not exist it says that nothing is counted.
    pub(super) async fn brute_force(&self, call: &Call, id: &str) -> Result<Result<BruteForce, String>, Failure> {
        let url = self.client.url(&["attack-detection", "brute-force", "users", id], &[]);
        match self.client.get(call, "read failed sign-ins", url).await {
            Ok(record) => Ok(Ok(record)),
            Err(refusal) if refusal.meaning == Some(Meaning::NeedsConfig) => Ok(Err(refusal.failure.public)),
            Err(refusal) => Err(refusal.failure),
        }
    }

    /// When the password credential was made, in milliseconds since 1970. An account whose password is kept in
    /// another store has none here.
    pub(super) async fn password_created(&self, call: &Call, id: &str) -> Result<Option<i64>, Refusal> {
        let url = self.client.url(&["users", id, "credentials"], &[]);
        let credentials: Vec<Credential> = self.client.get(call, "read credentials", url).await?;
        let passwords = credentials
            .iter()
            .filter(|credential| credential.kind.as_deref() == Some("password"));
        Ok(passwords
            .filter_map(|password| password.created_date)
            .filter(|created| *created > 0)
            .max())
    }

    async fn groups(&self, call: &Call, id: &str) -> Result<Vec<String>, String> {
        if !self.read_groups {
            return Err("groups are read only where a rule uses them".into());
        }
        let url = self
            .client
            .url(&["users", id, "groups"], &[("briefRepresentation", "true")]);
        let groups: Result<Vec<Group>, Refusal> = self.client.get(call, "read groups", url).await;
        groups
            .map(|groups| with_parents(&groups))
            .map_err(|refusal| refusal.failure.public)
    }

    /// Which kind of store federates the account: `ldap`, `kerberos`, or the word of an extension.
    async fn source(&self, call: &Call, user: &User) -> Option<String> {
        let component = user.federation_link.as_deref().filter(|link| !link.is_empty())?;
        let url = match is_id(component) {
            true => self.client.url(&["components", component], &[]),
            false => return Some(UNKNOWN_STORE.into()),
        };
        let component: Option<Component> = self.client.get(call, "read user storage", url).await.ok();
        let kind = component.and_then(|component| component.provider_id);
        Some(kind.unwrap_or_else(|| UNKNOWN_STORE.to_owned()))
    }
}
