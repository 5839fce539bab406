//! The accounts of the instance that are locked, and active: an inactive one is commonly locked by rule and cannot be let
//! in.
//!
//! Pages follow the order of sys_ids, each from behind the last one: by offset, rows would be missed while data change.

use super::{ServiceNow, account::account, client::not_understood, query};
use crate::{
    directory::{Call, LockedPage},
    domain::account::{Failure, FailureClass, Protection, ReadFailure},
};

/// So many are in one page.
const PAGE: usize = 200;

impl ServiceNow {
    /// The page that begins behind this sys_id.
    pub(super) async fn list_locked(&self, call: &Call, after: Option<&str>) -> Result<LockedPage, ReadFailure> {
        const OPERATION: &str = "list locked users";
        let mut condition = "locked_out=true^active=true".to_owned();
        if let Some(after) = after {
            if !query::is_sys_id(after) {
                let failure = Failure::new(FailureClass::Permanent, "a page begins behind a sys_id");
                return Err(failure.into());
            }
            condition += &format!("^sys_id>{after}");
        }
        condition += "^ORDERBYsys_id";
        let (fields, limit) = (self.user_fields(), PAGE.to_string());
        let query = [
            ("sysparm_query", condition.as_str()),
            ("sysparm_fields", &fields),
            ("sysparm_limit", &limit),
        ];
        let found = self.list(call, OPERATION, "sys_user", &query).await?;
        let mut accounts = Vec::with_capacity(found.records.len());
        for user in &found.records {
            // A condition that was not heeded must not show people as locked, nor a page twice.
            let heeded = user.flag("locked_out") == Some(true) && user.flag("active") == Some(true);
            match user.value("sys_id").filter(|id| query::is_sys_id(id)) {
                Some(id) if heeded && after.is_none_or(|after| id > after) => {
                    let unread = Protection::Unknown("not looked up in a list".into());
                    let groups = Err("groups are not looked up in a list".to_owned());
                    accounts.push(account(id.to_owned(), user, unread, groups));
                }
                _ => return Err(not_understood(OPERATION).into()),
            }
        }
        let more = found.total.map_or(accounts.len() == PAGE, |total| total > PAGE);
        let next = accounts.last().filter(|_| more).map(|account| account.id.clone());
        if more && next.is_none() {
            let words = "ServiceNow hides so many locked users that the others cannot be listed; grant the operator's user the right \
                         to read them";
            return Err(Failure::new(FailureClass::NeedsConfig, words).into());
        }
        Ok(LockedPage { accounts, next })
    }
}
