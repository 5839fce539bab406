//! Finding exactly one user, and reading one.
//!
//! An invalid part of a query is ignored, so that a look-up can return anybody: two are asked for, exactly one must come,
//! and its key is compared with what was asked.

use super::{
    ServiceNow,
    account::{FIELDS, account, profile_fields},
    client::{Ask, Refusal, not_understood},
    model::Record,
    query,
};
use crate::{
    api::common::AccountSelector,
    directory::{Call, wanted::Wanted},
    domain::account::{AccountRead, ReadFailure},
};
use reqwest::{Method, header::HeaderMap};

/// Several matches are as good as two.
const SEVERAL: &str = "2";

/// Records that a query found.
pub(super) struct Found {
    pub(super) records: Vec<Record>,
    /// How many match, seen or not; `None` where that is not told.
    pub(super) total: Option<usize>,
}

impl Found {
    /// Whether more match than may be seen, or fit.
    pub(super) fn is_partial(&self) -> bool {
        self.total.is_some_and(|total| total != self.records.len())
    }
}

impl ServiceNow {
    /// Finds exactly one account by what somebody named it.
    ///
    /// # Errors
    /// Where none or several match, or that cannot be told.
    pub(super) async fn find_account(&self, call: &Call, key: &AccountSelector) -> Result<AccountRead, ReadFailure> {
        let (field, wanted) = match Wanted::try_from(key)? {
            Wanted::Id(id) => return self.read_account(call, id).await,
            Wanted::Login(login) => ("user_name", login),
            Wanted::Email(email) => ("email", email),
        };
        if !query::is_safe(wanted) {
            // Whoever asks learns no more than that nothing matches, as of any other name that is not there.
            tracing::info!(
                "a {field} that could break out of a query is not looked up; name the account by its sys_id"
            );
            return Err(ReadFailure::NotFound);
        }
        let user = self
            .single(call, "find user", "sys_user", (field, wanted), &self.user_fields())
            .await?;
        self.complete(call, user).await
    }

    /// Reads an account by its immutable id.
    ///
    /// # Errors
    /// Where there is none, or it cannot be read.
    pub(super) async fn read_account(&self, call: &Call, id: &str) -> Result<AccountRead, ReadFailure> {
        let fields = self.user_fields();
        let user = self
            .record(call, "read user", ("sys_user", id), &[("sysparm_fields", &fields)])
            .await?;
        self.complete(call, user).await
    }

    /// The one record of a table whose field has this value.
    ///
    /// # Errors
    /// Where there is none, or several.
    pub(super) async fn single(
        &self,
        call: &Call,
        operation: &'static str,
        table: &str,
        (field, wanted): (&str, &str),
        fields: &str,
    ) -> Result<Record, ReadFailure> {
        let condition = query::equals(field, wanted)?;
        let found = self
            .list(
                call,
                operation,
                table,
                &[
                    ("sysparm_query", &condition),
                    ("sysparm_fields", fields),
                    ("sysparm_limit", SEVERAL),
                ],
            )
            .await?;
        match found.records.as_slice() {
            // Rights on rows come after limit and count: another match may be there, and hidden.
            [one] if !found.is_partial() => match one.value(field) {
                Some(had) if had.eq_ignore_ascii_case(wanted) => Ok(one.clone()),
                _ => Err(ReadFailure::NotFound),
            },
            [] if !found.is_partial() => Err(ReadFailure::NotFound),
            records
                if records
                    .iter()
                    .any(|it| it.value(field).is_none_or(|had| !had.eq_ignore_ascii_case(wanted))) =>
            {
                // The condition was not heeded: what came says nothing of what was asked.
                Err(not_understood(operation).into())
            }
            [] => Err(ReadFailure::NotFound),
            _ => Err(ReadFailure::Ambiguous),
        }
    }

    /// One record by its sys_id. Anything that is no sys_id is not looked up.
    ///
    /// # Errors
    /// Where it is not there, or may not be seen.
    pub(super) async fn record(
        &self,
        call: &Call,
        operation: &'static str,
        (table, id): (&str, &str),
        query: &[(&str, &str)],
    ) -> Result<Record, ReadFailure> {
        if !query::is_sys_id(id) {
            return Err(ReadFailure::NotFound);
        }
        let query: Vec<_> = query.iter().copied().chain([NO_LINKS]).collect();
        let ask = Ask {
            operation,
            method: Method::GET,
            path: &[table, id],
            query: &query,
            body: None,
        };
        let record = Record::of(self.client.ask(call, ask).await?.result);
        match record.as_ref().and_then(|record| record.value("sys_id")) {
            Some(had) if had.eq_ignore_ascii_case(id) => record.ok_or(ReadFailure::NotFound),
            Some(_) => Err(ReadFailure::NotFound),
            None => Err(not_understood(operation).into()),
        }
    }

    /// Records that a query finds.
    ///
    /// # Errors
    /// Where there is no answer, or none that is a list.
    pub(super) async fn list(
        &self,
        call: &Call,
        operation: &'static str,
        table: &str,
        query: &[(&str, &str)],
    ) -> Result<Found, Refusal> {
        let query: Vec<_> = query.iter().copied().chain([NO_LINKS]).collect();
        let ask = Ask {
            operation,
            method: Method::GET,
            path: &[table],
            query: &query,
            body: None,
        };
        let reply = self.client.ask(call, ask).await?;
        let records = Record::list(reply.result).ok_or_else(|| Refusal::from(not_understood(operation)))?;
        let total = total(&reply.headers);
        Ok(Found { records, total })
    }

    async fn complete(&self, call: &Call, user: Record) -> Result<AccountRead, ReadFailure> {
        let id = user
            .value("sys_id")
            .filter(|id| query::is_sys_id(id))
            .map(str::to_owned);
        let id = id.ok_or_else(|| not_understood("read user"))?;
        let protection = self.protection(call, &id).await;
        let groups = self.groups(call, &id).await;
        Ok(account(id, &user, protection, groups))
    }

    /// Every field that is read of a user.
    pub(super) fn user_fields(&self) -> String {
        let all: Vec<&str> = FIELDS.iter().chain(profile_fields()).copied().collect();
        all.join(",")
    }
}

/// References without links, which are not followed.
const NO_LINKS: (&str, &str) = ("sysparm_exclude_reference_link", "true");

/// How many rows match, seen or not.
fn total(headers: &HeaderMap) -> Option<usize> {
    headers.get("x-total-count")?.to_str().ok()?.parse().ok()
}
