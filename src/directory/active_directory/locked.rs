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
            Entry, filter,
            listing::{self, Candidates, Listing},
        },
    },
    domain::account::{AccountRead, Failure},
};

impl ActiveDirectory {
    /// The page that begins behind this id.
    pub(super) async fn list_locked(&self, session: &Session, after: Option<&str>) -> Result<LockedPage, Failure> {
        let filter = account::accounts(filter::at_least(LOCKOUT_TIME, 1));
        let query = listing::query(self.base(session), &filter, &LISTED);
        let (mut locked, mut candidates) = (Listing::behind(after), Candidates::of(session, &query));
        while let Some(entries) = candidates.next().await? {
            for entry in &entries {
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
