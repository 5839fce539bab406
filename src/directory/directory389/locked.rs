//! The accounts of the tree that are locked, on the server that is asked: each keeps lock state of its own unless
//! passwordIsGlobalPolicy is on.
//!
//! Candidates have an accountUnlockTime, which outlasts a lock and a reset; the server's rule tells which are locked
//! (`lock`). Inactivated accounts (nsAccountLock) are listed only where they are locked besides.

use super::{
    Directory389,
    account::{Facts, disabled, no_id},
    lock::PasswordState,
    policy::{self, Global, PasswordPolicy, Why},
    schema::{ABSENCE_MATTERS, EXPIRATION_TIME, POLICY_SUBENTRY, RETRY_COUNT, STATE, UNIQUE_ID, UNLOCK_TIME},
};
use crate::{
    directory::{
        LockedPage,
        ldap::{
            Connection, Entry, Query, Session, filter,
            listing::{self, Listing},
            server::needs_config,
        },
    },
    domain::account::{AccountRead, Failure, LockState, Protection},
};
use jiff::Timestamp;
use ldap3::Scope;
use std::collections::HashMap;

/// The policies that were met, by name; the global one has none.
type Policies = HashMap<Option<String>, Result<PasswordPolicy, Why>>;

impl Directory389 {
    /// The page that begins behind this nsUniqueId.
    pub(super) async fn list_locked(&self, session: &Session, after: Option<&str>) -> Result<LockedPage, Failure> {
        let global = policy::global(session).await?;
        let selection = self.selection();
        let everybody = selection.accounts(filter::present("objectClass"));
        let hidden = listing::hidden(session, (&self.spec.base_dn, &everybody), &ABSENCE_MATTERS).await?;
        if let Some(name) = hidden.iter().find(|name| [RETRY_COUNT, UNLOCK_TIME].contains(name)) {
            return Err(needs_config(&format!(
                "give the operator's account read access to {name}"
            )));
        }
        let attributes = [STATE.as_slice(), &[&self.spec.login_attribute]].concat();
        let query = Query {
            base: &self.spec.base_dn,
            scope: Scope::Subtree,
            filter: &selection.accounts(filter::present(UNLOCK_TIME)),
            attributes: &attributes,
            names_only: false,
            limit: listing::MAX_CANDIDATES,
        };
        let (mut locked, mut policies) = (Listing::behind(after), Policies::new());
        let mut pages = session.pages(&query, listing::SEARCH_PAGE);
        while let Some(found) = pages.next().await.map_err(|fault| fault.failure())? {
            if found.more {
                return Err(listing::cut_off());
            }
            for entry in &found.entries {
                let policy = policy_of(session, &mut policies, (entry, &hidden), global.as_ref()).await;
                let account = self.shown(entry, hidden.clone(), policy, global.as_ref())?;
                if account.lock != LockState::NotLocked {
                    locked.take(account);
                }
            }
        }
        Ok(locked.page())
    }

    fn shown(
        &self,
        entry: &Entry,
        hidden: Vec<&'static str>,
        policy: Result<PasswordPolicy, Why>,
        global: Option<&Global>,
    ) -> Result<AccountRead, Failure> {
        let facts = Facts {
            id: entry.first(UNIQUE_ID).ok_or_else(no_id)?.to_owned(),
            disabled: disabled(entry, &hidden),
            change_is_hidden: hidden.contains(&EXPIRATION_TIME),
            state: PasswordState::from_entry(entry, hidden),
            scope: self.scope(global),
            policy,
            groups: Err(listing::NOT_LOOKED_UP.into()),
            protection: Protection::Unknown(listing::NOT_LOOKED_UP.into()),
        };
        Ok(AccountRead {
            login: entry.first(&self.spec.login_attribute).map(str::to_owned),
            ..facts.told(Timestamp::now())
        })
    }
}

/// The policy for an entry; each is read once a list.
async fn policy_of(
    connection: &Connection,
    policies: &mut Policies,
    (entry, hidden): (&Entry, &[&str]),
    global: Option<&Global>,
) -> Result<PasswordPolicy, Why> {
    let own = entry.first(POLICY_SUBENTRY).map(str::to_owned);
    if let Some(known) = policies.get(&own) {
        return known.clone();
    }
    let policy = policy::effective(connection, entry, hidden, global).await;
    policies.insert(own, policy.clone());
    policy
}
