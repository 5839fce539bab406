//! Which rights are needed, what happens without each, and whom the realm itself protects.

use crate::lab::{call, lab, lab_with, login, refused, usual};
use readmit::{
    directory::Directory,
    domain::account::{FailureClass, Protection},
};
use serde_json::json;
use testkit::keycloak::RIGHTS;

#[test]
fn the_documented_rights_suffice_and_the_realm_is_known_by_its_id() {
    let Some(lab) = usual() else { return };
    let probe = lab.run(lab.directory.probe(&call())).expect("ready");
    assert_eq!(lab.admin("GET", "", None)["id"], probe.upstream.as_str());
    assert!(probe.capabilities.unable.is_empty(), "{:?}", probe.capabilities);
    assert!(!probe.capabilities.unlock_only_clears && !probe.capabilities.reset_unlocks);
}

/// Each without one of them: the Directory cannot be used, and the message names what is missing. Without
/// view-clients Keycloak shows role mappings all the same, and administrators look like anybody.
#[test]
fn a_missing_right_is_named() {
    for (realm, missing) in [
        ("less1", "manage-users"),
        ("less2", "view-realm"),
        ("less3", "view-clients"),
    ] {
        let rights: Vec<&str> = RIGHTS.iter().copied().filter(|right| *right != missing).collect();
        let Some(lab) = lab_with(realm, &rights, &json!({})) else {
            return;
        };
        let failure = lab.run(lab.directory.probe(&call())).expect_err("not ready");
        assert_eq!(failure.class, FailureClass::NeedsConfig, "{missing}");
        assert!(
            failure.public.contains(&format!("role {missing} of realm-management")),
            "{}",
            failure.public
        );
        lab.person("boss", &json!({}));
        if missing == "view-clients" {
            let seen = lab.find(&login("boss")).protection;
            assert!(matches!(seen, Protection::Unknown(_)), "{seen:?}");
        }
    }
}

#[test]
fn administrators_are_protected_however_they_came_by_it() {
    let more = json!({
        "roles": {"realm": [
            {"name": "lead", "composite": true, "composites": {"client": {"realm-management": ["view-users"]}}},
        ]},
        "groups": [
            {"name": "admins", "clientRoles": {"realm-management": ["manage-clients"]}, "subGroups": [{"name": "night"}]},
            {"name": "leads", "realmRoles": ["lead"]},
            {"name": "staff"},
        ],
        "users": [
            {"username": "direct", "enabled": true, "clientRoles": {"realm-management": ["realm-admin"]}},
            {"username": "grouped", "enabled": true, "groups": ["/admins"]},
            {"username": "nested", "enabled": true, "groups": ["/admins/night"]},
            {"username": "composed", "enabled": true, "realmRoles": ["lead"]},
            {"username": "both", "enabled": true, "groups": ["/leads"]},
            {"username": "plain", "enabled": true, "groups": ["/staff"]},
        ],
    });
    let Some(lab) = lab("protected", &more) else { return };
    for (name, role) in [
        ("direct", "realm-admin"),
        ("grouped", "manage-clients"),
        ("nested", "manage-clients"),
        ("composed", "view-users"),
        ("both", "view-users"),
    ] {
        match lab.find(&login(name)).protection {
            Protection::Protected(why) => assert!(why.contains(role), "{name}: {why}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!(lab.find(&login("plain")).protection, Protection::None);
}

#[test]
fn the_operators_own_account_is_left_alone() {
    let Some(lab) = usual() else { return };
    let own = lab.find(&login("service-account-readmit"));
    assert_eq!(
        own.protection,
        Protection::Protected("the operator's own service account".into())
    );
    refused(lab.set_password(&own.id, "Ganz-Neues-Wort-1"));
    refused(lab.unlock(&own.id));
    assert_eq!(lab.writes(&own.id), []);
}
