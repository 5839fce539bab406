//! All groups of an account, transitively, or an error: a list that may be incomplete is never given.
//!
//! The server follows groups in groups itself (LDAP_MATCHING_RULE_TRANSITIVE_EVAL), from the account and from its primary
//! group, which `member` does not show. A group that the account names and the search does not find lies in another
//! domain, or is hidden.

use super::{
    identifier::Sid,
    schema::{MEMBER, MEMBER_OF, OBJECT_SID, PRIMARY_GROUP_ID, oid},
    session::Session,
};
use crate::directory::ldap::{Connection, Entry, Fault, Query, dn, filter};
use ldap3::Scope;

/// At most so many groups.
const MAX_GROUPS: usize = 1000;
/// So many groups come with one page.
const PAGE: i32 = 200;

/// A group, as the server showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub dn: String,
    /// Its security identifier.
    pub sid: Option<Sid>,
}

/// Every group that the account is in.
///
/// # Errors
/// Why the list could not be read completely, in words for the requester.
pub async fn all(session: &Session, account: &Entry) -> Result<Vec<Group>, String> {
    let domain = &session.root.domain;
    let own = account.octets(OBJECT_SID).next().and_then(Sid::parse);
    let primary = account
        .number(PRIMARY_GROUP_ID)
        .and_then(|rid| own?.sibling(u32::try_from(rid).ok()?))
        .ok_or("give the operator's account read access to objectSid and primaryGroupID")?;
    let mut groups = search(session, domain, &filter::equals_octets(OBJECT_SID, &primary.octets())).await?;
    let Some(primary) = groups.first() else {
        return Err("the account's primary group cannot be read".into());
    };
    let chain = |dn: &str| filter::by_rule(MEMBER, oid::IN_CHAIN, dn);
    let found = search(session, domain, &filter::or(&[chain(&account.dn), chain(&primary.dn)])).await?;
    groups.extend(found);
    let known = |name: &String| {
        groups
            .iter()
            .any(|group| group.dn == *name || dn::same(&group.dn, name))
    };
    match account.all(MEMBER_OF).iter().all(known) {
        true => Ok(groups),
        false => Err("a group of the account lies in another domain, or cannot be read".into()),
    }
}

async fn search(connection: &Connection, domain: &str, filter: &str) -> Result<Vec<Group>, String> {
    let query = Query {
        base: domain,
        scope: Scope::Subtree,
        filter,
        attributes: &[OBJECT_SID],
        names_only: false,
        limit: MAX_GROUPS,
    };
    let found = connection
        .search_paged(&query, PAGE)
        .await
        .map_err(|fault| failed(&fault))?;
    if found.more {
        return Err(format!("the account is in more groups than {MAX_GROUPS}"));
    }
    let group = |entry: &Entry| Group {
        dn: entry.dn.clone(),
        sid: entry.octets(OBJECT_SID).next().and_then(Sid::parse),
    };
    Ok(found.entries.iter().map(group).collect())
}

fn failed(fault: &Fault) -> String {
    tracing::debug!(?fault, "groups could not be read");
    fault.failure().public
}
