//! Whole requests against a real slapd: the server with extra people, manifests as data, and what is looked at
//! afterwards, upstream and in the cluster.

use super::{
    api,
    stage::{Stage, ready},
    watch,
};
use age::{Decryptor, Identity, armor::ArmoredReader, secrecy::ExposeSecret, x25519};
use serde_json::{Value, json};
use std::{io::Read, time::Duration};
use testkit::{
    skip,
    slapd::{self, LoggedWrite, OPERATOR_DN, ROOT_DN, Slapd, User, user_dn},
};

/// A server with the usual people and these; `None` where this machine cannot have one.
pub fn server(more: &[&str]) -> Option<Slapd> {
    skip::unless_missing(try_server(more))
}

/// A server with the usual people and these.
///
/// # Errors
/// [`skip::Missing`] where this machine cannot have one.
pub fn try_server(more: &[&str]) -> anyhow::Result<Slapd> {
    let mut options = slapd::Options {
        extra: "lastbind on".into(),
        ..slapd::Options::default()
    };
    options.users.extend(more.iter().map(|uid| User {
        uid: (*uid).into(),
        name: format!("Person {uid}"),
        surname: "Person".into(),
        mail: format!("{uid}@example.com"),
        employee_type: "staff".into(),
        country: "DE".into(),
    }));
    Slapd::start(options)
}

/// Puts `more` over `base`, member by member.
fn merge(base: &mut Value, more: &Value) {
    match (base, more) {
        (Value::Object(base), Value::Object(more)) => {
            for (key, value) in more {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, more) => *base = more.clone(),
    }
}

fn object(kind: &str, name: &str, mut spec: Value, more: &Value) -> Value {
    merge(&mut spec, more);
    json!({"apiVersion": "readmit.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// The Secret of a Directory of the same name.
pub fn secret(name: &str, slapd: &Slapd, password: &str) -> Value {
    let ca = std::fs::read_to_string(slapd.ca_file()).expect("a CA");
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "readmit-system"},
        "stringData": {"password": password, "ca.crt": ca},
    })
}

/// A Directory for the server, with the documented settings and `more` in its spec.
pub fn directory(name: &str, slapd: &Slapd, more: &Value) -> Value {
    let spec = json!({"provider": {"openldap": {
        "url": slapd.tls_url(), "bindDN": OPERATOR_DN, "bindSecretRef": {"name": name}, "caSecretRef": {"name": name},
        "baseDN": slapd::SUFFIX, "defaultPolicyDN": slapd::policy_dn("default"),
    }}});
    object("Directory", name, spec, more)
}

/// A policy for one Directory, with `more` in its spec.
pub fn policy(name: &str, directory: &str, actions: &[&str], more: &Value) -> Value {
    object(
        "AccountPolicy",
        name,
        json!({"actions": actions, "directories": [directory]}),
        more,
    )
}

/// An AccountUnlockRequest for a login, with `more` in its spec.
pub fn unlock(name: &str, directory: &str, login: &str, more: &Value) -> Value {
    request("AccountUnlockRequest", name, directory, login, more)
}

/// A PasswordResetRequest for a login, with `more` in its spec.
pub fn reset(name: &str, directory: &str, login: &str, more: &Value) -> Value {
    request("PasswordResetRequest", name, directory, login, more)
}

fn request(kind: &str, name: &str, directory: &str, login: &str, more: &Value) -> Value {
    let mut spec = json!({"directory": directory});
    if more.get("account").is_none() {
        spec["account"] = json!({"login": login});
    }
    let mut request = object(kind, name, spec, more);
    request["metadata"]["namespace"] = "default".into();
    request
}

/// Manifests as one text for kubectl.
pub fn text(manifests: &[Value]) -> String {
    manifests.iter().map(|manifest| format!("---\n{manifest}\n")).collect()
}

/// A time so many seconds from now, as a manifest says it.
pub fn in_seconds(seconds: i64) -> String {
    let time = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Asserts how a request ended.
#[track_caller]
pub fn check(status: &Value, outcome: &str, reason: &str, message: &str) {
    assert_eq!(status["outcome"], outcome, "{status:#}");
    says(status, reason, message);
}

/// Asserts what the Ready condition says.
#[track_caller]
pub fn says(status: &Value, reason: &str, message: &str) {
    assert_eq!(ready(status)["reason"], reason, "{status:#}");
    let text = ready(status)["message"].as_str().unwrap_or_default();
    assert!(text.contains(message), "{text:?} does not say {message:?}");
}

/// What the operator sent to change this person, refused writes included.
pub fn writes(slapd: &Slapd, uid: &str) -> Vec<LoggedWrite> {
    let writes = slapd.writes_by(OPERATOR_DN).expect("the access log");
    let dn = user_dn(uid).to_lowercase();
    writes.into_iter().filter(|w| w.dn.to_lowercase() == dn).collect()
}

/// The password values that the operator set for this person, as the server stored them.
pub fn passwords(slapd: &Slapd, uid: &str) -> Vec<String> {
    let sets = |write: &LoggedWrite| write.result == 0 && write.changes.iter().any(|c| c.starts_with("userPassword:="));
    writes(slapd, uid)
        .iter()
        .filter(|write| sets(write))
        .map(|write| write.changes.join(" "))
        .collect()
}

/// Whether the server lets this person in, and what it says beside.
pub fn signs_in(slapd: &Slapd, uid: &str, password: &str) -> (bool, String) {
    let bind = slapd.bind(&user_dn(uid), password).expect("an answer");
    (bind.code == 0, bind.control.unwrap_or_default())
}

/// Sets one attribute of a person as root, with the Relax control.
pub fn set(slapd: &Slapd, uid: &str, attribute: &str, value: &str) {
    let dn = user_dn(uid);
    let change = format!("dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n");
    slapd
        .modify_as(ROOT_DN, slapd.secret(), &["-e", "relax"], &change)
        .expect("root may do that");
}

/// Somebody who can open sealed passwords.
pub struct Recipient(x25519::Identity);

impl Recipient {
    /// A new key pair.
    pub fn new() -> Self {
        Recipient(x25519::Identity::generate())
    }

    /// What stands in manifests.
    pub fn public(&self) -> String {
        self.0.to_public().to_string()
    }

    /// What never leaves its owner.
    pub fn private(&self) -> String {
        self.0.to_string().expose_secret().to_owned()
    }

    /// The password that a status delivers; `None` where it is sealed to others.
    pub fn open(&self, status: &Value) -> Option<String> {
        let sealed = status["delivery"]["sealed"].as_str().expect("something is delivered");
        let decryptor = Decryptor::new(ArmoredReader::new(sealed.as_bytes())).expect("an age file");
        let mut reader = decryptor.decrypt(std::iter::once(&self.0 as &dyn Identity)).ok()?;
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("text");
        Some(text)
    }
}

/// The upstream id of a person.
pub fn id(slapd: &Slapd, uid: &str) -> String {
    let id = slapd.attribute(&user_dn(uid), "entryUUID").expect("an answer");
    id.expect("every entry has one")
}

/// The Account object of a person, where there is one.
pub fn account(stage: &Stage, slapd: &Slapd, uid: &str) -> Option<Value> {
    let id = id(slapd, uid);
    let mut accounts = api::list(stage.plane, "acct").into_iter();
    accounts.find(|account| account["id"] == id.as_str())
}

/// Waits until nothing is claimed of a person's account any more, and gives the outcomes of its ledger.
#[track_caller]
pub fn closed_ledger(stage: &Stage, slapd: &Slapd, uid: &str) -> Vec<String> {
    let id = id(slapd, uid);
    let what = format!("the claim of {uid}'s account ({id}) to be closed");
    let closed = watch::all(stage.plane, "acct", (&what, Duration::from_secs(40)), |accounts| {
        let account = accounts.iter().find(|account| account["id"] == id.as_str());
        let ledger = account.and_then(|account| account["ledger"].as_array());
        let ledger = ledger.map(Vec::as_slice).unwrap_or_default();
        let closed = ledger.iter().all(|entry| entry["claim"].is_null());
        closed.then(|| (account.copied().cloned().unwrap_or_default(), ledger.to_vec()))
    });
    let (account, ledger) = closed.unwrap_or_else(|error| panic!("{error}\n{}", stage.operator.tail()));
    assert!(
        account["metadata"]["labels"]["readmit.dev/claim"].is_null(),
        "{account:#}"
    );
    let outcome = |entry: &Value| entry["outcome"].as_str().unwrap_or_default().to_owned();
    ledger.iter().map(outcome).collect()
}
