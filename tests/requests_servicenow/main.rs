//! Requests, from manifest to sign-in, on the real API server and a simulated ServiceNow whose own log tells what was
//! really done.

#[path = "../support/mod.rs"]
mod support;

mod outcomes;
mod settings;

use sandbox::servicenow::{OPERATOR, OPERATOR_PASSWORD};
use std::sync::OnceLock;
use support::{
    org::Org,
    stage::{ready, stage},
};

/// The Secret of an instance's credential.
pub fn secret(org: &Org, password: &str) -> String {
    let name = &org.name;
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: readmit-system}}\n\
         stringData: {{password: {password}, client-secret: app-secret}}\n"
    )
}

/// A Directory; `credential` is what stands behind the url.
pub fn directory(org: &Org, credential: &str) -> String {
    let (name, url) = (&org.name, &org.sandbox.addresses().servicenow);
    format!(
        "apiVersion: readmit.dev/v1alpha1\nkind: Directory\nmetadata: {{name: {name}}}\n\
         spec: {{provider: {{serviceNow: {{url: '{url}', {credential}}}}}}}\n"
    )
}

/// Basic authentication.
pub fn basic(org: &Org) -> String {
    let name = &org.name;
    directory(
        org,
        &format!("username: {OPERATOR}, passwordSecretRef: {{name: {name}}}"),
    )
}

/// The same Directory, listing locked accounts.
pub fn listing(org: &Org) -> String {
    let spec = basic(org);
    let spec = spec.trim_end().strip_suffix('}').expect("the spec ends the manifest");
    format!("{spec}, lockouts: {{poll: 1s}}}}\n")
}

/// An instance of its own with a Directory and a policy of its name, ready.
pub fn instance(name: &str) -> Option<Org> {
    let org = Org::sandbox(stage()?, name);
    org.stage.admin(&secret(&org, OPERATOR_PASSWORD));
    org.stage.admin(&basic(&org));
    org.stage.admin(&org.policy(""));
    org.directory_when(|status| ready(status)["status"] == "True");
    Some(org)
}

/// The instance that tests share which change nothing but their own user.
pub fn shared() -> Option<&'static Org> {
    static SHARED: OnceLock<Option<Org>> = OnceLock::new();
    SHARED.get_or_init(|| instance("sn-shared")).as_ref()
}

/// The members of the bodies that changed a user, in order of arrival.
pub fn written(org: &Org, user: &str) -> Vec<Vec<String>> {
    let id = org.sandbox.servicenow().user(user).expect("a user")["sys_id"].clone();
    let truth = org.sandbox.truth().into_iter();
    truth
        .filter(|call| call.method == "PATCH" && call.path.ends_with(&id))
        .map(|call| call.body_fields)
        .collect()
}
