//! The list of locked accounts, as the LDAP providers make it. A filter can ask for traces of a lock alone, which outlast
//! it: every entry that has one is a candidate, and the provider's own rule tells which are locked.
//!
//! Candidates are searched page by page on one connection. A page of the answer follows the order of ids and begins behind
//! the last one of the page before, so that nothing is kept from one to the next and nobody is missed who stays locked;
//! of all candidates no more than one page of the search and one of the answer are held at a time.

use super::{Connection, Entry, Query, lookup, pages::Pages, server::needs_config};
use crate::{
    directory::LockedPage,
    domain::account::{AccountRead, Failure},
};
use ldap3::Scope;
use std::collections::{BTreeMap, HashMap};

/// At most so many candidates are looked at.
const MAX_CANDIDATES: usize = 20_000;
/// So many come with one page of the search; Active Directory gives 1,000 at most (MaxPageSize).
const SEARCH_PAGE: i32 = 500;
/// So many are in one page of the answer.
const ANSWER_PAGE: usize = 200;
/// Why groups and protection are not told.
pub const NOT_LOOKED_UP: &str = "not looked up in a list";

/// One page of the answer, while candidates are looked at.
pub struct Listing<'a> {
    after: Option<&'a str>,
    accounts: BTreeMap<String, AccountRead>,
    more: bool,
}

impl<'a> Listing<'a> {
    /// The page that begins behind this id.
    pub fn behind(after: Option<&'a str>) -> Self {
        Listing {
            after,
            accounts: BTreeMap::new(),
            more: false,
        }
    }

    /// Takes in an account that is locked.
    pub fn take(&mut self, account: AccountRead) {
        if self.after.is_some_and(|after| account.id.as_str() <= after) {
            return;
        }
        self.accounts.insert(account.id.clone(), account);
        if self.accounts.len() > ANSWER_PAGE {
            self.accounts.pop_last();
            self.more = true;
        }
    }

    /// The page.
    pub fn page(self) -> LockedPage {
        let last = self.accounts.last_key_value().map(|(id, _)| id.clone());
        LockedPage {
            next: last.filter(|_| self.more),
            accounts: self.accounts.into_values().collect(),
        }
    }
}

/// The search for candidates below `base`, by a filter that asks for the traces of a lock.
pub fn query<'a>(base: &'a str, traces: &'a str, attributes: &'a [&'a str]) -> Query<'a> {
    Query {
        base,
        scope: Scope::Subtree,
        filter: traces,
        attributes,
        names_only: false,
        limit: MAX_CANDIDATES,
    }
}

/// The candidates of one list, while they are searched.
pub struct Candidates<'a>(Pages<'a>);

impl<'a> Candidates<'a> {
    /// Begins the search; [`query`] makes what is asked.
    pub fn of(connection: &'a Connection, query: &'a Query<'a>) -> Self {
        Candidates(connection.pages(query, SEARCH_PAGE))
    }

    /// The next of them; `None` behind the last.
    ///
    /// # Errors
    /// The search failed, or a limit cut it off: a list that lacks somebody would be read as one that is whole.
    pub async fn next(&mut self) -> Result<Option<Vec<Entry>>, Failure> {
        match self.0.next().await.map_err(|fault| fault.failure())? {
            Some(found) if found.more => Err(cut_off()),
            found => Ok(found.map(|found| found.entries)),
        }
    }
}

/// A limit cut the search for candidates off: ours, or the server's.
fn cut_off() -> Failure {
    needs_config(&format!(
        "the search for locked accounts was cut off after {MAX_CANDIDATES} entries or by the server's own limit for the \
         operator's account; raise that limit, or set baseDN to a part of the tree"
    ))
}

/// The password policies that were met in one list, by the name that an account has for its own; those without one share
/// one.
pub type Policies<P> = HashMap<Option<String>, P>;

/// The policy of this name. It is read only where it was not met before, whatever that came to.
pub async fn policy<P: Clone>(policies: &mut Policies<P>, name: Option<&str>, reading: impl Future<Output = P>) -> P {
    let name = name.map(str::to_owned);
    if let Some(known) = policies.get(&name) {
        return known.clone();
    }
    let policy = reading.await;
    policies.insert(name, policy.clone());
    policy
}

/// Which of these attributes the operator may not see, by the first account that is found. A search leaves hidden
/// attributes out like absent ones, so that a list without a right to the traces of a lock would be an empty one.
///
/// # Errors
/// The look-up failed; `NeedsConfig` where a trace is among the hidden ones.
pub async fn hidden(
    connection: &Connection,
    (base, accounts): (&str, &str),
    attributes: &[(&'static str, &str)],
    traces: &[&str],
) -> Result<Vec<&'static str>, Failure> {
    let names: Vec<&str> = attributes.iter().map(|(name, _)| *name).collect();
    let query = Query {
        limit: 1,
        ..query(base, accounts, &names)
    };
    let found = connection.search(&query).await.map_err(|fault| fault.failure())?;
    let hidden = match found.entries.first() {
        Some(entry) => lookup::hidden(connection, entry, attributes)
            .await
            .map_err(|fault| fault.failure())?,
        None => Vec::new(),
    };
    match hidden.iter().find(|name| traces.contains(name)) {
        Some(name) => Err(needs_config(&format!(
            "give the operator's account read access to {name}"
        ))),
        None => Ok(hidden),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_in_whatever_order_candidates_come() {
        let mut ids: Vec<String> = (0..450).map(|n| format!("{:03}", n * 7 % 450)).collect();
        let (mut after, mut pages) = (None::<String>, Vec::new());
        loop {
            let mut listing = Listing::behind(after.as_deref());
            for id in &ids {
                listing.take(AccountRead::bare(id));
            }
            let page = listing.page();
            pages.push(page.accounts.into_iter().map(|account| account.id).collect::<Vec<_>>());
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [200, 200, 50]);
        ids.sort();
        assert_eq!(pages.concat(), ids);
    }

    #[test]
    fn exactly_a_page_is_the_last() {
        let mut listing = Listing::behind(None);
        for n in 0..200 {
            listing.take(AccountRead::bare(&format!("{n:03}")));
        }
        let page = listing.page();
        assert_eq!((page.accounts.len(), page.next), (200, None));
    }
}
