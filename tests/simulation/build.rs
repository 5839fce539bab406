//! Builders of requests, policies, Directories and accounts; plain defaults that every test bends.

use jiff::Timestamp;
use readmit::{
    api::{Method, RequestStatus, Requester, Span, common::AccountSelector, request_status::PolicyReference},
    domain::{
        account::{AccountRead, Capabilities, Lock, LockState, Protection, Remedy},
        observed::DirectoryView,
        policy::Policy,
        request::{Ask, Kind, Request},
        rule::Rule,
    },
};
use serde_json::{Value, json};
use std::sync::Arc;

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
        requester: Requester {
            username: Some("desk-agent".into()),
            ..Requester::default()
        },
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
        "directories": ["ldap"],
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
        capabilities: Capabilities {
            unlock_only_clears: true,
            ..Capabilities::default()
        },
        limits: Vec::new(),
        protected: Vec::new(),
        username_prefix: String::new(),
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
