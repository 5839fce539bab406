//! Requests, from manifest to sign-in, on the real API server and a simulated CXone tenant whose own log tells what was
//! really done. Locks are cleared by an administrator in the console, whose part the tests take.

#[path = "../support/mod.rs"]
mod support;

mod outcomes;
mod waiting;

use sandbox::{
    cxone::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, CLIENT_ID, CLIENT_SECRET, OPERATOR},
    {Entry, Origin},
};
use serde_json::json;
use std::sync::OnceLock;
use support::{
    org::Org,
    stage::{ready, stage},
};

/// Secret and Directory of a tenant.
fn manifests(org: &Org) -> String {
    let (name, url) = (&org.name, &org.sandbox.addresses().cxone);
    let reference = json!({"name": name});
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "readmit-system"},
        "stringData": {"access-key-secret": ACCESS_KEY_SECRET, "client-secret": CLIENT_SECRET},
    });
    let directory = json!({
        "apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": name},
        "spec": {"rateLimit": {"requestsPerMinute": 6000}, "lockouts": {"poll": "1s"}, "provider": {"cxone": {
            "url": url, "username": OPERATOR, "poll": "1s",
            "accessKeyID": ACCESS_KEY_ID, "accessKeySecretRef": reference,
            "clientID": CLIENT_ID, "clientSecretRef": reference,
        }}},
    });
    format!("{secret}\n---\n{directory}\n")
}

/// A tenant of its own with a Directory and a policy of its name, ready.
pub fn tenant(name: &str) -> Option<Org> {
    let org = Org::sandbox(stage()?, name);
    org.stage.admin(&manifests(&org));
    org.stage.admin(&org.policy(""));
    org.directory_when(|status| ready(status)["status"] == "True");
    Some(org)
}

/// The tenant that tests share which change nothing but their own person.
pub fn shared() -> Option<&'static Org> {
    static SHARED: OnceLock<Option<Org>> = OnceLock::new();
    SHARED.get_or_init(|| tenant("cx-shared")).as_ref()
}

/// The calls that may change somebody, in order of arrival.
pub fn written(org: &Org, name: &str) -> Vec<Entry> {
    let agent = org.sandbox.cxone().agent(name).expect("an agent");
    let path = format!("/agents/{}/", agent.agent_id);
    let truth = org.sandbox.truth().into_iter();
    truth
        .filter(|call| call.origin == Origin::Api && call.method != "GET" && call.path.contains(&path))
        .collect()
}
