//! Accounts that must not be touched, and groups.

use crate::lab::{Lab, NEW, failure};
use readmit::domain::account::{Protection, Step};
use testkit::samba::{ADMINISTRATOR, DOMAIN_DN, OPERATOR, person_dn};

fn why(protection: &Protection) -> &str {
    match protection {
        Protection::None => "not protected",
        Protection::Protected(why) | Protection::Unknown(why) => why,
    }
}

fn group(lab: &Lab, name: &str) -> String {
    let dn = format!("CN={name},CN=Users,{DOMAIN_DN}");
    lab.samba
        .add(&format!("dn: {dn}\nobjectClass: group\nsAMAccountName: {name}\n"))
        .unwrap();
    dn
}

#[test]
fn administrators_and_the_operator_are_protected() {
    let Some(lab) = Lab::start() else { return };
    for (name, reason) in [
        (ADMINISTRATOR.split('@').next().unwrap(), "Administrator"),
        ("krbtgt", "krbtgt"),
        (OPERATOR, "the operator's own account"),
        ("bob", "not protected"),
    ] {
        let protection = lab.account(name).protection;
        assert!(why(&protection).contains(reason), "{name}: {protection:?}");
    }
}

#[test]
fn the_operators_own_account_is_refused_before_a_write() {
    let Some(lab) = Lab::start() else { return };
    for sent in [
        lab.unlock(OPERATOR),
        lab.set_password(OPERATOR, NEW, &[Step::RequireChange]),
    ] {
        assert_eq!(sent.as_str(), "Refused");
        assert!(failure(sent).public.contains("own account"));
    }
    let dn = format!("CN=readmit,OU=Services,{DOMAIN_DN}");
    assert_eq!(lab.samba.changes_of(&dn).unwrap(), []);
}

/// adminCount stays behind when somebody leaves the groups, and so does the protection of the entry's own rules.
#[test]
fn what_admin_sd_holder_marked_stays_protected() {
    let Some(lab) = Lab::start() else { return };
    lab.samba.set(&person_dn("former"), "adminCount", "1").unwrap();
    assert!(why(&lab.account("former").protection).contains("AdminSDHolder"));
    lab.samba.set(&person_dn("former"), "adminCount", "0").unwrap();
    assert_eq!(lab.account("former").protection, Protection::None);
}

#[test]
fn protected_groups_count_through_groups_and_renaming() {
    let Some(lab) = Lab::start() else { return };
    lab.samba
        .join(
            &format!("CN=Account Operators,CN=Builtin,{DOMAIN_DN}"),
            &person_dn("operators"),
        )
        .unwrap();
    assert!(why(&lab.account("operators").protection).contains("Account Operators"));

    let (inner, outer) = (group(&lab, "inner"), group(&lab, "outer"));
    lab.samba.join(&inner, &person_dn("nested")).unwrap();
    lab.samba.join(&outer, &inner).unwrap();
    let before = lab.account("nested");
    assert_eq!(before.protection, Protection::None);
    let groups = before.groups.unwrap();
    for dn in [&inner, &outer, &format!("CN=Domain Users,CN=Users,{DOMAIN_DN}")] {
        assert!(groups.contains(dn), "{dn} in {groups:?}");
    }
    lab.samba
        .join(&format!("CN=Backup Operators,CN=Builtin,{DOMAIN_DN}"), &outer)
        .unwrap();
    assert!(why(&lab.account("nested").protection).contains("Backup Operators"));
}

/// A primary group is named by number alone; `member` does not show it.
#[test]
fn the_primary_group_counts() {
    let Some(lab) = Lab::start() else { return };
    lab.samba
        .join(&format!("CN=Domain Admins,CN=Users,{DOMAIN_DN}"), &person_dn("helper"))
        .unwrap();
    lab.samba.set(&person_dn("helper"), "primaryGroupID", "512").unwrap();
    let account = lab.account("helper");
    assert!(
        why(&account.protection).contains("Domain Admins"),
        "{:?}",
        account.protection
    );
    assert!(
        account
            .groups
            .unwrap()
            .iter()
            .any(|dn| dn.starts_with("CN=Domain Admins,"))
    );
}
