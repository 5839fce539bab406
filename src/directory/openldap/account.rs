//! Reading one account: which entry it is, then everything that is told about it.

use super::{
    OpenLdap,
    groups::{self, Group},
    lock::{PasswordState, lock_state},
    policy::{self, PasswordPolicy, Why},
    protection,
    schema::{ABSENCE_MATTERS, CHANGED_TIME, ENTRY_UUID, POLICY_SUBENTRY, STATE},
    session::Session,
};
use crate::{
    api::common::AccountSelector,
    directory::ldap::{Connection, Entry, Fault, Presence, Query, filter, profile},
    domain::account::{AccountRead, Failure, FailureClass, Protection, ReadFailure, Step},
};
use futures::future::try_join_all;
use jiff::Timestamp;
use ldap3::Scope;
use std::collections::BTreeMap;

/// No login, id or address that a directory holds is longer. A longer one is found nowhere, without asking.
const MAX_SELECTOR: usize = 1024;

impl OpenLdap {
    /// The search for what somebody asked for; `None` where nothing can match.
    pub(super) fn selection(&self, key: &AccountSelector) -> Option<String> {
        let term = match key {
            AccountSelector { id: Some(id), .. } => return self.by_id(id),
            AccountSelector { login: Some(login), .. } => bounded(&self.spec.login_attribute, login)?,
            AccountSelector { email: Some(email), .. } => bounded(&self.spec.email_attribute, email)?,
            _ => return None,
        };
        Some(self.accounts(term))
    }

    /// The search by immutable id; `None` where it is no UUID.
    pub(super) fn by_id(&self, id: &str) -> Option<String> {
        let shaped = id.len() == 36 && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        shaped.then(|| self.accounts(filter::equals(ENTRY_UUID, id)))
    }

    fn accounts(&self, term: String) -> String {
        filter::and(&[filter::equals("objectClass", &self.spec.object_class), term])
    }

    /// The one entry that the search finds, with the names of its attributes alone.
    pub(super) async fn resolve(&self, connection: &Connection, search: &str) -> Result<Entry, ReadFailure> {
        let query = Query {
            base: &self.spec.base_dn,
            scope: Scope::Subtree,
            filter: search,
            attributes: &["*"],
            names_only: true,
            limit: 2,
        };
        let mut found = connection.search(&query).await.map_err(|fault| base_failure(&fault))?;
        match (found.entries.pop(), found.entries.is_empty(), found.more) {
            (Some(entry), true, false) => Ok(entry),
            (None, _, false) => Err(ReadFailure::NotFound),
            _ => Err(ReadFailure::Ambiguous),
        }
    }

    /// Everything about the account that the search finds.
    pub(super) async fn gather(&self, session: &Session, search: &str) -> Result<AccountRead, ReadFailure> {
        let server = self.server(session).await?;
        let named = self.resolve(session, search).await?;
        let names = named.attributes().map(|attribute| attribute.name.as_str());
        let (wanted, mut unreadable) = profile::select(names);
        let entry = read_entry(session, &named.dn, search, &wanted).await?;
        let id = entry.first(ENTRY_UUID).ok_or_else(no_id)?.to_owned();

        let (hidden, policy, groups, listed) = tokio::join!(
            hidden_attributes(session, &entry),
            policy::effective(session, &entry, server.default_policy.as_deref()),
            groups::all(session, &server.suffix, &entry),
            protection::look_up(session, &server.suffix, &self.spec.administrators, &entry.dn),
        );
        let hidden = hidden.map_err(|fault| fault.failure())?;
        // A hidden pwdPolicySubentry could name another policy than the default.
        let policy = match hidden.contains(&POLICY_SUBENTRY) {
            true => Err(policy::UNREADABLE),
            false => policy,
        };
        let protection = protection::judge(&entry, &self.spec.bind_dn, &self.spec.administrators, listed, &groups);
        let profile = profile::profile(&entry, &wanted, &mut unreadable);
        let facts = Facts {
            id,
            state: PasswordState::from_entry(&entry, hidden),
            policy,
            groups,
            protection,
        };
        Ok(AccountRead {
            login: entry.first(&self.spec.login_attribute).map(str::to_owned),
            email: entry.first(&self.spec.email_attribute).map(str::to_owned),
            aliases: [&self.spec.login_attribute, &self.spec.email_attribute]
                .into_iter()
                .flat_map(|attribute| entry.all(attribute).iter().skip(1).cloned())
                .collect(),
            password_marker: entry.first(CHANGED_TIME).map(str::to_owned),
            password_changed: entry.time(CHANGED_TIME),
            profile,
            unreadable,
            ..facts.told(Timestamp::now())
        })
    }
}

fn bounded(attribute: &str, value: &str) -> Option<String> {
    (!value.is_empty() && value.len() <= MAX_SELECTOR).then(|| filter::equals(attribute, value))
}

/// The entry with its state. The search is repeated on it, so that an entry that was renamed into the place of the one
/// that was found is not taken for it.
async fn read_entry(connection: &Connection, dn: &str, search: &str, wanted: &[&str]) -> Result<Entry, ReadFailure> {
    let attributes = [wanted, &STATE].concat();
    let query = Query {
        base: dn,
        scope: Scope::Base,
        filter: search,
        attributes: &attributes,
        names_only: false,
        limit: 1,
    };
    match connection.search(&query).await {
        Ok(mut found) => found.entries.pop().ok_or(ReadFailure::NotFound),
        Err(fault) if fault.code() == Some(32) => Err(ReadFailure::NotFound),
        Err(fault) => Err(fault.failure().into()),
    }
}

/// The state attributes that are not seen because the operator may not see them. A search leaves hidden attributes out
/// like absent ones; a comparison tells them apart.
async fn hidden_attributes(connection: &Connection, entry: &Entry) -> Result<Vec<&'static str>, Fault> {
    let looks = ABSENCE_MATTERS
        .into_iter()
        .filter(|(name, _)| !entry.has(name))
        .map(|(name, value)| async move {
            let presence = connection.compare(&entry.dn, name, value).await?;
            Ok::<_, Fault>((presence != Presence::Absent).then_some(name))
        });
    Ok(try_join_all(looks).await?.into_iter().flatten().collect())
}

fn base_failure(fault: &Fault) -> ReadFailure {
    match fault {
        Fault::Answered(answer) if answer.code == 32 => Failure::new(
            FailureClass::NeedsConfig,
            "the Directory's baseDN does not exist or the operator's account may not search it",
        )
        .detail(answer.detail())
        .into(),
        other => other.failure().into(),
    }
}

fn no_id() -> Failure {
    Failure::new(
        FailureClass::NeedsConfig,
        "give the operator's account read access to entryUUID",
    )
}

/// What was found out, before it is put into the product's words.
struct Facts {
    id: String,
    state: PasswordState,
    policy: Result<PasswordPolicy, Why>,
    groups: Result<Vec<Group>, String>,
    protection: Protection,
}

impl Facts {
    fn told(self, now: Timestamp) -> AccountRead {
        let policy = self.policy.as_ref().map_err(|why| *why);
        AccountRead {
            lock: lock_state(now, &self.state, policy),
            must_change: self.state.must_change(policy),
            lock_stamp: self.state.lock_stamp(),
            obstacles: obstacles(policy),
            id: self.id,
            protection: self.protection,
            groups: self
                .groups
                .map(|groups| groups.into_iter().map(|group| group.dn).collect()),
            // OpenLDAP has no notion of a disabled account besides locks and the validity window.
            disabled: Some(false),
            login: None,
            email: None,
            aliases: Vec::new(),
            foreign_source: None,
            profile: Default::default(),
            unreadable: Vec::new(),
            password_marker: None,
            password_changed: None,
            server: None,
        }
    }
}

/// slapd stores pwdReset under any policy, and heeds it only under one with pwdMustChange.
fn obstacles(policy: Result<&PasswordPolicy, Why>) -> BTreeMap<Step, String> {
    let why = match policy {
        Ok(policy) if policy.must_change => return BTreeMap::new(),
        Ok(_) => "the account's password policy does not force a change after a reset; set pwdMustChange: TRUE in it",
        Err(why) => why,
    };
    BTreeMap::from([(Step::RequireChange, why.to_owned())])
}
