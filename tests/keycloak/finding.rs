//! Who is found by what, and what is read of them.

use crate::lab::{Lab, email, id, lab, login, refused};
use readmit::domain::account::{LockState, ReadFailure};
use serde_json::json;
use testkit::{
    skip,
    slapd::{OPERATOR_DN, Options, Slapd},
};

#[test]
fn exactly_one_account_is_found_or_none() {
    let Some(lab) = lab(
        "finding",
        &json!({"duplicateEmailsAllowed": true, "loginWithEmailAllowed": false}),
    ) else {
        return;
    };
    let ada = lab.person("ada", &json!({}));
    lab.person("ada.lovelace", &json!({}));
    for name in ["o+plus", "at@sign", "per_cent", "dots.and-dashes", "löwe"] {
        lab.person(name, &json!({"email": format!("{}@example.com", name.len())}));
        assert_eq!(lab.find(&login(name)).login.as_deref(), Some(name));
    }
    for key in [
        login("ada"),
        login("ADA"),
        email("ada@example.com"),
        email("Ada@Example.com"),
        id(&ada),
    ] {
        assert_eq!(lab.find(&key).id, ada, "{key:?}");
    }
    // A part of a name, a pattern, a query, a path: none of them names anybody.
    for text in [
        "ad",
        "*",
        "ada*",
        "%",
        "per%cent",
        "ada&exact=false",
        "",
        " ",
        "count",
        "profile",
        "../users",
    ] {
        assert_eq!(lab.not_found(&login(text)), ReadFailure::NotFound, "{text:?}");
        assert_eq!(lab.not_found(&email(text)), ReadFailure::NotFound, "{text:?}");
        assert_eq!(lab.not_found(&id(text)), ReadFailure::NotFound, "{text:?}");
    }
    lab.person("twin1", &json!({"email": "twins@example.com"}));
    lab.person("twin2", &json!({"email": "twins@example.com"}));
    assert_eq!(lab.not_found(&email("twins@example.com")), ReadFailure::Ambiguous);
}

#[test]
fn groups_are_read_with_their_parents() {
    let Some(lab) = lab(
        "groups",
        &json!({"groups": [{"name": "staff", "subGroups": [{"name": "desk"}]}]}),
    ) else {
        return;
    };
    let person = lab.person("grace", &json!({"groups": ["/staff/desk"]}));
    assert_eq!(
        lab.read(&person).groups,
        Ok(vec!["/staff".to_owned(), "/staff/desk".to_owned()])
    );
}

/// A realm whose people are a slapd's, read-only.
fn federated(slapd: &Slapd) -> Option<Lab> {
    let lab = lab("federated", &json!({}))?;
    let one = |value: &str| json!([value]);
    lab.admin(
        "POST",
        "components",
        Some(&json!({
            "name": "ldap", "providerId": "ldap", "providerType": "org.keycloak.storage.UserStorageProvider",
            "config": {
                "enabled": one("true"), "vendor": one("other"), "editMode": one("READ_ONLY"),
                "importEnabled": one("true"), "connectionUrl": one(&slapd.url()),
                "authType": one("simple"), "bindDn": one(OPERATOR_DN), "bindCredential": one(slapd.secret()),
                "usersDn": one("ou=people,dc=example,dc=test"), "usernameLDAPAttribute": one("uid"),
                "rdnLDAPAttribute": one("uid"), "uuidLDAPAttribute": one("entryUUID"),
                "userObjectClasses": one("inetOrgPerson"), "searchScope": one("1"),
            },
        })),
    );
    Some(lab)
}

#[test]
fn a_federated_account_tells_where_it_comes_from() {
    let Some(slapd) = skip::unless_missing(Slapd::start(Options::default())) else {
        return;
    };
    let Some(lab) = federated(&slapd) else { return };
    let account = lab.find(&login("erik"));
    assert_eq!(account.foreign_source.as_deref(), Some("ldap"));
    assert_eq!(account.lock, LockState::NotLocked);
    assert_eq!(account.password_marker, None, "its password is not kept here");
    let failure = refused(lab.set_password(&account.id, "Irgend-Ein-Wort-1"));
    assert!(failure.public.contains("read-only"), "{}", failure.public);
    lab.person("local", &json!({}));
    assert_eq!(lab.find(&login("local")).foreign_source, None);
}
