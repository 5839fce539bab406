//! Requests on the real API server and a real Keycloak: what is Keycloak's own. What it shares with every directory
//! stands in `behaviours`.

#[path = "../support/mod.rs"]
mod support;

use serde_json::{Value, json};
use std::sync::OnceLock;
use support::{
    ldap::{Recipient, check, in_seconds, policy, reset, says, text, unlock},
    stage::{Stage, ready, stage},
};
use testkit::{
    keycloak::{self, CLIENT, Keycloak, RIGHTS, initial_password, secret},
    skip,
};

/// A realm that locks for good, one that locks for a while, and one whose operator lacks a right. Other suites have realms
/// on the same server.
const PERMANENT: &str = "requests-permanent";
const TEMPORARY: &str = "requests-temporary";
const POOR: &str = "requests-poor";

/// The server, with a Directory and a policy for each realm on the stage.
fn scene() -> Option<(&'static Stage, &'static Keycloak)> {
    static SERVER: OnceLock<Option<Keycloak>> = OnceLock::new();
    let stage = stage()?;
    let server = SERVER.get_or_init(|| {
        let server = skip::unless_missing(Keycloak::shared())?;
        for (realm, more) in [
            (PERMANENT, json!({"permanentLockout": true})),
            (TEMPORARY, json!({"adminEventsEnabled": false})),
        ] {
            server.import(&keycloak::realm(realm, server.mail_port(), RIGHTS, &more));
            stage.admin(&text(&directory(&server, realm, realm)));
        }
        Some(server)
    });
    Some((stage, server.as_ref()?))
}

fn keeper() -> &'static Recipient {
    static KEEPER: OnceLock<Recipient> = OnceLock::new();
    KEEPER.get_or_init(Recipient::new)
}

/// Secret, Directory and a policy that allows everything in it.
fn directory(server: &Keycloak, name: &str, realm: &str) -> Vec<Value> {
    let methods = ["Link", "TemporaryPassword", "ChangeAtNextSignIn"];
    let password = json!({"methods": methods, "recipients": [keeper().public()]});
    vec![
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "readmit-system"},
            "stringData": {"client-secret": secret(CLIENT), "ca.crt": server.ca_pem()},
        }),
        json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": name},
            "spec": {"provider": {"keycloak": {
                "url": server.tls_url(), "realm": realm, "clientID": CLIENT, "clientSecretRef": {"name": name},
                "caSecretRef": {"name": name},
            }}},
        }),
        policy(
            name,
            name,
            &["Unlock", "ResetPassword"],
            &json!({"serviceAccounts": true, "password": password}),
        ),
    ]
}

fn person(server: &Keycloak, realm: &str, username: &str, more: &Value) -> String {
    server.admin(
        "POST",
        &format!("{realm}/users"),
        Some(&keycloak::person(username, more)),
    );
    server.id(realm, username)
}

fn gets_in(server: &Keycloak, realm: &str, username: &str) -> bool {
    server.sign_in(realm, username, &initial_password(username)).status == 200
}

/// The Account object of an id, where there is one.
fn account(stage: &Stage, id: &str) -> Option<Value> {
    let list = stage.plane.kubectl_as("admin", &["get", "acct", "-o", "json"]);
    let list: Value = serde_json::from_str(&list.expect("the list of accounts")).expect("JSON");
    let items = list["items"].as_array().cloned().unwrap_or_default();
    items.into_iter().find(|item| item["id"] == id)
}

fn writes(server: &Keycloak, id: &str) -> Vec<String> {
    let calls = server.calls(id).into_iter().filter(|call| call.method != "GET");
    calls.map(|call| call.method).collect()
}

#[test]
fn a_permanent_lock_is_ended_under_a_claim_and_a_temporary_one_without() {
    let Some((stage, server)) = scene() else { return };
    for (realm, call, claimed) in [(PERMANENT, "PUT", true), (TEMPORARY, "DELETE", false)] {
        let id = person(server, realm, "dana", &json!({}));
        server.lock(realm, "dana");
        assert!(!gets_in(server, realm, "dana"), "really locked");
        let name = format!("{realm}-dana");
        stage.create("bob", &text(&[unlock(&name, realm, "dana", &json!({}))]));
        let status = stage.finished("aur", &name);
        check(&status, "Succeeded", "Unlocked", "read back as not locked");
        assert!(gets_in(server, realm, "dana"), "{realm}");
        assert_eq!(writes(server, &id), [call], "{realm}");
        assert_eq!(status["lockout"]["until"].is_string(), !claimed, "{status:#}");
        let account = account(stage, &id);
        assert_eq!(account.is_some(), claimed, "{realm}: {account:?}");
        assert_eq!(status["account"]["ref"].is_string(), claimed, "{status:#}");
    }
}

#[test]
fn a_pipeline_clears_a_temporary_lock_under_a_claim() {
    let Some((stage, server)) = scene() else { return };
    let id = person(server, TEMPORARY, "piped", &json!({}));
    server.lock(TEMPORARY, "piped");
    let more = json!({"notAfter": in_seconds(600)});
    stage.create("pipeline", &text(&[unlock("piped-1", TEMPORARY, "piped", &more)]));
    check(
        &stage.finished("aur", "piped-1"),
        "Succeeded",
        "Unlocked",
        "read back as not locked",
    );
    assert_eq!(writes(server, &id), ["DELETE"]);
    assert!(account(stage, &id).is_some());
}

/// A locked person asks for a link: Keycloak mails nobody who is disabled, and a permanent lock is just that.
#[test]
fn a_link_for_somebody_locked_for_good_unlocks_first() {
    let Some((stage, server)) = scene() else { return };
    let id = person(server, PERMANENT, "lotte", &json!({}));
    server.lock(PERMANENT, "lotte");
    stage.create("bob", &text(&[reset("lotte-1", PERMANENT, "lotte", &json!({}))]));
    check(
        &stage.finished("pwr", "lotte-1"),
        "Succeeded",
        "LinkSent",
        "mailed a reset link",
    );
    assert_eq!(server.mails_to(PERMANENT, "lotte@example.com").len(), 1);
    assert_eq!(&writes(server, &id)[..2], ["PUT", "PUT"]);
    assert!(gets_in(server, PERMANENT, "lotte"), "the old password still works");

    // Left locked as asked, there is no mail and the request says why.
    let kept = person(server, PERMANENT, "kept", &json!({}));
    server.lock(PERMANENT, "kept");
    stage.create(
        "bob",
        &text(&[reset("kept-1", PERMANENT, "kept", &json!({"unlock": false}))]),
    );
    check(
        &stage.finished("pwr", "kept-1"),
        "Failed",
        "Refused",
        "disabled, and is sent no mail",
    );
    assert_eq!(
        server.admin("GET", &format!("{PERMANENT}/users/{kept}"), None)["enabled"],
        false
    );
}

#[test]
fn a_disabled_person_is_never_enabled() {
    let Some((stage, server)) = scene() else { return };
    for (realm, name, locked) in [(PERMANENT, "left", false), (TEMPORARY, "barred", true)] {
        let id = person(server, realm, name, &json!({}));
        if locked {
            server.lock(realm, name);
        }
        server.admin("PUT", &format!("{realm}/users/{id}"), Some(&json!({"enabled": false})));
        let asked = format!("{name}-1");
        stage.create("bob", &text(&[unlock(&asked, realm, name, &json!({}))]));
        let status = stage.finished("aur", &asked);
        match locked {
            true => check(&status, "Failed", "Refused", "locked and disabled"),
            false => check(&status, "Succeeded", "NotLocked", "it is disabled"),
        }
        let asked = format!("{name}-reset");
        stage.create(
            "bob",
            &text(&[reset(&asked, realm, name, &json!({"method": "TemporaryPassword"}))]),
        );
        check(&stage.finished("pwr", &asked), "Failed", "Refused", "disabled");
        assert_eq!(writes(server, &id), [""; 0], "{name}");
        assert_eq!(
            server.admin("GET", &format!("{realm}/users/{id}"), None)["enabled"],
            false
        );
    }
}

#[test]
fn a_reset_lets_a_person_locked_for_good_in_and_keeps_their_account_as_it_is() {
    let Some((stage, server)) = scene() else { return };
    let id = person(
        server,
        PERMANENT,
        "reset",
        &json!({"requiredActions": ["VERIFY_EMAIL"]}),
    );
    server.lock(PERMANENT, "reset");
    stage.create(
        "bob",
        &text(&[reset(
            "reset-1",
            PERMANENT,
            "reset",
            &json!({"method": "TemporaryPassword"}),
        )]),
    );
    let status = stage.finished("pwr", "reset-1");
    check(&status, "Succeeded", "PasswordReset", "status.delivery.sealed");
    let password = keeper().open(&status).expect("sealed to the keeper");
    let answer = server.sign_in(PERMANENT, "reset", &password);
    assert_eq!(
        answer.json()["error_description"],
        "Account is not fully set up",
        "{}",
        answer.body
    );
    let user = server.admin("GET", &format!("{PERMANENT}/users/{id}"), None);
    let required = user["requiredActions"].as_array().expect("a list");
    assert!(
        required.len() == 2 && required.contains(&json!("VERIFY_EMAIL")),
        "{required:?}"
    );
    assert_eq!(user["email"], "reset@example.com");
}

/// The Directory is not Ready and says which right is missing; nothing is sent, and it goes on once it is there.
#[test]
fn a_missing_right_is_waited_for() {
    let Some((stage, server)) = scene() else { return };
    let rights = ["manage-users", "view-realm", "view-events"];
    server.import(&keycloak::realm(POOR, server.mail_port(), &rights, &json!({})));
    let id = person(server, POOR, "dana", &json!({}));
    server.lock(POOR, "dana");
    stage.admin(&text(&directory(server, POOR, POOR)));
    stage.create("bob", &text(&[unlock("poor-1", POOR, "dana", &json!({}))]));
    // At first it may only say that the Directory has not been probed yet.
    let lacking = "lacks the role view-clients of realm-management";
    let status = stage.status_when("aur", "poor-1", |status| {
        ready(status)["message"]
            .as_str()
            .is_some_and(|text| text.contains(lacking))
    });
    says(&status, "DirectoryUnavailable", lacking);
    assert_eq!(writes(server, &id), [""; 0]);
    let clients = server.admin("GET", &format!("{POOR}/clients?clientId=realm-management"), None);
    let client = clients[0]["id"].as_str().expect("an id");
    let own = server.id(POOR, "service-account-readmit");
    let role = server.admin("GET", &format!("{POOR}/clients/{client}/roles/view-clients"), None);
    server.admin(
        "POST",
        &format!("{POOR}/users/{own}/role-mappings/clients/{client}"),
        Some(&json!([role])),
    );
    stage.status_when("aur", "poor-1", |status| ready(status)["reason"] == "Unlocked");
    assert_eq!(writes(server, &id), ["DELETE"]);
}

#[test]
fn the_master_realm_is_refused_by_the_api_server() {
    let Some((stage, server)) = scene() else { return };
    let manifests = text(&directory(server, "master", "master"));
    let error = stage.plane.apply("admin", &manifests).expect_err("refused");
    assert!(format!("{error:#}").contains("must not be master"), "{error:#}");
}
