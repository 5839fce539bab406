//! Which accounts must not be touched: the operator's own, those that AdminSDHolder protects or has protected, and members
//! of the groups that it protects, directly or by other groups. Whatever cannot be looked up counts as protected.
//!
//! Protected groups are told by their identifiers, which no renaming changes ("Appendix C: Protected Accounts and Groups
//! in Active Directory"). Group Policy Creator Owners is added: who edits policies for domain controllers owns the domain.

use super::{
    groups::Group,
    identifier::Sid,
    schema::{ADMIN_COUNT, OBJECT_SID, TOKEN_GROUPS},
};
use crate::{directory::ldap::Entry, domain::account::Protection};

/// Relative identifiers of the protected groups of a domain, and of the accounts Administrator and krbtgt.
const PROTECTED_RIDS: [(u32, &str); 11] = [
    (500, "Administrator"),
    (502, "krbtgt"),
    (512, "Domain Admins"),
    (516, "Domain Controllers"),
    (518, "Schema Admins"),
    (519, "Enterprise Admins"),
    (520, "Group Policy Creator Owners"),
    (521, "Read-only Domain Controllers"),
    (526, "Key Admins"),
    (527, "Enterprise Key Admins"),
    (498, "Enterprise Read-only Domain Controllers"),
];
/// Protected groups of the builtin domain.
const PROTECTED_ALIASES: [(u32, &str); 6] = [
    (544, "Administrators"),
    (548, "Account Operators"),
    (549, "Server Operators"),
    (550, "Print Operators"),
    (551, "Backup Operators"),
    (552, "Replicator"),
];

/// Judges one account. `own`: the identifiers in the operator's own access token, in which of all people only the
/// operator itself stands.
pub fn judge(account: &Entry, own: &[Sid], groups: &Result<Vec<Group>, String>) -> Protection {
    let Some(sid) = account.octets(OBJECT_SID).next().and_then(Sid::parse) else {
        return Protection::Unknown("its objectSid cannot be read".into());
    };
    if own.is_empty() {
        return Protection::Unknown("the domain controller does not tell who the operator is".into());
    }
    if own.contains(&sid) {
        return Protection::Protected("it is the operator's own account".into());
    }
    if let Some(name) = protected(&sid) {
        return Protection::Protected(format!("it is the account {name}"));
    }
    if account.number(ADMIN_COUNT).is_some_and(|count| count != 0) {
        return Protection::Protected("AdminSDHolder protects it, or did (adminCount)".into());
    }
    let token: Vec<Sid> = account.octets(TOKEN_GROUPS).filter_map(Sid::parse).collect();
    let found = groups.iter().flatten().filter_map(|group| group.sid.as_ref());
    if let Some(name) = token.iter().chain(found).find_map(protected) {
        return Protection::Protected(format!("it is in the group {name}"));
    }
    match groups {
        // tokenGroups holds every security group, also of other domains.
        Err(why) if token.is_empty() => Protection::Unknown(format!("its groups could not be read: {why}")),
        Ok(_) | Err(_) => Protection::None,
    }
}

fn protected(sid: &Sid) -> Option<&'static str> {
    let named = |list: &[(u32, &'static str)], number: u32| {
        let found = list.iter().find(|(protected, _)| *protected == number);
        found.map(|(_, name)| *name)
    };
    let by_rid = sid.domain_rid().and_then(|rid| named(&PROTECTED_RIDS, rid));
    by_rid.or_else(|| named(&PROTECTED_ALIASES, sid.builtin_alias()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain_sid(rid: u32) -> Vec<u8> {
        let mut octets = vec![1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0];
        octets.extend(rid.to_le_bytes());
        octets
    }

    fn builtin_sid(alias: u32) -> Vec<u8> {
        let mut octets = vec![1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0];
        octets.extend(alias.to_le_bytes());
        octets
    }

    fn group(octets: &[u8]) -> Group {
        Group {
            dn: "cn=renamed".into(),
            sid: Sid::parse(octets),
        }
    }

    #[test]
    fn protection_is_judged() {
        let operator = [Sid::parse(&domain_sid(1105)).unwrap()];
        let users = domain_sid(513);
        let none = Ok(vec![group(&users)]);
        let unread: Result<Vec<Group>, String> = Err("no".into());
        let person = |rid: u32| Entry::of("cn=a", &[]).with_octets(OBJECT_SID, &[&domain_sid(rid)]);
        let counted =
            |count: &str| Entry::of("cn=a", &[(ADMIN_COUNT, &[count])]).with_octets(OBJECT_SID, &[&domain_sid(1200)]);
        let in_token = |octets: &[u8]| person(1200).with_octets(TOKEN_GROUPS, &[&users, octets]);
        for (account, groups, expected) in [
            (person(1200), &none, "none"),
            (person(1105), &none, "the operator's own"),
            (person(500), &none, "Administrator"),
            (person(502), &none, "krbtgt"),
            (counted("1"), &none, "AdminSDHolder"),
            (counted("0"), &none, "none"),
            (person(1200), &Ok(vec![group(&domain_sid(512))]), "Domain Admins"),
            (person(1200), &Ok(vec![group(&builtin_sid(548))]), "Account Operators"),
            (person(1200), &Ok(vec![group(&builtin_sid(545))]), "none"),
            (in_token(&domain_sid(519)), &unread, "Enterprise Admins"),
            (in_token(&builtin_sid(551)), &none, "Backup Operators"),
            (in_token(&builtin_sid(545)), &unread, "none"),
            (person(1200), &unread, "unknown"),
            (Entry::of("cn=a", &[]), &none, "unknown"),
        ] {
            let said = match judge(&account, &operator, groups) {
                Protection::None => "none".to_owned(),
                Protection::Protected(why) => why,
                Protection::Unknown(_) => "unknown".to_owned(),
            };
            assert!(said.contains(expected), "{said:?} and not {expected:?}");
        }
        assert!(matches!(judge(&person(1200), &[], &none), Protection::Unknown(_)));
    }
}
