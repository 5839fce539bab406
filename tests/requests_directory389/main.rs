//! Requests, from manifest to sign-in, on the real API server and a real 389 Directory Server: what is this directory's
//! own. What all directories have in common stands in `behaviours`.

#[path = "../support/mod.rs"]
mod support;

mod resets;
mod unlocks;

use serde_json::{Value, json};
use std::sync::OnceLock;
use support::{
    ldap::{self, Recipient},
    stage::{Stage, stage},
};
use testkit::{
    dirsrv::{CONFIG_RIGHTS, Dirsrv, OPERATOR_DN, Options},
    skip,
    slapd::{User, initial_password, user_dn},
};

/// The server of this test program, with a Directory `ds` and a policy `desk` on the stage.
pub fn scene() -> Option<(&'static Stage, &'static Dirsrv)> {
    static SERVER: OnceLock<Option<Dirsrv>> = OnceLock::new();
    let stage = stage()?;
    let server = SERVER.get_or_init(|| {
        let server = start(&Options::default())?;
        stage.admin(&ldap::text(&manifests("ds", &server)));
        Some(server)
    });
    Some((stage, server.as_ref()?))
}

/// One more server, whose cn=config the operator may not read.
pub fn closed() -> Option<(&'static Stage, Dirsrv)> {
    let stage = stage()?;
    let options = Options {
        config_rights: Vec::new(),
        ..Options::default()
    };
    let server = start(&options)?;
    stage.admin(&ldap::text(&manifests("closed", &server)));
    Some((stage, server))
}

fn start(options: &Options) -> Option<Dirsrv> {
    skip::unless_missing(Dirsrv::start(options))
}

/// Secret, Directory and policy of one name; the policy of `ds` is called `desk`.
fn manifests(name: &str, server: &Dirsrv) -> Vec<Value> {
    let ca = std::fs::read_to_string(server.ca_file()).expect("a CA");
    let provider = json!({"directory389": {
        "url": server.tls_url(), "bindDN": OPERATOR_DN, "bindSecretRef": {"name": name}, "caSecretRef": {"name": name},
        "baseDN": "ou=people,dc=example,dc=test", "administrators": ["cn=admins,ou=groups,dc=example,dc=test"],
    }});
    let password = json!({"password": {
        "methods": ["Link", "TemporaryPassword", "ChangeAtNextSignIn"], "recipients": [keeper().public()],
    }});
    let policy = if name == "ds" { "desk" } else { name };
    vec![
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "readmit-system"},
            "stringData": {"password": server.secret(), "ca.crt": ca},
        }),
        json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": name},
            "spec": {"provider": provider},
        }),
        ldap::policy(policy, name, &["Unlock", "ResetPassword"], &password),
    ]
}

/// Lets the operator read the password policy in cn=config.
pub fn open(server: &Dirsrv) {
    let aci = CONFIG_RIGHTS[0];
    server
        .modify(&format!("dn: cn=config\nchangetype: modify\nadd: aci\naci: {aci}\n"))
        .expect("root may grant rights");
}

/// Who opens the passwords that are sealed to the policies' recipients.
pub fn keeper() -> &'static Recipient {
    static KEEPER: OnceLock<Recipient> = OnceLock::new();
    KEEPER.get_or_init(Recipient::new)
}

/// Somebody new, for one test; locked out by wrong passwords where that is asked for.
pub fn person(server: &Dirsrv, uid: &str, locked: bool) {
    let user = User {
        uid: uid.into(),
        name: format!("Person {uid}"),
        surname: "Person".into(),
        mail: format!("{uid}@example.com"),
        employee_type: "staff".into(),
        country: "DE".into(),
    };
    server.add_person(&user).expect("root may add people");
    if locked {
        server.lock(uid).expect("locked by wrong sign-ins");
    }
}

/// What a sign-in is answered with: the result code, and what the password policy control says.
pub fn sign_in(server: &Dirsrv, uid: &str, password: &str) -> (i32, String) {
    let bind = server.bind(&user_dn(uid), password).expect("an answer");
    (bind.code, bind.control.unwrap_or_default())
}

/// Whether the person signs in with the first password.
pub fn gets_in(server: &Dirsrv, uid: &str) -> bool {
    sign_in(server, uid, &initial_password(uid)).0 == 0
}

/// What the operator has sent to change this person.
pub fn sends(server: &Dirsrv, uid: &str) -> Vec<String> {
    let id = server.attribute(&user_dn(uid), "nsUniqueId").expect("an answer");
    let sends = server.sends_by(OPERATOR_DN).expect("the access log");
    sends
        .into_iter()
        .filter(|send| send.looked_for == id)
        .map(|send| send.kind)
        .collect()
}
