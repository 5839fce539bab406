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
            Entry, Session, filter,
            listing::{self, Candidates, Listing, Policies},
        },
    },
    domain::account::{AccountRead, Failure, LockState, Protection, Remedy},
};
use jiff::Timestamp;

impl OpenLdap {
    /// The page that begins behind this entryUUID.
    pub(super) async fn list_locked(&self, session: &Session, after: Option<&str>) -> Result<LockedPage, Failure> {
        let server = self.server(session).await?;
        let selection = self.selection();
        let everybody = selection.accounts(filter::present("objectClass"));
        let traces = [LOCKED_TIME, TMP_LOCKOUT_END];
        let hidden = listing::hidden(session, (&self.spec.base_dn, &everybody), &ABSENCE_MATTERS, &traces).await?;
        let filter = selection.accounts(filter::or(&traces.map(filter::present)));
        let attributes = [STATE.as_slice(), &[&self.spec.login_attribute]].concat();
        let query = listing::query(&self.spec.base_dn, &filter, &attributes);
        let (mut locked, mut policies) = (Listing::behind(after), Policies::new());
        let mut candidates = Candidates::of(session, &query);
        while let Some(entries) = candidates.next().await? {
            for entry in &entries {
                let policy = match (entry.first(POLICY_SUBENTRY), server.default_policy.as_deref()) {
                    // One that is hidden could name another policy than the default.
                    (None, _) if hidden.contains(&POLICY_SUBENTRY) => Err(policy::UNREADABLE),
                    (own, default) => {
                        let reading = policy::effective(session, entry, default);
                        listing::policy(&mut policies, own, reading).await
                    }
                };
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

/// Whether the account is locked, in a way that somebody or time ends. What cannot be told is kept: the reader of the
/// list leaves it out.
fn is_locked_out(lock: &LockState) -> bool {
    match lock {
        LockState::Locked(lock) => !matches!(lock.remedy, Remedy::None(_)),
        LockState::Unknown(_) => true,
        LockState::NotLocked => false,
    }
}
