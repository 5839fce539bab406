//! Reading one account: which entry it is, then everything that is told about it.

use super::{
    Directory389,
    lock::{PasswordState, lock_state},
    policy::{self, Global, PasswordPolicy, Why},
    probe::tree,
    schema::{ABSENCE_MATTERS, ACCOUNT_LOCK, EXPIRATION_TIME, STATE, UNIQUE_ID, UPDATE_TIME},
};
use crate::{
    directory::ldap::{
        Entry, Selection, Session,
        groups::{self, Group},
        lookup, profile, protection,
        server::needs_config,
    },
    domain::account::{AccountRead, Failure, Protection, ReadFailure, Step},
};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// So many characters of the server's URL are told.
const MAX_SERVER: usize = 180;

impl Directory389 {
    /// Which entries are accounts; an id looks like `d3ad129b-e6b511f1-bcd4880d-1b398315`.
    pub(super) fn selection(&self) -> Selection<'_> {
        Selection {
            object_class: &self.spec.object_class,
            login: &self.spec.login_attribute,
            email: &self.spec.email_attribute,
            id: (UNIQUE_ID, 35),
        }
    }

    /// Everything about the account that the search finds.
    pub(super) async fn gather(&self, session: &Session, search: &str) -> Result<AccountRead, ReadFailure> {
        let suffix = self.suffix(session).await?;
        let named = lookup::resolve(session, &self.spec.base_dn, search).await?;
        let names = named.attributes().map(|attribute| attribute.name.as_str());
        let (wanted, mut unreadable) = profile::select(names);
        let entry = lookup::again(session, &named.dn, search, &[wanted.as_slice(), &STATE].concat()).await?;
        let id = entry.first(UNIQUE_ID).ok_or_else(no_id)?.to_owned();
        let global = policy::global(session).await?;
        let administrators = self.administrators(global.as_ref());
        let (hidden, groups, listed) = tokio::join!(
            lookup::hidden(session, &entry, &ABSENCE_MATTERS),
            groups::all(session, tree(suffix), &entry),
            protection::look_up(session, tree(suffix), &administrators, &entry.dn),
        );
        let hidden = hidden.map_err(|fault| fault.failure())?;
        let policy = policy::effective(session, &entry, &hidden, global.as_ref()).await;
        let own = (entry.dn.as_str(), Some(id.as_str()));
        let protection = protection::judge(own, &self.spec.bind_dn, &administrators, listed, &groups);
        let profile = profile::profile(&entry, &wanted, &mut unreadable);
        let facts = Facts {
            disabled: disabled(&entry, &hidden),
            change_is_hidden: hidden.contains(&EXPIRATION_TIME),
            state: PasswordState::from_entry(&entry, hidden),
            scope: self.scope(global.as_ref()),
            id,
            policy,
            groups,
            protection,
        };
        let tracked = facts.policy.as_ref().is_ok_and(|policy| policy.track_update_time);
        Ok(AccountRead {
            login: entry.first(&self.spec.login_attribute).map(str::to_owned),
            email: entry.first(&self.spec.email_attribute).map(str::to_owned),
            aliases: [&self.spec.login_attribute, &self.spec.email_attribute]
                .into_iter()
                .flat_map(|attribute| entry.all(attribute).iter().skip(1).cloned())
                .collect(),
            // One that is left from a time when it was tracked would never change.
            password_marker: entry.first(UPDATE_TIME).filter(|_| tracked).map(str::to_owned),
            password_changed: entry.time(UPDATE_TIME).filter(|_| tracked),
            profile,
            unreadable,
            ..facts.told(Timestamp::now())
        })
    }

    /// Out of where a lock keeps its account.
    pub(super) fn scope(&self, global: Option<&Global>) -> String {
        // The text must fit into a status.
        let server: String = self.spec.url.chars().take(MAX_SERVER).collect();
        match global.map(|global| global.replicated) {
            Some(true) => "every server of the directory (passwordIsGlobalPolicy is on)".into(),
            Some(false) => format!("{server} alone; other servers keep lock state of their own"),
            None => format!("{server}; other servers may keep lock state of their own"),
        }
    }
}

/// That an entry came without its immutable id.
pub(super) fn no_id() -> Failure {
    needs_config("give the operator's account read access to nsUniqueId")
}

/// Whether an administrator inactivated the account.
pub(super) fn disabled(entry: &Entry, hidden: &[&str]) -> Option<bool> {
    match entry.has(ACCOUNT_LOCK) {
        true => Some(entry.flag(ACCOUNT_LOCK)),
        false => (!hidden.contains(&ACCOUNT_LOCK)).then_some(false),
    }
}

/// What was found out, before it is put into the product's words.
pub(super) struct Facts {
    pub(super) id: String,
    pub(super) state: PasswordState,
    pub(super) policy: Result<PasswordPolicy, Why>,
    pub(super) scope: String,
    pub(super) disabled: Option<bool>,
    pub(super) change_is_hidden: bool,
    pub(super) groups: Result<Vec<Group>, String>,
    pub(super) protection: Protection,
}

impl Facts {
    /// The account that these facts tell of, as of now. Names and profile are added by whoever read them.
    pub(super) fn told(self, now: Timestamp) -> AccountRead {
        let policy = self.policy.as_ref().map_err(|why| *why);
        AccountRead {
            lock: lock_state(now, &self.state, policy, self.scope),
            must_change: self.state.must_change(policy),
            lock_stamp: self.state.lock_stamp(),
            obstacles: obstacles(policy, self.change_is_hidden),
            id: self.id,
            protection: self.protection,
            groups: self
                .groups
                .map(|groups| groups.into_iter().map(|group| group.dn).collect()),
            disabled: self.disabled,
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

/// The server takes the epoch under any policy and heeds it only under one with passwordMustChange; under one with
/// passwordExp it would expire the password instead, for good.
fn obstacles(policy: Result<&PasswordPolicy, Why>, hidden: bool) -> BTreeMap<Step, String> {
    let why = match policy {
        Ok(_) if hidden => "give the operator's account read access to passwordExpirationTime",
        Ok(policy) if policy.must_change => return BTreeMap::new(),
        Ok(_) => {
            "the account's password policy does not force a change after a reset; set passwordMustChange: on in it"
        }
        Err(why) => why,
    };
    BTreeMap::from([(Step::RequireChange, why.to_owned())])
}
