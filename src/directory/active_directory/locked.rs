//! The accounts of the domain that are locked.
//!
//! A filter can ask for lockoutTime alone, which stays after a lock has run out; the server's computation of each candidate
//! tells which are locked.

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
        ldap::{
            Entry, Query, filter,
            listing::{self, Listing},
        },
    },
    domain::account::{AccountRead, Failure},
};
use ldap3::Scope;

impl ActiveDirectory {
    /// The page that begins behind this id.
    pub(super) async fn list_locked(&self, session: &Session, after: Option<&str>) -> Result<LockedPage, Failure> {
        let query = Query {
            base: self.base(session),
            scope: Scope::Subtree,
            filter: &account::accounts(filter::at_least(LOCKOUT_TIME, 1)),
            attributes: &LISTED,
            names_only: false,
            limit: listing::MAX_CANDIDATES,
        };
        let mut locked = Listing::behind(after);
        let mut pages = session.pages(&query, listing::SEARCH_PAGE);
        while let Some(found) = pages.next().await.map_err(|fault| fault.failure())? {
            if found.more {
                return Err(listing::cut_off());
            }
            for entry in &found.entries {
                if SignInState::from_entry(entry).is_locked() != Some(false) {
                    locked.take(shown(entry, session)?);
                }
            }
        }
        Ok(locked.page())
    }
}

fn shown(entry: &Entry, session: &Session) -> Result<AccountRead, Failure> {
    let unread = Err(listing::NOT_LOOKED_UP.to_owned());
    account::told(entry, session, protection::judge(entry, &session.root.own, &unread))
}
