//! The accounts of the realm that are locked.
//!
//! Keycloak has no public call that lists them: a permanent lock shows on the user, and a temporary one only where the
//! brute-force detection is asked about that very user. A list therefore costs a call for each enabled user and one for
//! every [`PAGE`] users, which is why only realms up to a size are listed. Pages follow Keycloak's own order, that of user
//! names, by offset: who is created or deleted meanwhile can shift somebody past a list, and the next one has them.

use super::{
    Keycloak,
    account::{Surroundings, account},
    model::{BruteForce, User},
};
use crate::{
    directory::{Call, LockedPage},
    domain::account::{AccountRead, Failure, FailureClass, LockState, Protection},
};
use futures::{StreamExt, TryStreamExt, stream};

/// The most users of a realm whose locks are listed.
const MOST_USERS: u64 = 2_000;
/// So many users come with one call.
const PAGE: usize = 50;
/// So many users are asked about at once.
const AT_ONCE: usize = 4;
const NOT_LOOKED_UP: &str = "not looked up in a list";

impl Keycloak {
    /// The page that begins at this user, counted from 0.
    pub(super) async fn list_locked(&self, call: &Call, page: Option<&str>) -> Result<LockedPage, Failure> {
        let first: usize = match page.map(str::parse) {
            None => 0,
            Some(Ok(first)) => first,
            Some(Err(_)) => return Err(Failure::new(FailureClass::Permanent, "a page begins at a number")),
        };
        if first == 0 {
            self.is_small(call).await?;
        }
        let (begin, most) = (first.to_string(), PAGE.to_string());
        let query = [("first", &*begin), ("max", &*most), ("briefRepresentation", "false")];
        let users: Vec<User> = self
            .client
            .get(call, "list users", self.client.url(&["users"], &query))
            .await
            .map_err(|refusal| refusal.failure)?;
        let next = (users.len() >= PAGE).then(|| first.saturating_add(users.len()).to_string());
        let accounts = stream::iter(users.into_iter().map(|user| self.shown(call, user)))
            .buffered(AT_ONCE)
            .try_collect::<Vec<AccountRead>>()
            .await?;
        Ok(LockedPage {
            accounts: accounts
                .into_iter()
                .filter(|account| account.lock != LockState::NotLocked)
                .collect(),
            next,
        })
    }

    /// Whether the realm's users can be asked about one by one.
    async fn is_small(&self, call: &Call) -> Result<(), Failure> {
        let users: u64 = self
            .client
            .get(call, "count users", self.client.url(&["users", "count"], &[]))
            .await
            .map_err(|refusal| refusal.failure)?;
        if users <= MOST_USERS {
            return Ok(());
        }
        let words = format!(
            "Keycloak tells of locks one user at a time, so that only realms of up to {MOST_USERS} users are listed, and \
             this one has {users}"
        );
        Err(Failure::new(FailureClass::Permanent, words))
    }

    /// A user with their lock. Who is disabled is locked for good or not locked: that shows on the user.
    async fn shown(&self, call: &Call, user: User) -> Result<AccountRead, Failure> {
        let brute_force = match user.enabled {
            Some(false) => Ok(BruteForce::default()),
            _ => self.brute_force(call, &user.id).await?,
        };
        let around = Surroundings {
            brute_force,
            password_created: None,
            protection: Protection::Unknown(NOT_LOOKED_UP.into()),
            groups: Err(NOT_LOOKED_UP.into()),
            source: None,
        };
        Ok(account(user, around))
    }
}
