//! What a test's realm begins with: the operator's client with the least rights, a client for people to sign in with,
//! brute-force detection, events, mail.

use std::sync::OnceLock;

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};

/// The client of the operator; its secret is its own name backwards.
pub const CLIENT: &str = "readmit";
/// What its service account may do, and no more: what the documentation asks for.
pub const RIGHTS: &[&str] = &["manage-users", "view-realm", "view-clients", "view-events"];
/// After so many wrong passwords an account is locked.
const FAILURES: usize = 3;

/// A realm that locks for a while. `more` goes over it, member by member; `rights` are those of the operator's client.
pub fn realm(name: &str, mail_port: u16, rights: &[&str], more: &Value) -> Value {
    let mut realm = cheap(name);
    let members = json!({
        "bruteForceProtected": true,
        "failureFactor": FAILURES,
        "waitIncrementSeconds": 600,
        "maxFailureWaitSeconds": 900,
        "quickLoginCheckMilliSeconds": 0,
        "adminEventsEnabled": true,
        "eventsEnabled": true,
        "smtpServer": {"host": "127.0.0.1", "port": mail_port.to_string(), "from": sender(name)},
        "clients": [
            client(CLIENT),
            {
                "clientId": "app", "enabled": true, "publicClient": true, "directAccessGrantsEnabled": true,
                "standardFlowEnabled": true, "redirectUris": ["*"],
            },
        ],
        "users": [service_account(CLIENT, rights)],
    });
    for (name, value) in [&members, more].into_iter().filter_map(Value::as_object).flatten() {
        match (&mut realm[name], value) {
            (Value::Array(list), Value::Array(more)) => list.extend(more.iter().cloned()),
            (field, value) => *field = value.clone(),
        }
    }
    realm
}

/// A realm with an RSA key that this process made, for signing and for encryption, and with a hash that costs nothing: tests
/// set many passwords, and guess none. Keycloak would make new keys for each realm, which took three of the four seconds
/// that a realm took: the Java that starts fast is slow with large numbers.
pub(super) fn cheap(name: &str) -> Value {
    static KEYS: OnceLock<(String, String)> = OnceLock::new();
    let (key, certificate) = KEYS.get_or_init(|| {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("an RSA key");
        let certificate = CertificateParams::default().self_signed(&key).expect("a certificate");
        (key.serialize_pem(), certificate.pem())
    });
    json!({
        "realm": name, "enabled": true, "privateKey": key, "certificate": certificate,
        "passwordPolicy": "hashAlgorithm(pbkdf2-sha256) and hashIterations(1)",
    })
}

/// Whose mails a realm's are, so that no other realm's are taken for them.
pub(super) fn sender(realm: &str) -> String {
    format!("{realm}@sign-in.example.com")
}

/// A confidential client with a service account; its secret is its name backwards.
pub fn client(name: &str) -> Value {
    json!({
        "clientId": name, "secret": secret(name), "enabled": true, "publicClient": false,
        "serviceAccountsEnabled": true, "standardFlowEnabled": false, "directAccessGrantsEnabled": false,
    })
}

/// The service account of a client, with these roles of `realm-management`.
pub fn service_account(client: &str, rights: &[&str]) -> Value {
    json!({
        "username": format!("service-account-{client}"), "enabled": true, "serviceAccountClientId": client,
        "clientRoles": {"realm-management": rights},
    })
}

/// The secret of a client.
pub fn secret(client: &str) -> String {
    client.chars().rev().collect()
}

/// The password that [`user`] gives.
pub fn initial_password(username: &str) -> String {
    format!("Erst-mal-{username}-1")
}

/// An ordinary person.
pub fn user(username: &str) -> Value {
    json!({
        "username": username, "email": format!("{username}@example.com"), "enabled": true, "emailVerified": true,
        "firstName": "Person", "lastName": username,
        "credentials": [{"type": "password", "value": initial_password(username)}],
    })
}
