//! One connection, for one operation: open, bind, act, close. It never reconnects and never sends a request twice.
//!
//! Every request has a time limit of its own, and none is sent after the call's deadline. A malformed answer makes the
//! protocol crate panic; that is caught here and told as [`Fault::Garbled`].

use super::{Answer, Endpoint, Entry, Fault, endpoint::connect_fault, ppolicy};
use crate::secret::Secret;
use futures::FutureExt;
use ldap3::{
    Ldap, LdapConnAsync, LdapResult, Mod, ResultEntry, Scope, SearchEntry, SearchOptions, controls::RawControl,
    exop::PasswordModify,
};
use std::{
    collections::HashSet,
    future::Future,
    hash::Hash,
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};
use tokio::{task::JoinHandle, time::timeout};

/// An open connection. Dropped, it is cut; [`Connection::close`] takes leave first.
pub struct Connection {
    ldap: Ldap,
    driver: JoinHandle<()>,
    deadline: Instant,
    timeout: Duration,
    search_controls: Vec<RawControl>,
}

/// A search. Referrals are not followed, aliases not dereferenced.
pub struct Query<'a> {
    /// Where it begins.
    pub base: &'a str,
    /// How far down it goes.
    pub scope: Scope,
    /// Made by [`super::filter`].
    pub filter: &'a str,
    /// The attributes to return.
    pub attributes: &'a [&'a str],
    /// Names of attributes only, without their values.
    pub names_only: bool,
    /// At most so many entries are taken.
    pub limit: usize,
}

/// What a search found.
#[derive(Debug, Default)]
pub struct Found {
    /// The entries, at most as many as asked for.
    pub entries: Vec<Entry>,
    /// Whether there are more, or the server's own limit cut the search off.
    pub more: bool,
    /// Whether the server referred to others for a part of the tree.
    pub referred: bool,
}

/// What a comparison showed. It tells an absent attribute from a hidden one, which a search cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The attribute has this value.
    Equal,
    /// The attribute has other values.
    Different,
    /// The entry does not have the attribute.
    Absent,
    /// The operator may not know.
    Hidden,
}

impl Connection {
    /// Connects, with TLS where the endpoint says so.
    ///
    /// # Errors
    /// Nothing was sent in any of them.
    pub async fn open(endpoint: &Endpoint, deadline: Instant, limit: Duration) -> Result<Self, Fault> {
        if Instant::now() >= deadline {
            return Err(Fault::NotSent("the deadline had passed before connecting"));
        }
        let connecting = LdapConnAsync::from_url_with_settings(endpoint.settings(), endpoint.url());
        match timeout(limit, AssertUnwindSafe(connecting).catch_unwind()).await {
            Err(_) => Err(Fault::Unreachable(format!("no connection within {limit:?}"))),
            Ok(Err(_)) => Err(Fault::Garbled),
            Ok(Ok(Err(error))) => Err(connect_fault(error)),
            Ok(Ok(Ok((driver, ldap)))) => Ok(Connection {
                ldap,
                driver: tokio::spawn(async move {
                    if let Err(error) = driver.drive().await {
                        tracing::debug!(%error, "an LDAP connection ended");
                    }
                }),
                deadline,
                timeout: limit,
                search_controls: Vec::new(),
            }),
        }
    }

    /// Sends this control with every search.
    pub fn search_with(&mut self, control: RawControl) {
        self.search_controls.push(control);
    }

    /// Binds by name and password, with the password policy control.
    ///
    /// # Errors
    /// Result 49 where the password is wrong, or the account locked.
    pub async fn bind(&self, dn: &str, password: &Secret) -> Result<Option<ppolicy::PolicyError>, Fault> {
        // A name without a password is an anonymous bind to many servers, and succeeds (RFC 4513, section 5.1.2).
        if dn.is_empty() || password.expose().is_empty() {
            return Err(Fault::NotSent("a bind without name or password proves nothing"));
        }
        let mut ldap = self.ldap.clone();
        let result = self
            .ask(async move {
                ldap.with_controls(ppolicy::request())
                    .simple_bind(dn, password.expose())
                    .await
            })
            .await?;
        succeeded(&result)?;
        Ok(ppolicy::error(&result.ctrls))
    }

    /// Searches once. More entries than the limit are no error, see [`Found::more`].
    pub async fn search(&self, query: &Query<'_>) -> Result<Found, Fault> {
        let (found, result) = self.ask(self.run(query, None)).await?;
        match result.rc {
            0 | 4 => Ok(found),
            _ if found.more => Ok(found),
            _ => Err(Fault::Answered(answer(&result))),
        }
    }

    /// Sends a search and takes in its answer, with this paging control. A result code is not judged here.
    pub(super) async fn run(
        &self,
        query: &Query<'_>,
        paging: Option<RawControl>,
    ) -> ldap3::result::Result<(Found, LdapResult)> {
        let seconds = i32::try_from(self.timeout.as_secs().max(1)).unwrap_or(i32::MAX);
        let mut options = SearchOptions::new().timelimit(seconds).typesonly(query.names_only);
        let mut ldap = self.ldap.clone();
        // With paging the size limit would count over all pages.
        if paging.is_none() {
            options = options.sizelimit(i32::try_from(query.limit).unwrap_or(i32::MAX));
        }
        let controls: Vec<RawControl> = self.search_controls.iter().cloned().chain(paging).collect();
        if !controls.is_empty() {
            ldap.with_controls(controls);
        }
        let mut stream = ldap
            .with_search_options(options)
            .streaming_search(query.base, query.scope, query.filter, query.attributes)
            .await?;
        let mut found = Found::default();
        while let Some(item) = stream.next().await? {
            found.more = found.entries.len() == query.limit;
            if found.more {
                break;
            }
            take(item, &mut found);
        }
        let result = stream.finish().await;
        found.more |= result.rc == 4;
        found.referred |= !result.refs.is_empty();
        Ok((found, result))
    }

    /// Compares one attribute of one entry with a value.
    ///
    /// # Errors
    /// Where nothing was learned; a missing right is [`Presence::Hidden`].
    pub async fn compare(&self, dn: &str, attribute: &str, value: &str) -> Result<Presence, Fault> {
        let mut ldap = self.ldap.clone();
        let result = self
            .ask(async move { ldap.compare(dn, attribute, value).await })
            .await?
            .0;
        match result.rc {
            6 => Ok(Presence::Equal),
            5 => Ok(Presence::Different),
            16 => Ok(Presence::Absent),
            // 32 is the answer where not even the entry may be disclosed.
            32 | 50 => Ok(Presence::Hidden),
            _ => Err(Fault::Answered(answer(&result))),
        }
    }

    /// Deletes an attribute with all its values. Not the same as replacing it by nothing: see the provider.
    pub async fn delete_attribute(&self, dn: &str, attribute: &str) -> Result<(), Fault> {
        self.modify(dn, vec![Mod::Delete(attribute, HashSet::new())]).await
    }

    /// Replaces an attribute's values by one.
    pub async fn replace_attribute(&self, dn: &str, attribute: &str, value: &str) -> Result<(), Fault> {
        self.replace_attributes(dn, &[(attribute, value.as_bytes())]).await
    }

    /// Replaces the values of several attributes, each by one or by none, in one modification: all of it happens, or
    /// nothing. Replacing by none removes, and is no error where there was none (RFC 4511, section 4.6).
    pub async fn rewrite(&self, dn: &str, values: &[(&str, Option<&str>)]) -> Result<(), Fault> {
        let replace = |(name, value): &(&'_ str, Option<&'_ str>)| {
            let values = value.iter().map(|value| (*value).to_owned()).collect();
            Mod::Replace((*name).to_owned(), values)
        };
        self.modify(dn, values.iter().map(replace).collect()).await
    }

    /// Replaces the values of several attributes by one each, in one modification: all of them change, or none.
    pub async fn replace_attributes(&self, dn: &str, values: &[(&str, &[u8])]) -> Result<(), Fault> {
        let replace =
            |(name, value): &(&str, &'_ [u8])| Mod::Replace(name.as_bytes().to_vec(), HashSet::from([value.to_vec()]));
        self.modify(dn, values.iter().map(replace).collect()).await
    }

    async fn modify<S: AsRef<[u8]> + Eq + Hash + Send>(&self, dn: &str, changes: Vec<Mod<S>>) -> Result<(), Fault> {
        let mut ldap = self.ldap.clone();
        let result = self
            .ask(async move { ldap.with_controls(ppolicy::request()).modify(dn, changes).await })
            .await?;
        succeeded(&result)
    }

    /// Sets a password by the Password Modify operation (RFC 3062); the server hashes it.
    pub async fn set_password(&self, dn: &str, password: &Secret) -> Result<(), Fault> {
        // Without a name the server would set the operator's own password, without a password it would make one up.
        if dn.is_empty() || password.expose().is_empty() {
            return Err(Fault::NotSent("a password is set only by name and value"));
        }
        let mut ldap = self.ldap.clone();
        let result = self
            .ask(async move {
                ldap.with_controls(ppolicy::request())
                    .extended(PasswordModify {
                        user_id: Some(dn),
                        old_pass: None,
                        new_pass: Some(password.expose()),
                    })
                    .await
            })
            .await?
            .1;
        succeeded(&result)
    }

    /// Takes leave of the server. Whatever comes of that matters to nobody.
    pub async fn close(self) {
        let mut ldap = self.ldap.clone();
        let _ = timeout(Duration::from_millis(200), ldap.unbind()).await;
    }

    /// Waits for the answer to a request, for the time that one may take at most.
    ///
    /// # Errors
    /// `NotSent` behind the deadline, `Lost` without an answer in time, `Garbled` where that made the protocol crate panic.
    pub(super) async fn ask<T>(&self, request: impl Future<Output = ldap3::result::Result<T>>) -> Result<T, Fault> {
        if Instant::now() >= self.deadline {
            return Err(Fault::NotSent("the deadline had passed"));
        }
        match timeout(self.timeout, AssertUnwindSafe(request).catch_unwind()).await {
            Err(_) => Err(Fault::Lost(format!("no answer within {:?}", self.timeout))),
            Ok(Err(_)) => Err(Fault::Garbled),
            Ok(Ok(outcome)) => outcome.map_err(Fault::from),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Else a server that takes no data would keep the task.
        self.driver.abort();
    }
}

fn take(item: ResultEntry, found: &mut Found) {
    if item.is_ref() {
        found.referred = true;
    } else if !item.is_intermediate() {
        found.entries.push(SearchEntry::construct(item).into());
    }
}

/// That a result is a success.
///
/// # Errors
/// Any other result code.
pub(super) fn succeeded(result: &LdapResult) -> Result<(), Fault> {
    match result.rc {
        0 => Ok(()),
        _ => Err(Fault::Answered(answer(result))),
    }
}

fn answer(result: &LdapResult) -> Answer {
    Answer {
        code: result.rc,
        text: result.text.chars().take(500).collect(),
        policy: ppolicy::error(&result.ctrls),
    }
}
