//! The Account objects: reading, claiming, closing. Every write carries a resourceVersion or creates a deterministic
//! name, so that of two writers one loses. What is to be decided about a ledger stands in `domain::ledger`.
//!
//! Closing an entry is put off for a moment, so that it can ride on another write to the same account; it is written
//! within [`CLOSE_WITHIN`] in any case, and on stop.

mod pending;
mod shown;

pub use pending::CLOSE_WITHIN;
pub use shown::Stands;

use crate::{
    api::{Account, AccountFields, CLAIM_LABEL, DIRECTORY_LABEL, STATE_LABEL, account::Claim},
    domain::{
        ledger::{self, Closing},
        observed::LedgerSeen,
    },
    failpoint::{self, Place},
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, ObjectMeta, PostParams, Preconditions},
};
use pending::{Pending, closed};
use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The Account objects.
pub struct Accounts {
    api: Api<Account>,
    state: Mutex<State>,
    /// Writers to one account in this process take turns; which lock is a matter of its name's hash.
    turns: Vec<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct State {
    /// Hashes of the names of objects that are known to exist.
    existing: HashSet<u64>,
    /// Results that are not in the ledger yet.
    pending: HashMap<String, Pending>,
}

/// A write that did not land.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Somebody else wrote meanwhile: read again, decide again.
    #[error("the account was written by somebody else meanwhile")]
    Conflict,
    /// The API server did not answer, or refused.
    #[error(transparent)]
    Api(#[from] kube::Error),
}

impl Accounts {
    /// Accounts through this client.
    pub fn new(client: Client) -> Self {
        let turns = (0..64).map(|_| tokio::sync::Mutex::new(())).collect();
        Accounts {
            api: Api::all(client),
            state: Mutex::default(),
            turns,
        }
    }

    /// Takes the turn to write to this account.
    pub async fn turn(&self, name: &str) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let index = usize::try_from(hash(name) % 64).unwrap_or_default();
        match self.turns.get(index) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        }
    }

    /// The ledger of this account, with the results that are still to be written. An object that nobody here has seen
    /// is taken for absent: the create that follows tells.
    ///
    /// # Errors
    /// The API server could not be read.
    pub async fn read(&self, name: &str) -> Result<LedgerSeen, kube::Error> {
        if let Some(pending) = self.state().pending.get(name) {
            return Ok(seen(name, &closed(&pending.latest, &pending.closings)));
        }
        if !self.state().existing.contains(&hash(name)) {
            return Ok(LedgerSeen {
                name: name.to_owned(),
                fields: None,
                resource_version: None,
            });
        }
        Ok(match self.get(name).await? {
            Some(account) => seen(name, &account),
            None => LedgerSeen {
                name: name.to_owned(),
                fields: None,
                resource_version: None,
            },
        })
    }

    /// The object itself, from the API server.
    ///
    /// # Errors
    /// The API server could not be read.
    pub async fn get(&self, name: &str) -> Result<Option<Account>, kube::Error> {
        let account = self.api.get_opt(name).await?;
        self.note(name, account.is_some());
        Ok(account)
    }

    /// The object, where what was read holds an open claim of this very request.
    pub fn own_claim(&self, seen: &LedgerSeen, uid: &str) -> Option<Account> {
        let own = ledger::open(seen.entries()).is_some_and(|entry| entry.uid == uid);
        let fields = seen.fields.clone().filter(|_| own)?;
        Some(object(&seen.name, fields, seen.resource_version.clone()))
    }

    /// The objects that hold a claim of this request.
    ///
    /// # Errors
    /// The API server could not be read.
    pub async fn claimed_by(&self, uid: &str) -> Result<Vec<Account>, kube::Error> {
        let list = ListParams::default().labels(&format!("{CLAIM_LABEL}={uid}"));
        Ok(self.api.list(&list).await?.items)
    }

    /// Writes an account: creates it, or replaces the version that was read. What was pending rides along. A write whose
    /// answer was lost is looked up: `landed` tells whether what is there is what we wrote. `place` is for the crash
    /// sweep.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub async fn write(
        &self,
        place: Place,
        name: &str,
        fields: AccountFields,
        resource_version: Option<String>,
        landed: impl Fn(&AccountFields) -> bool,
    ) -> Result<Account, WriteError> {
        let object = object(name, fields, resource_version.clone());
        let post = PostParams::default();
        let written = match &resource_version {
            None => failpoint::around(place, self.api.create(&post, &object)).await,
            Some(_) => failpoint::around(place, self.api.replace(name, &post, &object)).await,
        };
        let account = match written {
            Ok(account) => account,
            Err(error) => self.look_up(name, error, landed).await?,
        };
        let mut state = self.state();
        state.existing.insert(hash(name));
        state.pending.remove(name);
        Ok(account)
    }

    /// A 409 may be one's own landed write, and so may a lost answer.
    async fn look_up(
        &self,
        name: &str,
        error: kube::Error,
        landed: impl Fn(&AccountFields) -> bool,
    ) -> Result<Account, WriteError> {
        let conflict = matches!(&error, kube::Error::Api(status)
            if status.is_conflict() || status.is_already_exists() || status.is_not_found());
        let refused = matches!(&error, kube::Error::Api(status) if status.code < 500 && !conflict);
        if refused {
            return Err(error.into());
        }
        match self.get(name).await? {
            Some(account) if landed(&account.spec) => Ok(account),
            there if conflict => {
                self.rebase(name, there);
                Err(WriteError::Conflict)
            }
            _ => Err(error.into()),
        }
    }

    /// Closes a claim now.
    ///
    /// # Errors
    /// The API server did not answer; the claim is still open.
    pub async fn close(&self, name: &str, uid: &str, closing: Closing) -> Result<(), kube::Error> {
        let _turn = self.turn(name).await;
        self.close_in_turn(name, uid, closing, |_| true).await
    }

    /// Takes a claim back under which nothing was done, as `writer` left it: one that another replica has taken over
    /// meanwhile is not ours to give back, for it may have acted under it.
    ///
    /// # Errors
    /// The API server did not answer; the claim is still open.
    pub async fn release(&self, name: &str, uid: &str, writer: &str) -> Result<(), kube::Error> {
        let _turn = self.turn(name).await;
        self.close_in_turn(name, uid, Closing::Refund, |claim| claim.writer == writer)
            .await
    }

    async fn close_in_turn(
        &self,
        name: &str,
        uid: &str,
        closing: Closing,
        ours: impl Fn(&Claim) -> bool,
    ) -> Result<(), kube::Error> {
        for _ in 0..8 {
            let Some(account) = self.get(name).await? else {
                return Ok(());
            };
            let open = ledger::open(&account.spec.ledger)
                .is_some_and(|entry| entry.uid == uid && entry.claim.as_ref().is_some_and(&ours));
            if !open {
                return Ok(());
            }
            let changed = closed(&account, &[(uid.to_owned(), closing)]);
            match self
                .write(
                    Place::LedgerClose,
                    name,
                    changed.spec,
                    account.resource_version(),
                    |_| false,
                )
                .await
            {
                Ok(_) => return Ok(()),
                Err(WriteError::Conflict) => {}
                Err(WriteError::Api(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Deletes an account that has nothing left to remember; `Later` where somebody wrote it meanwhile.
    ///
    /// # Errors
    /// The API server did not answer, or refused.
    pub async fn delete_empty(&self, account: &Account) -> Result<Stands, kube::Error> {
        let name = account.name_any();
        let _turn = self.turn(&name).await;
        self.delete_in_turn(&name, account).await
    }

    async fn delete_in_turn(&self, name: &str, account: &Account) -> Result<Stands, kube::Error> {
        let preconditions = Preconditions {
            uid: account.uid(),
            resource_version: account.resource_version(),
        };
        let params = DeleteParams::default().preconditions(preconditions);
        match failpoint::around(Place::AccountDelete, self.api.delete(name, &params)).await {
            Ok(_) => {
                self.note(name, false);
                Ok(Stands::Yes)
            }
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(Stands::Yes),
            Err(kube::Error::Api(status)) if status.is_conflict() => Ok(Stands::Later),
            Err(error) => Err(error),
        }
    }

    /// Remembers whether an object exists.
    pub fn note(&self, name: &str, exists: bool) {
        let mut state = self.state();
        match exists {
            true => state.existing.insert(hash(name)),
            false => state.existing.remove(&hash(name)),
        };
    }

    /// One page of all objects.
    ///
    /// # Errors
    /// The API server could not be read.
    pub async fn page(&self, token: Option<String>) -> Result<(Vec<Account>, Option<String>), kube::Error> {
        let mut list = ListParams::default().limit(500);
        if let Some(token) = token {
            list = list.continue_token(&token);
        }
        let page = self.api.list(&list).await?;
        Ok((page.items, page.metadata.continue_.filter(|token| !token.is_empty())))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

fn seen(name: &str, account: &Account) -> LedgerSeen {
    LedgerSeen {
        name: name.to_owned(),
        fields: Some(account.spec.clone()),
        resource_version: account.resource_version(),
    }
}

/// The object as it is sent; the labels tell whose claim is open, and who lists it as locked.
fn object(name: &str, fields: AccountFields, resource_version: Option<String>) -> Account {
    let claim = ledger::open(&fields.ledger).map(|entry| (CLAIM_LABEL, entry.uid.clone()));
    let locked = fields.lockout.iter().flat_map(|lockout| {
        [
            (STATE_LABEL, "Locked".to_owned()),
            (DIRECTORY_LABEL, lockout.directory.clone()),
        ]
    });
    let labels = claim.into_iter().chain(locked);
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some(labels.map(|(key, value)| (key.to_owned(), value)).collect()),
        resource_version,
        ..ObjectMeta::default()
    };
    Account { metadata, spec: fields }
}
