//! Builders of requests, policies, Directories and accounts; plain defaults that every test bends.

use jiff::Timestamp;
use readmit::{
    api::{Method, RequestStatus, Requester, Span, common::AccountSelector, request_status::PolicyReference},
    domain::{
        account::{AccountRead, Capabilities, Lock, LockState, Protection, Remedy, Step},
        observed::DirectoryView,
        policy::Policy,
        request::{Ask, Kind, Request},
        route::Source,
        rule::Rule,
    },
};
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};

pub fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn start() -> Timestamp {
    time("2026-11-22T12:00:00Z")
}

pub fn unlock(uid: &str) -> Request {
    Request {
        kind: Kind::Unlock,
        namespace: "desk".into(),
        name: format!("name-{uid}"),
        uid: uid.into(),
        version: String::new(),
        created: start(),
        generation: 1,
        deleting: false,
        directory: "ldap".into(),
        account: AccountSelector {
            login: Some("alice".into()),
            id: None,
            email: None,
        },
        policy: None,
        reason: None,
        not_before: None,
        not_after: None,
        suspend: false,
        ttl: None,
        requester: Arc::new(Requester {
            username: Some("desk-agent".into()),
            ..Requester::default()
        }),
        ask: Ask::Unlock,
        status: RequestStatus {
            observed_generation: Some(-1),
            ..RequestStatus::default()
        },
    }
}

pub fn reset(uid: &str, method: Method) -> Request {
    Request {
        kind: Kind::Reset,
        ask: Ask::Reset {
            method,
            unlock: true,
            recipients: Vec::new(),
        },
        ..unlock(uid)
    }
}

/// A policy that allows everything, but for what `spec` says otherwise.
pub fn policy(name: &str, spec: Value) -> Arc<Policy> {
    let mut all = json!({
        "actions": ["Unlock", "ResetPassword"],
        "directories": ["ldap", "cloud"],
        "password": {
            "methods": ["Link", "TemporaryPassword", "ChangeAtNextSignIn"],
            "recipients": ["age1policy"],
        },
    });
    for (key, value) in spec.as_object().unwrap() {
        all[key] = value.clone();
    }
    let spec: readmit::api::AccountPolicySpec = serde_json::from_value(all).unwrap();
    let rules = |rules: &[readmit::api::common::PolicyRule]| rules.iter().map(|r| Rule::compile(r).unwrap()).collect();
    Arc::new(Policy {
        reference: PolicyReference {
            name: name.into(),
            uid: format!("uid-{name}"),
            generation: 1,
        },
        requester: rules(&spec.requester),
        accounts: rules(&spec.accounts),
        spec,
        problem: None,
    })
}

pub fn directory() -> DirectoryView {
    DirectoryView {
        name: "ldap".into(),
        provider: "openldap".into(),
        upstream: "suffix".into(),
        suspended: false,
        trouble: None,
        refusal: None,
        capabilities: Capabilities {
            unlock_only_clears: true,
            ..Capabilities::default()
        },
        limits: Vec::new(),
        protected: Vec::new(),
        sources: Arc::default(),
        username_prefix: String::new(),
    }
}

/// A Directory whose accounts have their credentials in `ldap`.
pub fn cloud() -> DirectoryView {
    // It is looked at with every step of every replica, and compiling its expressions takes a third of all that.
    static CLOUD: LazyLock<DirectoryView> = LazyLock::new(compiled_cloud);
    CLOUD.clone()
}

fn compiled_cloud() -> DirectoryView {
    let source = json!({
        "when": "account.source.type == 'LDAP'", "directory": "ldap", "account": {"login": "account.profile.uid"},
        "confirm": {"id": "account.profile.ldapId"},
    });
    DirectoryView {
        name: "cloud".into(),
        provider: "okta".into(),
        upstream: "organisation".into(),
        sources: [source_of(source)].into(),
        ..directory()
    }
}

pub fn source_of(spec: Value) -> Source {
    Source::compile(&serde_json::from_value(spec).unwrap()).unwrap()
}

/// The account of `cloud` whose credentials are those of [`account`]. It has a lock of its own, which it keeps.
pub fn named(locked: bool) -> AccountRead {
    let kept = Lock {
        remedy: Remedy::None("an administrator does it in the console".into()),
        ..lock()
    };
    let profile = json!({"country": "DE", "uid": "alice", "ldapId": "id-alice"});
    AccountRead {
        id: "cloud-alice".into(),
        login: Some("alice@cloud.example".into()),
        lock: if locked {
            LockState::Locked(kept)
        } else {
            LockState::NotLocked
        },
        foreign_source: Some("LDAP".into()),
        profile: serde_json::from_value(profile).unwrap(),
        password_marker: None,
        lock_stamp: locked.then(|| "c1".into()),
        obstacles: [(Step::Unlock, "its password lives elsewhere".into())].into(),
        ..account()
    }
}

pub fn lock() -> Lock {
    Lock {
        since: None,
        until: None,
        cause: None,
        scope: None,
        remedy: Remedy::Unlock,
    }
}

pub fn account() -> AccountRead {
    AccountRead {
        aliases: Vec::new(),
        id: "id-alice".into(),
        login: Some("alice".into()),
        email: Some("alice@example.com".into()),
        lock: LockState::Locked(lock()),
        disabled: Some(false),
        must_change: Some(false),
        protection: Protection::None,
        foreign_source: None,
        profile: serde_json::from_value(json!({"country": "DE"})).unwrap(),
        unreadable: Vec::new(),
        groups: Ok(Vec::new()),
        password_marker: Some("m1".into()),
        password_changed: None,
        lock_stamp: Some("l1".into()),
        obstacles: Default::default(),
        server: None,
    }
}

pub fn hours(hours: u64) -> Span {
    Span::from_hours(hours)
}
