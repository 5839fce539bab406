//! The accounts of the tree that are locked out.
//!
//! Only an attribute can be searched for: candidates have pwdAccountLockedTime or pwdAccountTmpLockoutEnd, and the server's
//! rule tells which of them are locked (`lock`). Accounts that are merely idle or outside their validity window have
//! neither and are not listed: nobody was locked out, and no unlock would let them in.

use super::{
    OpenLdap,
    account::{Facts, no_id},
    lock::PasswordState,
    policy::{self, PasswordPolicy, Why},
    schema::{ABSENCE_MATTERS, ENTRY_UUID, LOCKED_TIME, POLICY_SUBENTRY, STATE, TMP_LOCKOUT_END},
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
    domain::account::{AccountRead, Failure, LockState, Protection, Remedy},
};
use jiff::Timestamp;
use ldap3::Scope;
use std::collections::HashMap;

/// The policies that were met, by name.
type Policies = HashMap<Option<String>, Result<PasswordPolicy, Why>>;

impl OpenLdap {
    /// The page that begins behind this entryUUID.
    pub(super) async fn list_locked(&self, session: &Session, after: Option<&str>) -> Result<LockedPage, Failure> {
        let server = self.server(session).await?;
        let selection = self.selection();
        let everybody = selection.accounts(filter::present("objectClass"));
        let hidden = listing::hidden(session, (&self.spec.base_dn, &everybody), &ABSENCE_MATTERS).await?;
        if let Some(name) = hidden.iter().find(|name| [LOCKED_TIME, TMP_LOCKOUT_END].contains(name)) {
            return Err(needs_config(&format!(
                "give the operator's account read access to {name}"
            )));
        }
        let attributes = [STATE.as_slice(), &[&self.spec.login_attribute]].concat();
        let traces = filter::or(&[filter::present(LOCKED_TIME), filter::present(TMP_LOCKOUT_END)]);
        let query = Query {
            base: &self.spec.base_dn,
            scope: Scope::Subtree,
            filter: &selection.accounts(traces),
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
                let policy = policy_of(
                    session,
                    &mut policies,
                    (entry, &hidden),
                    server.default_policy.as_deref(),
                )
                .await;
                let account = self.shown(entry, hidden.clone(), policy)?;
                if is_locked_out(&account.lock) {
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
    ) -> Result<AccountRead, Failure> {
        let facts = Facts {
            id: entry.first(ENTRY_UUID).ok_or_else(no_id)?.to_owned(),
            state: PasswordState::from_entry(entry, hidden),
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
    default: Option<&str>,
) -> Result<PasswordPolicy, Why> {
    let own = entry.first(POLICY_SUBENTRY).map(str::to_owned);
    // A hidden pwdPolicySubentry could name another policy than the default.
    if own.is_none() && hidden.contains(&POLICY_SUBENTRY) {
        return Err(policy::UNREADABLE);
    }
    if let Some(known) = policies.get(&own) {
        return known.clone();
    }
    let policy = policy::effective(connection, entry, default).await;
    policies.insert(own, policy.clone());
    policy
}

/// Whether the account is locked, in a way that somebody or time ends. What cannot be told is kept: the reader of the
/// list leaves it out.
fn is_locked_out(lock: &LockState) -> bool {
    match lock {
        LockState::Locked(lock) => !matches!(lock.remedy, Remedy::None(_)),
        LockState::Unknown(_) => true,
        LockState::NotLocked => false,
    }
}
