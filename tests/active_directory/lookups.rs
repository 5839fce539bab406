//! Finding accounts, and what is told of them.

use crate::lab::{Lab, email, id, login};
use readmit::domain::account::{FailureClass, ReadFailure};
use testkit::samba::{DOMAIN_DN, OPERATOR, PEOPLE_DN, person_dn};

#[test]
fn every_name_of_an_account_finds_it() {
    let Some(lab) = Lab::start() else { return };
    let account = lab.account("by-name");
    assert_eq!(account.login.as_deref(), Some("by-name@example.test"));
    assert_eq!(account.email.as_deref(), Some("by-name@example.com"));
    assert_eq!(account.aliases, ["by-name"]);
    for key in [
        login("BY-NAME"),
        login("by-name@example.test"),
        email("by-name@example.com"),
        id(&account.id),
        id(&account.id.to_uppercase()),
    ] {
        assert_eq!(lab.find(&key).unwrap().id, account.id, "{key:?}");
    }
    // With another explicit name, sAMAccountName@domain still signs in.
    lab.samba
        .set(&person_dn("by-name"), "userPrincipalName", "named@corp.example")
        .unwrap();
    for name in ["named@corp.example", "by-name@Example.Test", "by-name"] {
        let found = lab.account(name);
        assert_eq!(found.id, account.id, "{name}");
        assert_eq!(found.login.as_deref(), Some("named@corp.example"));
        assert_eq!(found.aliases, ["by-name", "by-name@example.test"]);
    }
}

#[test]
fn what_is_looked_for_cannot_change_the_search() {
    let Some(lab) = Lab::start() else { return };
    for key in [
        login("*"),
        login("b*b"),
        login("alice)(objectClass=*"),
        login("*)(sAMAccountName=alice"),
        login("a\\2ab"),
        login("\0"),
        login(""),
        login("nobody"),
        login("nobody@example.test"),
        login(&"x".repeat(5000)),
        email("*@example.com"),
        id("00000000-0000-0000-0000-000000000000"),
        id("*"),
        id("a91df29c-2fca-4225-a442-26bdc9bc0ffa>,DC=x"),
    ] {
        assert_eq!(lab.find(&key).unwrap_err(), ReadFailure::NotFound, "{key:?}");
    }
}

#[test]
fn two_accounts_with_one_address_are_not_chosen_between() {
    let Some(lab) = Lab::start() else { return };
    for name in ["twin1", "twin2"] {
        lab.samba.set(&person_dn(name), "mail", "twins@example.com").unwrap();
    }
    assert_eq!(
        lab.find(&email("twins@example.com")).unwrap_err(),
        ReadFailure::Ambiguous
    );
}

#[test]
fn computers_and_groups_are_no_accounts() {
    let Some(lab) = Lab::start() else { return };
    for name in ["dc1$", "Domain Admins", "Users"] {
        assert_eq!(lab.find(&login(name)).unwrap_err(), ReadFailure::NotFound, "{name}");
    }
}

#[test]
fn the_id_stays_when_names_and_place_change() {
    let Some(lab) = Lab::start() else { return };
    let before = lab.account("moved");
    lab.samba
        .modify(&format!(
            "dn: {}\nchangetype: modrdn\nnewrdn: CN=moved\\, too\ndeleteoldrdn: 1\n",
            person_dn("moved")
        ))
        .unwrap();
    lab.samba
        .set(&format!("CN=moved\\, too,{PEOPLE_DN}"), "sAMAccountName", "departed")
        .unwrap();
    let after = lab.find(&id(&before.id)).unwrap();
    assert_eq!(after.id, before.id);
    assert!(after.aliases.contains(&"departed".to_owned()), "{:?}", after.aliases);
    assert_eq!(lab.find(&login("departed")).unwrap().id, before.id);
    assert_eq!(lab.find(&login("moved")).unwrap_err(), ReadFailure::NotFound);
}

#[test]
fn the_base_bounds_what_is_found() {
    let Some(whole) = Lab::start() else { return };
    let operator = whole.account(OPERATOR);
    let Some(lab) = Lab::with(|spec| spec.base_dn = Some(PEOPLE_DN.into())) else {
        return;
    };
    assert_eq!(lab.find(&login(OPERATOR)).unwrap_err(), ReadFailure::NotFound);
    assert_eq!(lab.find(&id(&operator.id)).unwrap_err(), ReadFailure::NotFound);
    assert!(lab.account("bob").id.len() == 36);
    let Some(lab) = Lab::with(|spec| spec.base_dn = Some(format!("OU=None,{DOMAIN_DN}"))) else {
        return;
    };
    match lab.find(&login("bob")).unwrap_err() {
        ReadFailure::Failed(failure) => {
            assert_eq!(failure.class, FailureClass::NeedsConfig);
            assert!(failure.public.contains("baseDN"), "{}", failure.public);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn policies_see_the_profile_and_no_secret() {
    let Some(lab) = Lab::start() else { return };
    let account = lab.account("bob");
    assert_eq!(account.profile["c"], "DE");
    assert_eq!(account.profile["displayName"], "Person bob");
    let hidden = ["unicodePwd", "supplementalCredentials", "ntPwdHistory", "objectSid"];
    for name in hidden {
        assert!(!account.profile.contains_key(name), "{name}");
    }
    assert!(
        account.unreadable.contains(&"objectSid".to_owned()),
        "{:?}",
        account.unreadable
    );
    // Octets as well, and told as a text: it is what an account is known by elsewhere.
    assert_eq!(account.profile["objectGUID"], account.id.as_str());
    assert!(!account.unreadable.contains(&"objectGUID".to_owned()));
    assert_eq!(account.server.as_deref(), Some(testkit::samba::HOST));
}
