//! Which accounts must not be touched: the operator's own, and those that the Directory lists as administrators,
//! directly or by a group, transitively. Whatever cannot be looked up counts as protected.

use super::{
    Connection, Entry, Fault, Presence, Query,
    dn::{self, Dn},
    filter,
    groups::{Group, Tree},
};
use crate::domain::account::Protection;
use futures::future::try_join_all;
use ldap3::Scope;

/// The attributes by which groups name members, with the class that must have some.
const MEMBERS: [(&str, &str); 2] = [("groupOfNames", "member"), ("groupOfUniqueNames", "uniqueMember")];

/// An entry or a group whose accounts are protected.
pub struct Administrator {
    /// Where it is named, for messages: `administrators[0]`.
    pub place: String,
    /// Its name.
    pub dn: String,
}

/// The administrators that a Directory lists.
pub fn listed(dns: &[String]) -> Vec<Administrator> {
    dns.iter()
        .enumerate()
        .map(|(place, dn)| Administrator {
            place: format!("administrators[{place}]"),
            dn: dn.clone(),
        })
        .collect()
}

/// What the look-up of the listed administrators showed for one account.
pub struct Listed {
    /// The ids of the listed entries, in the order of the list.
    ids: Vec<String>,
    /// The place of a listed group that names the account itself.
    direct: Option<usize>,
}

/// Looks up the listed administrators, for this account.
///
/// # Errors
/// Which place of the list could not be read, and why. No names.
pub async fn look_up(
    connection: &Connection,
    tree: Tree<'_>,
    administrators: &[Administrator],
    account: &str,
) -> Result<Listed, String> {
    let looks = administrators.iter().enumerate().map(|(at, administrator)| async move {
        let told = |why: String| format!("{} {why}", administrator.place);
        let entry = listed_entry(connection, tree, &administrator.dn).await.map_err(told)?;
        let names = names_account(connection, tree, &entry, account).await.map_err(told)?;
        let id = entry.first(tree.id).map(str::to_owned);
        id.map(|id| (id, names.then_some(at)))
            .ok_or_else(|| told(format!("has no readable {}", tree.id)))
    });
    let found = try_join_all(looks).await?;
    Ok(Listed {
        direct: found.iter().find_map(|(_, place)| *place),
        ids: found.into_iter().map(|(id, _)| id).collect(),
    })
}

async fn listed_entry(connection: &Connection, tree: Tree<'_>, dn: &str) -> Result<Entry, String> {
    let name = Dn::parse(dn).ok_or("is no DN")?;
    // Groups are searched below the suffix: one outside would never be found.
    if !Dn::parse(tree.suffix).is_some_and(|suffix| name.is_within(&suffix)) {
        return Err("lies outside the directory of the accounts".into());
    }
    let query = Query {
        base: dn,
        scope: Scope::Base,
        filter: &filter::present("objectClass"),
        attributes: &[tree.id, "objectClass"],
        names_only: false,
        limit: 1,
    };
    let found = connection.search(&query).await;
    let missing = || "does not exist or cannot be read".to_owned();
    found
        .map_err(|fault| match fault {
            Fault::Answered(_) => missing(),
            other => format!("could not be read: {}", other.failure().public),
        })?
        .entries
        .pop()
        .ok_or_else(missing)
}

/// Whether the group names the account; an error where its members are hidden, because the search for the account's
/// groups then finds nothing and says nothing.
async fn names_account(connection: &Connection, tree: Tree<'_>, entry: &Entry, account: &str) -> Result<bool, String> {
    for (class, attribute) in MEMBERS {
        if !entry.is_a(class) {
            continue;
        }
        match connection.compare(&entry.dn, attribute, account).await {
            Ok(Presence::Equal) => return Ok(true),
            Ok(Presence::Different) => {}
            Ok(Presence::Absent) if tree.empty_groups => {}
            // Where both classes must have at least one member, none is seen only where it is hidden.
            Ok(Presence::Absent | Presence::Hidden) => return Err("is a group whose members cannot be read".into()),
            Err(fault) => return Err(format!("could not be read: {}", fault.failure().public)),
        }
    }
    Ok(false)
}

/// Judges one account.
pub fn judge(
    (account, own_id): (&str, Option<&str>),
    bind_dn: &str,
    administrators: &[Administrator],
    listed: Result<Listed, String>,
    groups: &Result<Vec<Group>, String>,
) -> Protection {
    if dn::same(account, bind_dn) {
        return Protection::Protected("it is the operator's own account".into());
    }
    if administrators.is_empty() {
        return Protection::None;
    }
    let listed = match listed {
        Ok(listed) => listed,
        Err(why) => return Protection::Unknown(why),
    };
    let protected = |dn: &str, own: Option<&str>| {
        administrators
            .iter()
            .zip(&listed.ids)
            .find(|(listed, id)| own == Some(id) || dn::same(&listed.dn, dn))
            .map(|(listed, _)| &listed.place)
    };
    if let Some(place) = protected(account, own_id) {
        return Protection::Protected(format!("it is {place}"));
    }
    if let Some(direct) = listed.direct.and_then(|at| administrators.get(at)) {
        return Protection::Protected(format!("it is a member of {}", direct.place));
    }
    let groups = match groups {
        Ok(groups) => groups,
        Err(why) => return Protection::Unknown(format!("its groups could not be read: {why}")),
    };
    match groups
        .iter()
        .find_map(|group| protected(&group.dn, group.id.as_deref()))
    {
        Some(place) => Protection::Protected(format!("it is a member of {place}")),
        None => Protection::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(ids: &[&str], direct: Option<usize>) -> Result<Listed, String> {
        Ok(Listed {
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            direct,
        })
    }

    fn group(dn: &str, id: Option<&str>) -> Group {
        Group {
            dn: dn.into(),
            id: id.map(str::to_owned),
        }
    }

    #[test]
    fn protection_is_judged() {
        let account = ("uid=a,dc=x", Some("u1"));
        let list = super::listed(&["cn=root,dc=x".to_owned(), "cn=admins,dc=x".to_owned()]);
        let ids = ["r", "g"];
        let none: Result<Vec<Group>, String> = Ok(Vec::new());
        let protected =
            |listed, groups: &Result<Vec<Group>, String>| match judge(account, "cn=op,dc=x", &list, listed, groups) {
                Protection::None => "none",
                Protection::Protected(_) => "protected",
                Protection::Unknown(_) => "unknown",
            };
        assert_eq!(protected(listed(&ids, None), &none), "none");
        assert_eq!(protected(listed(&["r", "u1"], None), &none), "protected");
        assert_eq!(protected(listed(&ids, Some(1)), &none), "protected");
        assert_eq!(
            protected(listed(&ids, None), &Ok(vec![group("cn=renamed", Some("g"))])),
            "protected"
        );
        assert_eq!(
            protected(listed(&ids, None), &Ok(vec![group("CN=Admins, dc=x", None)])),
            "protected"
        );
        assert_eq!(
            protected(listed(&ids, None), &Ok(vec![group("cn=other,dc=x", Some("o"))])),
            "none"
        );
        assert_eq!(protected(listed(&ids, None), &Err("no".into())), "unknown");
        assert_eq!(protected(Err("no".into()), &none), "unknown");
        let own = judge(account, "UID=A, dc=x", &[], listed(&[], None), &none);
        assert!(matches!(own, Protection::Protected(_)));
        assert_eq!(
            judge(account, "cn=op", &[], listed(&[], None), &Err("no".into())),
            Protection::None
        );
    }
}
