//! Reading one account: which entry it is, then everything that is told about it.

use super::{
    OpenLdap,
    lock::{PasswordState, lock_state},
    policy::{self, PasswordPolicy, Why},
    schema::{ABSENCE_MATTERS, CHANGED_TIME, ENTRY_UUID, POLICY_SUBENTRY, STATE},
};
use crate::{
    directory::ldap::{
        Selection, Session,
        groups::{self, Group},
        lookup, profile, protection,
    },
    domain::account::{AccountRead, Failure, FailureClass, Protection, ReadFailure, Step},
};
use jiff::Timestamp;
use std::collections::BTreeMap;

impl OpenLdap {
    /// Which entries are accounts; the id is a UUID.
    pub(super) fn selection(&self) -> Selection<'_> {
        Selection {
            object_class: &self.spec.object_class,
            login: &self.spec.login_attribute,
            email: &self.spec.email_attribute,
            id: (ENTRY_UUID, 36),
        }
    }

    /// Everything about the account that the search finds.
    pub(super) async fn gather(&self, session: &Session, search: &str) -> Result<AccountRead, ReadFailure> {
        let server = self.server(session).await?;
        let named = lookup::resolve(session, &self.spec.base_dn, search).await?;
        let names = named.attributes().map(|attribute| attribute.name.as_str());
        let (wanted, mut unreadable) = profile::select(names);
        let entry = lookup::again(session, &named.dn, search, &[wanted.as_slice(), &STATE].concat()).await?;
        let tree = server.tree();
        let administrators = protection::listed(&self.spec.administrators);
        let id = entry.first(ENTRY_UUID).ok_or_else(no_id)?.to_owned();

        let (hidden, policy, groups, listed) = tokio::join!(
            lookup::hidden(session, &entry, &ABSENCE_MATTERS),
            policy::effective(session, &entry, server.default_policy.as_deref()),
            groups::all(session, tree, &entry),
            protection::look_up(session, tree, &administrators, &entry.dn),
        );
        let hidden = hidden.map_err(|fault| fault.failure())?;
        // A hidden pwdPolicySubentry could name another policy than the default.
        let policy = match hidden.contains(&POLICY_SUBENTRY) {
            true => Err(policy::UNREADABLE),
            false => policy,
        };
        let protection = protection::judge(
            (&entry.dn, Some(&id)),
            &self.spec.bind_dn,
            &administrators,
            listed,
            &groups,
        );
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

/// That an entry came without its immutable id.
pub(super) fn no_id() -> Failure {
    Failure::new(
        FailureClass::NeedsConfig,
        "give the operator's account read access to entryUUID",
    )
}

/// What was found out, before it is put into the product's words.
pub(super) struct Facts {
    pub(super) id: String,
    pub(super) state: PasswordState,
    pub(super) policy: Result<PasswordPolicy, Why>,
    pub(super) groups: Result<Vec<Group>, String>,
    pub(super) protection: Protection,
}

impl Facts {
    /// The account that these facts tell of, as of now. Names and profile are added by whoever read them.
    pub(super) fn told(self, now: Timestamp) -> AccountRead {
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
