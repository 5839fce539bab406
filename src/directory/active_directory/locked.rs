//! The accounts of the domain that are locked.
//!
//! A filter can ask for lockoutTime alone, which stays after a lock has run out; the server's computation of each candidate
//! tells which are locked. Candidates are searched page by page on one connection. A page of the answer follows the order
//! of ids and begins behind the last one of the page before, so that it needs no memory and misses nobody who stays locked.

use super::{
    ActiveDirectory, account,
    lock::SignInState,
    protection,
    schema::{LISTED, LOCKOUT_TIME},
    session::Session,
};
use crate::{
    directory::{
        LockedPage,
        ldap::{Entry, Query, filter},
    },
    domain::account::{AccountRead, Failure, FailureClass},
};
use ldap3::Scope;

/// At most so many accounts whose lockoutTime is set are looked at.
const MAX_CANDIDATES: usize = 20_000;
/// So many come with one page of the search; a domain controller gives 1,000 at most (MaxPageSize).
const SEARCH_PAGE: i32 = 500;
/// So many are in one page of the answer.
const ANSWER_PAGE: usize = 200;

impl ActiveDirectory {
    /// The page that begins behind this id.
    pub(super) async fn list_locked(&self, session: &Session, after: Option<&str>) -> Result<LockedPage, Failure> {
        let query = Query {
            base: self.base(session),
            scope: Scope::Subtree,
            filter: &account::accounts(filter::at_least(LOCKOUT_TIME, 1)),
            attributes: &LISTED,
            names_only: false,
            limit: MAX_CANDIDATES,
        };
        let found = session
            .search_paged(&query, SEARCH_PAGE)
            .await
            .map_err(|fault| fault.failure())?;
        if found.more {
            let text =
                format!("more than {MAX_CANDIDATES} accounts have a lockoutTime; set baseDN to a part of the domain");
            return Err(Failure::new(FailureClass::NeedsConfig, text));
        }
        let mut accounts = Vec::new();
        for entry in &found.entries {
            if SignInState::from_entry(entry).is_locked() != Some(false) {
                accounts.push(shown(entry, session)?);
            }
        }
        Ok(page(accounts, after))
    }
}

fn shown(entry: &Entry, session: &Session) -> Result<AccountRead, Failure> {
    let unread = Err("groups are not looked up in a list".to_owned());
    account::told(entry, session, protection::judge(entry, &session.root.own, &unread))
}

/// Those behind this id, in the order of ids.
fn page(mut accounts: Vec<AccountRead>, after: Option<&str>) -> LockedPage {
    accounts.retain(|account| after.is_none_or(|after| account.id.as_str() > after));
    accounts.sort_by(|one, other| one.id.cmp(&other.id));
    let more = accounts.len() > ANSWER_PAGE;
    accounts.truncate(ANSWER_PAGE);
    let next = accounts.last().filter(|_| more).map(|account| account.id.clone());
    LockedPage { accounts, next }
}
