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
            Entry, Session, filter,
            listing::{self, Candidates, Listing, Policies},
        },
    },
    domain::account::{AccountRead, Failure, LockState, Protection},
};
use jiff::Timestamp;

impl Directory389 {
    /// The page that begins behind this nsUniqueId.
    pub(super) async fn list_locked(&self, session: &Session, after: Option<&str>) -> Result<LockedPage, Failure> {
        let global = policy::global(session).await?;
        let selection = self.selection();
        let everybody = selection.accounts(filter::present("objectClass"));
        let traces = [RETRY_COUNT, UNLOCK_TIME];
        let hidden = listing::hidden(session, (&self.spec.base_dn, &everybody), &ABSENCE_MATTERS, &traces).await?;
        let filter = selection.accounts(filter::present(UNLOCK_TIME));
        let attributes = [STATE.as_slice(), &[&self.spec.login_attribute]].concat();
        let query = listing::query(&self.spec.base_dn, &filter, &attributes);
        let (mut locked, mut policies) = (Listing::behind(after), Policies::new());
        let mut candidates = Candidates::of(session, &query);
        while let Some(entries) = candidates.next().await? {
            for entry in &entries {
                let reading = policy::effective(session, entry, &hidden, global.as_ref());
                let policy = listing::policy(&mut policies, entry.first(POLICY_SUBENTRY), reading).await;
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
