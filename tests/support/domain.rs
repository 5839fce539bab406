//! A Samba domain on a stage: manifests that lead to it, and what is looked at afterwards.

use serde_json::{Value, json};
use testkit::samba::{PEOPLE_DN, Samba, person_dn};

/// The Secret of a Directory of the same name.
pub fn secret(name: &str, samba: &Samba, password: &str) -> Value {
    let ca = std::fs::read_to_string(samba.ca_file()).expect("a CA");
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "readmit-system"},
        "stringData": {"password": password, "ca.crt": ca},
    })
}

/// A Directory for the domain, as the examples have it.
pub fn directory(name: &str, samba: &Samba, bind_name: &str) -> Value {
    json!({
        "apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": name},
        "spec": {"provider": {"activeDirectory": {
            "url": samba.url(), "bindName": bind_name, "bindSecretRef": {"name": name}, "caSecretRef": {"name": name},
            "baseDN": PEOPLE_DN, "targetServer": "PDC",
        }}},
    })
}

/// What the operator wrote to a person: attributes and result, one text a write.
pub fn writes(samba: &Samba, name: &str) -> Vec<String> {
    let changes = samba.changes_of(&person_dn(name)).expect("the audit log");
    changes
        .into_iter()
        .map(|change| match change.result {
            0 => change.attributes.join(", "),
            code => format!("refused with {code}: {}", change.attributes.join(", ")),
        })
        .collect()
}

/// The Win32 code with which the server refuses a sign-in; `None` where it lets in.
pub fn sign_in(samba: &Samba, name: &str, password: &str) -> Option<String> {
    let bind = samba.bind(&person_dn(name), password).expect("an answer");
    (bind.code != 0).then(|| bind.data.unwrap_or(bind.text))
}
