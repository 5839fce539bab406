//! All groups of an account, transitively, or an error: a list that may be incomplete is never given.
//!
//! Looked for below the whole suffix, by `member` (groupOfNames and its kin), `uniqueMember` (groupOfUniqueNames),
//! `memberUid` and the primary `gidNumber` (posixGroup), and taken from the account's own memberOf. A dynamic group
//! counts as far as the server answers a search for its members. Groups that access rules hide cannot be known.

use super::{Connection, Entry, Fault, Query, dn, filter};
use ldap3::Scope;

/// The groups that an overlay or plug-in tells of at the account itself.
pub const MEMBER_OF: &str = "memberOf";
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
    pub id: Option<String>,
}

/// Where groups are looked for.
#[derive(Clone, Copy)]
pub struct Tree<'a> {
    /// The naming context that holds accounts and groups.
    pub suffix: &'a str,
    /// The attribute that holds an entry's immutable id.
    pub id: &'a str,
    /// Whether the schema lets a group be without members.
    pub empty_groups: bool,
}

/// Every group that the account is in.
///
/// # Errors
/// Why the list could not be read completely, in words for the requester.
pub async fn all(connection: &Connection, tree: Tree<'_>, account: &Entry) -> Result<Vec<Group>, String> {
    let mut groups: Vec<Group> = account.all(MEMBER_OF).iter().map(|dn| told(dn)).collect();
    let told_at_first: Vec<String> = groups.iter().map(|group| group.dn.clone()).collect();
    let mut fresh = search(connection, tree, &[direct(account)], &mut groups).await?;
    fresh.extend(told_at_first);
    for _ in 0..MAX_DEPTH {
        if fresh.is_empty() {
            return Ok(groups);
        }
        let filters: Vec<String> = fresh.chunks(NAMES_A_SEARCH).map(nested).collect();
        fresh = search(connection, tree, &filters, &mut groups).await?;
    }
    match fresh.is_empty() {
        true => Ok(groups),
        false => Err(format!("groups are nested deeper than {MAX_DEPTH} levels")),
    }
}

fn told(dn: &str) -> Group {
    Group {
        dn: dn.to_owned(),
        id: None,
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
    tree: Tree<'_>,
    filters: &[String],
    groups: &mut Vec<Group>,
) -> Result<Vec<String>, String> {
    let mut fresh = Vec::new();
    for filter in filters {
        let query = Query {
            base: tree.suffix,
            scope: Scope::Subtree,
            filter,
            attributes: &[tree.id],
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
            if add(entry, tree.id, groups) {
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
fn add(entry: &Entry, id: &str, groups: &mut Vec<Group>) -> bool {
    let id = entry.first(id).map(str::to_owned);
    let known = groups
        .iter_mut()
        .find(|group| (id.is_some() && group.id == id) || group.dn == entry.dn || dn::same(&group.dn, &entry.dn));
    match known {
        Some(group) => {
            group.id = id;
            false
        }
        None => {
            groups.push(Group {
                dn: entry.dn.clone(),
                id,
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
        let entry = Entry::of("cn=g,dc=x", &[("entryUUID", &["1"])]);
        assert!(!add(&entry, "entryUUID", &mut groups));
        assert!(!add(
            &Entry::of("cn=renamed,dc=x", &[("entryUUID", &["1"])]),
            "entryUUID",
            &mut groups
        ));
        assert!(add(
            &Entry::of("cn=h,dc=x", &[("entryUUID", &["2"])]),
            "entryUUID",
            &mut groups
        ));
        assert_eq!(groups.len(), 2);
    }
}
