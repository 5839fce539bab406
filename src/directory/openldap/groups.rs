//! All groups of an account, transitively, or an error: a list that may be incomplete is never given.
//!
//! Looked for below the whole suffix, by `member` (groupOfNames and its kin), `uniqueMember` (groupOfUniqueNames),
//! `memberUid` and the primary `gidNumber` (posixGroup), and taken from the account's own memberOf. A dynamic group
//! counts as far as the server answers a search for its members. Groups that access rules hide cannot be known.

use super::schema::{ENTRY_UUID, MEMBER_OF};
use crate::directory::ldap::{Connection, Entry, Fault, Query, dn, filter};
use ldap3::Scope;

/// At most so many groups.
const MAX_GROUPS: usize = 1000;
/// At most so many levels of groups in groups.
const MAX_DEPTH: usize = 20;
/// So many names are looked for with one search.
const NAMES_A_SEARCH: usize = 40;
/// So many groups come with one page.
const PAGE: i32 = 200;

/// A group, as the server showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub dn: String,
    /// Its immutable id; unknown for a group that only memberOf tells of.
    pub uuid: Option<String>,
}

/// Every group that the account is in.
///
/// # Errors
/// Why the list could not be read completely, in words for the requester.
pub async fn all(connection: &Connection, suffix: &str, account: &Entry) -> Result<Vec<Group>, String> {
    let mut groups: Vec<Group> = account.all(MEMBER_OF).iter().map(|dn| told(dn)).collect();
    let told_at_first: Vec<String> = groups.iter().map(|group| group.dn.clone()).collect();
    let mut fresh = search(connection, suffix, &[direct(account)], &mut groups).await?;
    fresh.extend(told_at_first);
    for _ in 0..MAX_DEPTH {
        if fresh.is_empty() {
            return Ok(groups);
        }
        let filters: Vec<String> = fresh.chunks(NAMES_A_SEARCH).map(nested).collect();
        fresh = search(connection, suffix, &filters, &mut groups).await?;
    }
    match fresh.is_empty() {
        true => Ok(groups),
        false => Err(format!("groups are nested deeper than {MAX_DEPTH} levels")),
    }
}

fn told(dn: &str) -> Group {
    Group {
        dn: dn.to_owned(),
        uuid: None,
    }
}

/// The groups that name the account itself.
fn direct(account: &Entry) -> String {
    let mut terms = vec![
        filter::equals("member", &account.dn),
        filter::equals("uniqueMember", &account.dn),
    ];
    terms.extend(account.all("uid").iter().map(|uid| filter::equals("memberUid", uid)));
    if let Some(number) = account.first("gidNumber") {
        terms.push(filter::and(&[
            filter::equals("objectClass", "posixGroup"),
            filter::equals("gidNumber", number),
        ]));
    }
    filter::or(&terms)
}

/// The groups that name one of these groups.
fn nested(groups: &[String]) -> String {
    let terms: Vec<String> = groups
        .iter()
        .flat_map(|dn| [filter::equals("member", dn), filter::equals("uniqueMember", dn)])
        .collect();
    filter::or(&terms)
}

/// Adds what the filters find to the groups, and gives the names of those that were not known before.
async fn search(
    connection: &Connection,
    suffix: &str,
    filters: &[String],
    groups: &mut Vec<Group>,
) -> Result<Vec<String>, String> {
    let mut fresh = Vec::new();
    for filter in filters {
        let query = Query {
            base: suffix,
            scope: Scope::Subtree,
            filter,
            attributes: &[ENTRY_UUID],
            names_only: false,
            limit: MAX_GROUPS,
        };
        let found = connection
            .search_paged(&query, PAGE)
            .await
            .map_err(|fault| failed(&fault))?;
        if found.referred {
            return Err("a part of the directory is on another server".into());
        }
        for entry in &found.entries {
            if add(entry, groups) {
                fresh.push(entry.dn.clone());
            }
        }
        if found.more || groups.len() > MAX_GROUPS {
            return Err(format!(
                "there are more groups than {MAX_GROUPS}, or than the server gives"
            ));
        }
    }
    Ok(fresh)
}

fn failed(fault: &Fault) -> String {
    tracing::debug!(?fault, "groups could not be read");
    fault.failure().public
}

/// Whether the group was not known before.
fn add(entry: &Entry, groups: &mut Vec<Group>) -> bool {
    let uuid = entry.first(ENTRY_UUID).map(str::to_owned);
    let known = groups
        .iter_mut()
        .find(|group| (uuid.is_some() && group.uuid == uuid) || group.dn == entry.dn || dn::same(&group.dn, &entry.dn));
    match known {
        Some(group) => {
            group.uuid = uuid;
            false
        }
        None => {
            groups.push(Group {
                dn: entry.dn.clone(),
                uuid,
            });
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_name_every_kind_of_membership() {
        let account = Entry::of("uid=a*,dc=x", &[("uid", &["a*"]), ("gidNumber", &["100"])]);
        assert_eq!(
            direct(&account),
            "(|(member=uid=a\\2a,dc=x)(uniqueMember=uid=a\\2a,dc=x)(memberUid=a\\2a)\
             (&(objectClass=posixGroup)(gidNumber=100)))"
        );
        assert_eq!(nested(&["cn=g".into()]), "(|(member=cn=g)(uniqueMember=cn=g))");
    }

    #[test]
    fn a_group_is_listed_once() {
        let mut groups = vec![told("CN=G, dc=x")];
        let entry = Entry::of("cn=g,dc=x", &[(ENTRY_UUID, &["1"])]);
        assert!(!add(&entry, &mut groups));
        assert!(!add(
            &Entry::of("cn=renamed,dc=x", &[(ENTRY_UUID, &["1"])]),
            &mut groups
        ));
        assert!(add(&Entry::of("cn=h,dc=x", &[(ENTRY_UUID, &["2"])]), &mut groups));
        assert_eq!(groups.len(), 2);
    }
}
