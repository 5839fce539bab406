//! The list of locked accounts. Accounts that are only blocked on some devices stay ACTIVE and cannot be listed.

use super::{
    Okta,
    account::{Surroundings, account},
    model::User,
};
use crate::{
    directory::{Call, LockedPage},
    domain::account::{Failure, FailureClass, Protection, ReadFailure},
};
use reqwest::Url;

/// How many a page: Okta's own most.
const PAGE: &str = "200";

impl Okta {
    /// One page; the next is asked for by the address that Okta itself gave, which `pages` has checked.
    pub(super) async fn locked_page(&self, call: &Call, page: Option<&str>) -> Result<LockedPage, ReadFailure> {
        let url = match page {
            None => self.client.url(
                &["api", "v1", "users"],
                &[("filter", r#"status eq "LOCKED_OUT""#), ("limit", PAGE)],
            ),
            Some(page) => Url::parse(page).map_err(|error| {
                Failure::new(FailureClass::Permanent, "the next page of Okta's list has no address")
                    .detail(error.to_string())
            })?,
        };
        let (users, next): (Vec<User>, _) = self.client.one_page(call, "list locked users", url).await?;
        let accounts = users.into_iter().map(|user| {
            let unread = "not looked up in a list";
            account(
                user,
                Surroundings {
                    // A user that is locked out is locked whatever the devices.
                    blocks: Ok(Vec::new()),
                    protection: Protection::Unknown(unread.into()),
                    groups: Err(unread.into()),
                },
            )
        });
        Ok(LockedPage {
            accounts: accounts.collect(),
            next: next.map(|url| url.to_string()),
        })
    }
}
