//! What expressions see: the request, the requester, the account and the time, as CEL values.
//!
//! Attributes that an upstream does not hold are left out (selecting them is "missing"); attributes that could not be
//! read are remembered as unreadable, so that a rule about them is an error and not an answer.

use super::analysis::Analysis;
use crate::{
    api::{Action, Method, Requester, common::AccountSelector},
    domain::account::{AccountRead, LockState},
};
use ::cel::{
    Context, Value,
    objects::{Key, Map},
};
use chrono::{DateTime, FixedOffset};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// What expressions may know of a request, below `request`.
#[derive(Clone, Copy, Debug)]
pub struct RequestFacts<'a> {
    /// `request.kind`
    pub kind: &'a str,
    /// `request.namespace`
    pub namespace: &'a str,
    /// `request.name`
    pub name: &'a str,
    /// `request.action`: Unlock, ResetPassword.
    pub action: Action,
    /// `request.directory`
    pub directory: &'a str,
    /// `request.account`: with login, id or email, as it was written.
    pub account: &'a AccountSelector,
    /// `request.method` of a reset.
    pub method: Option<Method>,
    /// `request.unlock` of a reset.
    pub unlock: Option<bool>,
    /// `request.policy`
    pub policy: Option<&'a str>,
    /// `request.reason`
    pub reason: Option<&'a str>,
    /// `request.created`
    pub created: Timestamp,
    /// `request.notBefore`
    pub not_before: Option<Timestamp>,
    /// `request.notAfter`
    pub not_after: Option<Timestamp>,
}

/// The values that one or several expressions are evaluated on.
pub struct Input {
    context: Context<'static, 'static>,
    unreadable: Unreadable,
    has_account: bool,
    longest_list: usize,
}

/// What could not be read of an account, by attribute.
#[derive(Debug, Default)]
pub struct Unreadable {
    profile: BTreeSet<String>,
    /// The other attributes, with the reason.
    facts: BTreeMap<&'static str, String>,
}

impl Input {
    /// Collects the values; `account` is `None` as long as it has not been read, and comes with its Directory's name.
    pub fn new(
        request: &RequestFacts<'_>,
        requester: &Requester,
        account: Option<(&str, &AccountRead)>,
        now: Timestamp,
    ) -> Self {
        let mut context = super::context();
        let mut longest_list = requester.groups.len();
        context.add_variable_from_value("request", request_value(request));
        context.add_variable_from_value("requester", requester_value(requester));
        context.add_variable_from_value("now", time(now));
        if let Some((directory, account)) = account {
            context.add_variable_from_value("account", account_value(directory, account));
            longest_list = longest_list
                .max(account.groups.as_ref().map_or(0, Vec::len))
                .max(account.profile.len())
                .max(account.profile.values().map(longest).max().unwrap_or(0));
        }
        Input {
            context,
            unreadable: account.map(|(_, account)| Unreadable::of(account)).unwrap_or_default(),
            has_account: account.is_some(),
            longest_list,
        }
    }

    pub(super) fn context(&self) -> &Context<'static, 'static> {
        &self.context
    }

    pub(super) fn has_account(&self) -> bool {
        self.has_account
    }

    pub(super) fn longest_list(&self) -> usize {
        self.longest_list
    }

    pub(super) fn unreadable(&self) -> &Unreadable {
        &self.unreadable
    }
}

impl Unreadable {
    fn of(account: &AccountRead) -> Self {
        let mut facts = BTreeMap::new();
        if let LockState::Unknown(why) = &account.lock {
            facts.insert("locked", why.clone());
        }
        if let Err(why) = &account.groups {
            facts.insert("groups", why.clone());
        }
        for (name, missing) in [
            ("disabled", account.disabled.is_none()),
            ("mustChange", account.must_change.is_none()),
        ] {
            if missing {
                facts.insert(name, "the directory did not show it".into());
            }
        }
        Unreadable {
            profile: account.unreadable.iter().cloned().collect(),
            facts,
        }
    }

    /// The first unreadable attribute that an expression would look at.
    pub(super) fn find_in(&self, expression: &Analysis) -> Option<String> {
        for (name, why) in &self.facts {
            if expression.whole_account || expression.attributes.contains(*name) {
                return Some(format!("account.{name} could not be read: {why}"));
            }
        }
        self.profile
            .iter()
            .find(|name| {
                expression.whole_account || expression.whole_profile || expression.profile.contains(name.as_str())
            })
            .map(|name| format!("account.profile.{name} could not be read"))
    }
}

fn request_value(request: &RequestFacts<'_>) -> Value {
    let account = object([
        ("login", request.account.login.as_deref().map(Value::from)),
        ("id", request.account.id.as_deref().map(Value::from)),
        ("email", request.account.email.as_deref().map(Value::from)),
    ]);
    object([
        ("kind", Some(request.kind.into())),
        ("namespace", Some(request.namespace.into())),
        ("name", Some(request.name.into())),
        ("action", Some(request.action.as_str().into())),
        ("directory", Some(request.directory.into())),
        ("account", Some(account)),
        ("method", request.method.map(|method| method.as_str().into())),
        ("unlock", request.unlock.map(Value::Bool)),
        ("policy", request.policy.map(Value::from)),
        ("reason", request.reason.map(Value::from)),
        ("created", Some(time(request.created))),
        ("notBefore", request.not_before.map(time)),
        ("notAfter", request.not_after.map(time)),
    ])
}

fn requester_value(requester: &Requester) -> Value {
    object([
        ("username", requester.username.as_deref().map(Value::from)),
        ("uid", requester.uid.as_deref().map(Value::from)),
        ("groups", Some(texts(&requester.groups))),
    ])
}

fn account_value(directory: &str, account: &AccountRead) -> Value {
    let locked = match &account.lock {
        LockState::Locked(_) => Some(true),
        LockState::NotLocked => Some(false),
        LockState::Unknown(_) => None,
    };
    // An attribute without a value (Okta sends null for those) is absent.
    let profile: HashMap<String, Value> = account
        .profile
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), json(value)))
        .collect();
    object([
        ("id", Some(account.id.as_str().into())),
        ("login", account.login.as_deref().map(Value::from)),
        ("email", account.email.as_deref().map(Value::from)),
        ("locked", locked.map(Value::Bool)),
        ("disabled", account.disabled.map(Value::Bool)),
        ("mustChange", account.must_change.map(Value::Bool)),
        ("directory", Some(directory.into())),
        ("profile", Some(profile.into())),
        ("groups", account.groups.as_ref().ok().map(|groups| texts(groups))),
        (
            "source",
            Some(object([("type", account.foreign_source.as_deref().map(Value::from))])),
        ),
    ])
}

fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let map: HashMap<Key, Value> = members
        .into_iter()
        .filter_map(|(name, value)| Some((Key::from(name.to_owned()), value?)))
        .collect();
    Value::Map(Map { map: Arc::new(map) })
}

fn texts(list: &[String]) -> Value {
    Value::List(Arc::new(list.iter().map(|text| text.as_str().into()).collect()))
}

/// A time in CEL is one of chrono's; both count from the same epoch. Times outside chrono's range do not occur: it
/// spans more years than jiff's.
fn time(at: Timestamp) -> Value {
    const SECOND: i128 = 1_000_000_000;
    let (seconds, nanos) = (
        at.as_nanosecond().div_euclid(SECOND),
        at.as_nanosecond().rem_euclid(SECOND),
    );
    i64::try_from(seconds)
        .ok()
        .zip(u32::try_from(nanos).ok())
        .and_then(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos))
        .map_or(Value::Null, |utc| Value::Timestamp(DateTime::<FixedOffset>::from(utc)))
}

fn json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Bool(*flag),
        serde_json::Value::Number(number) => number
            .as_i64()
            .map(Value::Int)
            .or_else(|| number.as_u64().map(Value::UInt))
            .or_else(|| number.as_f64().map(Value::Float))
            .unwrap_or(Value::Null),
        serde_json::Value::String(text) => text.as_str().into(),
        serde_json::Value::Array(list) => Value::List(Arc::new(list.iter().map(json).collect())),
        serde_json::Value::Object(map) => {
            let map: HashMap<String, Value> = map.iter().map(|(name, value)| (name.clone(), json(value))).collect();
            map.into()
        }
    }
}

/// The longest list in a value.
fn longest(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(list) => list.iter().map(longest).max().unwrap_or(0).max(list.len()),
        serde_json::Value::Object(map) => map.values().map(longest).max().unwrap_or(0).max(map.len()),
        _ => 0,
    }
}
