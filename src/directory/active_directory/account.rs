//! Reading one account: which entry it is, then everything that is told about it.

use super::{
    ActiveDirectory, groups, identifier,
    lock::SignInState,
    metadata, protection,
    schema::{
        DISPLAY_NAME, LOCKOUT_DURATION, MAIL, OBJECT_GUID, PROXY_ADDRESSES, PSO_LOCKOUT_DURATION, RESULTANT_PSO,
        SAM_ACCOUNT_NAME, STATE, USER_PRINCIPAL_NAME,
    },
    session::Session,
};
use crate::{
    api::common::AccountSelector,
    directory::ldap::{Entry, Fault, Query, dn::Dn, filter, profile},
    domain::account::{AccountRead, Failure, FailureClass, Protection, ReadFailure},
};
use ldap3::Scope;
use serde_json::Map;

/// No login or address that a domain holds is longer (the longest attribute is userPrincipalName, with 1024).
const MAX_SELECTOR: usize = 1024;

impl ActiveDirectory {
    /// Everything about the account that somebody asked for.
    pub(super) async fn gather(&self, session: &Session, key: &AccountSelector) -> Result<AccountRead, ReadFailure> {
        let named = self.resolve(session, key).await?;
        let names = named.attributes().map(|attribute| attribute.name.as_str());
        let (wanted, mut unreadable) = profile::select(names);
        let guid = named.octets(OBJECT_GUID).next().and_then(identifier::guid);
        let entry = self.entry_of(session, &guid.ok_or_else(no_id)?, &wanted).await?;

        let state = SignInState::from_entry(&entry);
        let duration = match state.is_locked() {
            Some(true) => lockout_duration(session, &entry).await?,
            _ => None,
        };
        let groups = groups::all(session, &entry).await;
        let protection = protection::judge(&entry, &session.root.own, &groups);
        let version = metadata::password_version(&entry);
        let told = told(&entry, session, protection)?;
        let mut profile = profile::profile(&entry, &wanted, &mut unreadable);
        // Its octets are no text; as the id they are, and what routes from other Directories are confirmed by.
        profile.insert(OBJECT_GUID.to_owned(), told.id.clone().into());
        unreadable.retain(|name| !name.eq_ignore_ascii_case(OBJECT_GUID));
        Ok(AccountRead {
            lock: state.lock_state(duration),
            password_marker: version.map(|version| version.version.to_string()),
            password_changed: version.and_then(|version| version.changed),
            profile,
            unreadable,
            groups: groups.map(|groups| groups.into_iter().map(|group| group.dn).collect()),
            ..told
        })
    }

    /// The one entry that somebody asked for: the names of its attributes, and its id.
    async fn resolve(&self, session: &Session, key: &AccountSelector) -> Result<Entry, ReadFailure> {
        match key {
            AccountSelector { id: Some(id), .. } => {
                let id = id.to_ascii_lowercase();
                let base = identifier::guid_dn(&id).ok_or(ReadFailure::NotFound)?;
                self.names(session, &base, Scope::Base, &accounts(filter::present(OBJECT_GUID)))
                    .await
            }
            AccountSelector { login: Some(login), .. } => {
                let terms = [SAM_ACCOUNT_NAME, USER_PRINCIPAL_NAME];
                match self.search(session, &terms, login).await {
                    // Everybody may also sign in as sAMAccountName@domain, unless that is somebody's explicit name.
                    Err(ReadFailure::NotFound) => match implicit(login, &session.root.domain) {
                        Some(name) => self.search(session, &[SAM_ACCOUNT_NAME], name).await,
                        None => Err(ReadFailure::NotFound),
                    },
                    found => found,
                }
            }
            AccountSelector { email: Some(email), .. } => self.search(session, &[MAIL], email).await,
            _ => Err(ReadFailure::NotFound),
        }
    }

    async fn search(&self, session: &Session, attributes: &[&str], value: &str) -> Result<Entry, ReadFailure> {
        if value.is_empty() || value.len() > MAX_SELECTOR {
            return Err(ReadFailure::NotFound);
        }
        let terms: Vec<String> = attributes.iter().map(|name| filter::equals(name, value)).collect();
        let base = self.base(session).to_owned();
        self.names(session, &base, Scope::Subtree, &accounts(filter::or(&terms)))
            .await
    }

    /// Attribute names with one search, the id with another: ids have values, and secrets are never asked for.
    async fn names(&self, session: &Session, base: &str, scope: Scope, search: &str) -> Result<Entry, ReadFailure> {
        let query = Query {
            base,
            scope,
            filter: search,
            attributes: &[OBJECT_GUID],
            names_only: false,
            limit: 2,
        };
        let mut found = match session.search(&query).await {
            Ok(found) => found,
            Err(fault) if scope == Scope::Base && fault.code() == Some(32) => return Err(ReadFailure::NotFound),
            Err(fault) => return Err(base_failure(&fault)),
        };
        let entry = match (found.entries.pop(), found.entries.is_empty(), found.more) {
            (Some(entry), true, false) => entry,
            (None, _, false) => return Err(ReadFailure::NotFound),
            _ => return Err(ReadFailure::Ambiguous),
        };
        // An id leads anywhere; baseDN bounds where the operator acts.
        let within = |base: &str| Some(Dn::parse(&entry.dn)?.is_within(&Dn::parse(base)?));
        if within(self.base(session)) != Some(true) {
            return Err(ReadFailure::NotFound);
        }
        let guid = entry.octets(OBJECT_GUID).next().map(<[u8]>::to_vec).ok_or_else(no_id)?;
        let query = Query {
            base: &entry.dn,
            scope: Scope::Base,
            filter: &filter::equals_octets(OBJECT_GUID, &guid),
            attributes: &["*"],
            names_only: true,
            limit: 1,
        };
        let mut named = session.search(&query).await.map_err(|fault| fault.failure())?;
        let named = named.entries.pop().ok_or(ReadFailure::NotFound)?;
        Ok(named.with(OBJECT_GUID, guid))
    }

    /// The entry of this id, with its state and these attributes of its profile.
    pub(super) async fn entry_of(&self, session: &Session, id: &str, wanted: &[&str]) -> Result<Entry, ReadFailure> {
        let base = identifier::guid_dn(id).ok_or(ReadFailure::NotFound)?;
        let attributes = [wanted, &STATE].concat();
        let query = Query {
            base: &base,
            scope: Scope::Base,
            filter: &accounts(filter::present(OBJECT_GUID)),
            attributes: &attributes,
            names_only: false,
            limit: 1,
        };
        match session.search(&query).await {
            Ok(mut found) => found.entries.pop().ok_or(ReadFailure::NotFound),
            Err(fault) if fault.code() == Some(32) => Err(ReadFailure::NotFound),
            Err(fault) => Err(fault.failure().into()),
        }
    }

    /// Where accounts are looked for.
    pub(super) fn base<'a>(&'a self, session: &'a Session) -> &'a str {
        self.spec.base_dn.as_deref().unwrap_or(&session.root.domain)
    }
}

/// People's accounts alone: computers, contacts and managed service accounts are none.
pub(super) fn accounts(term: String) -> String {
    filter::and(&[
        filter::equals("objectCategory", "person"),
        filter::equals("objectClass", "user"),
        term,
    ])
}

/// What one entry tells by itself.
///
/// # Errors
/// `NeedsConfig` where its id cannot be read.
pub(super) fn told(entry: &Entry, session: &Session, protection: Protection) -> Result<AccountRead, Failure> {
    let state = SignInState::from_entry(entry);
    let id = entry
        .octets(OBJECT_GUID)
        .next()
        .and_then(identifier::guid)
        .ok_or_else(no_id)?;
    let principal = entry.first(USER_PRINCIPAL_NAME).map(str::to_owned);
    let name = entry.first(SAM_ACCOUNT_NAME).map(str::to_owned);
    let implicit = name
        .as_ref()
        .map(|name| format!("{name}@{}", dns_domain(&session.root.domain)));
    let proxies = entry.all(PROXY_ADDRESSES).iter().filter_map(|address| {
        let (kind, address) = address.split_once(':')?;
        kind.eq_ignore_ascii_case("smtp").then(|| address.to_owned())
    });
    let login = principal.or_else(|| name.clone());
    let aliases = [name, implicit]
        .into_iter()
        .flatten()
        .chain(proxies)
        .filter(|alias| login.as_ref() != Some(alias))
        .collect();
    Ok(AccountRead {
        id,
        email: entry.first(MAIL).map(str::to_owned),
        aliases,
        login,
        lock: state.lock_state(None),
        disabled: state.disabled(),
        must_change: state.must_change(),
        protection,
        foreign_source: None,
        profile: Map::new(),
        unreadable: Vec::new(),
        groups: Err("groups were not looked up".into()),
        password_marker: None,
        password_changed: None,
        lock_stamp: state.lock_stamp(),
        obstacles: state.obstacles(),
        server: Some(session.root.host.clone()),
    })
}

/// The duration of a lock by the policy in effect: the fine-grained one, whose place the account names, else the domain's.
/// `None` where it cannot be read.
async fn lockout_duration(session: &Session, entry: &Entry) -> Result<Option<i64>, Failure> {
    let (policy, attribute) = match entry.first(RESULTANT_PSO) {
        Some(policy) => (policy, PSO_LOCKOUT_DURATION),
        None => (session.root.domain.as_str(), LOCKOUT_DURATION),
    };
    let policy = session.entry(policy, &[attribute]).await?;
    Ok(policy.and_then(|policy| policy.number(attribute)))
}

/// The part of `login` before the domain's own DNS name.
fn implicit<'a>(login: &'a str, domain: &str) -> Option<&'a str> {
    let (name, suffix) = login.rsplit_once('@')?;
    suffix.eq_ignore_ascii_case(&dns_domain(domain)).then_some(name)
}

/// `DC=example,DC=test` is example.test.
fn dns_domain(domain: &str) -> String {
    let parts = domain.split(',').filter_map(|part| part.split_once('='));
    parts.map(|(_, value)| value.trim()).collect::<Vec<_>>().join(".")
}

/// What the account is called, for the domain's rule against passwords that hold it.
pub(super) fn names_of(entry: &Entry) -> (&str, &str) {
    let text = |attribute| entry.first(attribute).unwrap_or_default();
    (text(SAM_ACCOUNT_NAME), text(DISPLAY_NAME))
}

fn base_failure(fault: &Fault) -> ReadFailure {
    match fault {
        Fault::Answered(answer) if matches!(answer.code, 10 | 32) => Failure::new(
            FailureClass::NeedsConfig,
            "the Directory's baseDN does not exist in this domain or the operator's account may not search it",
        )
        .detail(answer.detail())
        .into(),
        other => other.failure().into(),
    }
}

fn no_id() -> Failure {
    Failure::new(
        FailureClass::NeedsConfig,
        "give the operator's account read access to objectGUID",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn implicit_names_are_of_this_domain() {
        let domain = "DC=corp,DC=example,DC=com";
        assert_eq!(implicit("alice@CORP.example.com", domain), Some("alice"));
        for login in ["alice", "alice@example.com", "alice@corp.example.com.evil", "@"] {
            assert_eq!(implicit(login, domain), None, "{login}");
        }
    }
}
