//! A password policy, as far as it decides about locks and forced changes, and how the one for an account is found:
//! the account's pwdPolicySubentry, else the overlay's default, which the Directory names or cn=config tells.

use super::schema::{POLICY_SUBENTRY, policy};
use crate::directory::ldap::{Connection, Entry, Query, dn::Dn, filter};
use jiff::SignedDuration;
use ldap3::Scope;

/// The parts of a policy that matter here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Whether failed sign-ins and pwdAccountLockedTime lock at all.
    pub lockout: bool,
    /// How long a lock lasts; absent and zero mean until somebody unlocks.
    pub lockout_duration: Option<SignedDuration>,
    /// After how long without a sign-in an account locks.
    pub max_idle: Option<SignedDuration>,
    /// Whether pwdReset has any effect.
    pub must_change: bool,
}

impl PasswordPolicy {
    /// Reads a policy entry; `None` where the operator may not read it.
    pub fn from_entry(entry: &Entry) -> Option<Self> {
        entry.has(policy::ATTRIBUTE).then(|| PasswordPolicy {
            lockout: entry.flag(policy::LOCKOUT),
            lockout_duration: seconds(entry, policy::LOCKOUT_DURATION),
            max_idle: seconds(entry, policy::MAX_IDLE),
            must_change: entry.flag(policy::MUST_CHANGE),
        })
    }
}

/// A positive number of seconds; slapd treats zero as not set.
fn seconds(entry: &Entry, attribute: &str) -> Option<SignedDuration> {
    let seconds: i64 = entry.first(attribute)?.parse().ok()?;
    (seconds > 0).then(|| SignedDuration::from_secs(seconds))
}

/// Why the policy of an account is not known: in words for the requester.
pub type Why = &'static str;

/// No policy is known for the account.
pub const UNNAMED: Why =
    "the password policy that applies is not known; name the overlay's default in the Directory's defaultPolicyDN";
/// The policy's entry cannot be read.
pub const UNREADABLE: Why =
    "the password policy that applies cannot be read; give the operator's account read access to it";

/// The policy for this account.
pub async fn effective(connection: &Connection, account: &Entry, default: Option<&str>) -> Result<PasswordPolicy, Why> {
    let dn = account.first(POLICY_SUBENTRY).or(default).ok_or(UNNAMED)?;
    read(connection, dn).await.ok_or(UNREADABLE)
}

/// Reads a policy by name; `None` where that failed for whatever reason.
pub async fn read(connection: &Connection, dn: &str) -> Option<PasswordPolicy> {
    let query = Query {
        base: dn,
        scope: Scope::Base,
        filter: &filter::present("objectClass"),
        attributes: &policy::ALL,
        names_only: false,
        limit: 1,
    };
    let found = connection.search(&query).await;
    if let Err(fault) = &found {
        tracing::debug!(?fault, "a password policy could not be read");
    }
    PasswordPolicy::from_entry(found.ok()?.entries.first()?)
}

/// The default policy of the overlay on the database with this suffix, where the operator may read cn=config; most
/// servers do not allow that, and then `None` is the answer.
pub async fn discover_default(connection: &Connection, suffix: &str) -> Option<String> {
    let query = Query {
        base: "cn=config",
        scope: Scope::Subtree,
        filter: &filter::or(&[filter::present("olcSuffix"), filter::present("olcPPolicyDefault")]),
        attributes: &["olcSuffix", "olcPPolicyDefault"],
        names_only: false,
        limit: 200,
    };
    let entries = connection.search(&query).await.ok()?.entries;
    default_in(&entries, suffix)
}

/// The overlay's entry stands below its database's.
fn default_in(entries: &[Entry], suffix: &str) -> Option<String> {
    let suffix = Dn::parse(suffix)?;
    let database = entries.iter().find(|entry| {
        entry
            .all("olcSuffix")
            .iter()
            .any(|s| Dn::parse(s).as_ref() == Some(&suffix))
    })?;
    let database = Dn::parse(&database.dn)?;
    let overlay = entries.iter().find(|entry| {
        entry.has("olcPPolicyDefault") && Dn::parse(&entry.dn).is_some_and(|dn| dn.is_within(&database))
    })?;
    overlay.first("olcPPolicyDefault").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_or_unreadable() {
        let entry = Entry::of(
            "cn=p",
            &[
                ("pwdAttribute", &["userPassword"]),
                ("pwdLockout", &["TRUE"]),
                ("pwdLockoutDuration", &["0"]),
                ("pwdMaxIdle", &["3600"]),
            ],
        );
        let policy = PasswordPolicy {
            lockout: true,
            lockout_duration: None,
            max_idle: Some(SignedDuration::from_hours(1)),
            must_change: false,
        };
        assert_eq!(PasswordPolicy::from_entry(&entry), Some(policy));
        let hidden = Entry::of("cn=p", &[("pwdLockout", &["TRUE"])]);
        assert_eq!(PasswordPolicy::from_entry(&hidden), None);
    }

    #[test]
    fn the_default_is_that_of_the_right_database() {
        let entries = [
            Entry::of("olcDatabase={1}mdb,cn=config", &[("olcSuffix", &["dc=other"])]),
            Entry::of(
                "olcOverlay={0}ppolicy,olcDatabase={1}mdb,cn=config",
                &[("olcPPolicyDefault", &["cn=wrong"])],
            ),
            Entry::of("olcDatabase={2}mdb,cn=config", &[("olcSuffix", &["DC=example"])]),
            Entry::of(
                "olcOverlay={0}ppolicy,olcDatabase={2}mdb,cn=config",
                &[("olcPPolicyDefault", &["cn=right"])],
            ),
        ];
        assert_eq!(default_in(&entries, "dc=example").as_deref(), Some("cn=right"));
        assert_eq!(default_in(&entries, "dc=third"), None);
    }
}
