//! Locks that are shown on Account objects. An account with an open claim is left alone: whoever acts under the claim
//! must find the object as it was.

use super::{Accounts, WriteError};
use crate::{
    api::{Account, AccountFields, DIRECTORY_LABEL, account::AccountLockout},
    domain::{ledger, observed::LedgerSeen},
    failpoint::Place,
};
use kube::api::{ListParams, ObjectMeta};

/// Whether the object now stands as it was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Stands {
    /// It does.
    Yes,
    /// Somebody acts on the account, or wrote it meanwhile: look again later.
    Later,
}

impl Stands {
    /// Whether both do.
    pub fn and(self, other: Stands) -> Stands {
        match (self, other) {
            (Stands::Yes, Stands::Yes) => Stands::Yes,
            _ => Stands::Later,
        }
    }
}

impl Accounts {
    /// The objects that show a lock for this Directory.
    ///
    /// # Errors
    /// The API server could not be read.
    pub async fn listed_by(&self, directory: &str) -> Result<Vec<Account>, kube::Error> {
        let mut list = ListParams::default()
            .labels(&format!("{DIRECTORY_LABEL}={directory}"))
            .limit(500);
        let mut accounts = Vec::new();
        loop {
            let page = self.api.list(&list).await?;
            accounts.extend(page.items);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => list = list.continue_token(&token),
                None => return Ok(accounts),
            }
        }
    }

    /// Shows a lock on the object of an account, which is created where it is missing. Where another Directory of the
    /// same upstream shows one already, that stays.
    ///
    /// # Errors
    /// The API server did not answer, or refused.
    pub async fn show_lockout(
        &self,
        name: &str,
        (provider, upstream, id): (&str, &str, &str),
        lockout: &AccountLockout,
    ) -> Result<Stands, kube::Error> {
        let _turn = self.turn(name).await;
        let seen = self.read(name).await?;
        let mut fields = seen.fields.clone().unwrap_or_else(|| AccountFields {
            provider: provider.to_owned(),
            upstream: upstream.to_owned(),
            id: id.to_owned(),
            lockout: None,
            ledger: Vec::new(),
        });
        let others = |shown: &AccountLockout| shown.directory != lockout.directory;
        if fields
            .lockout
            .as_ref()
            .is_some_and(|shown| shown == lockout || others(shown))
        {
            return Ok(Stands::Yes);
        }
        fields.lockout = Some(lockout.clone());
        self.rewrite(seen, fields).await
    }

    /// Shows a lock no more; an object without a ledger goes.
    ///
    /// # Errors
    /// The API server did not answer, or refused.
    pub async fn clear_lockout(&self, name: &str, directory: &str) -> Result<Stands, kube::Error> {
        let _turn = self.turn(name).await;
        self.note(name, true);
        let seen = self.read(name).await?;
        let Some(mut fields) = seen.fields.clone() else {
            return Ok(Stands::Yes);
        };
        if fields.lockout.as_ref().is_none_or(|shown| shown.directory != directory) {
            return Ok(Stands::Yes);
        }
        if fields.ledger.is_empty() {
            let metadata = ObjectMeta {
                name: Some(name.to_owned()),
                resource_version: seen.resource_version,
                ..ObjectMeta::default()
            };
            return self.delete_in_turn(name, &Account { metadata, spec: fields }).await;
        }
        fields.lockout = None;
        self.rewrite(seen, fields).await
    }

    async fn rewrite(&self, seen: LedgerSeen, fields: AccountFields) -> Result<Stands, kube::Error> {
        if ledger::open(&fields.ledger).is_some() {
            return Ok(Stands::Later);
        }
        let wanted = fields.lockout.clone();
        match self
            .write(Place::LedgerFlush, &seen.name, fields, seen.resource_version, |there| {
                there.lockout == wanted
            })
            .await
        {
            Ok(_) => Ok(Stands::Yes),
            Err(WriteError::Conflict) => Ok(Stands::Later),
            Err(WriteError::Api(error)) => Err(error),
        }
    }
}
