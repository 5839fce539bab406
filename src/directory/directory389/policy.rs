//! A password policy, as far as it decides about locks and forced changes, and how the one for an account is found:
//! what pwdpolicysubentry names, where nsslapd-pwpolicy-local is on, else the global one in cn=config.
//!
//! A local policy inherits nothing of these from the global one: what it does not say has the server's default.

use super::schema::{POLICY_SUBENTRY, policy};
use crate::{
    directory::ldap::{Connection, Entry, filter, lookup},
    domain::account::Failure,
};

/// The parts of a policy that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Whether failed sign-ins lock at all.
    pub lockout: bool,
    /// How many failed sign-ins lock.
    pub max_failure: u64,
    /// Whether a lock ends by itself.
    pub unlock: bool,
    /// Whether a password that was reset must be changed.
    pub must_change: bool,
    /// Whether pwdUpdateTime is kept.
    pub track_update_time: bool,
}

/// What cn=config says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Global {
    /// The policy of accounts without one of their own.
    pub policy: PasswordPolicy,
    /// Whether accounts can have one of their own.
    pub local: bool,
    /// Whether lock state is replicated, so that one server's is everybody's.
    pub replicated: bool,
    /// Whom no policy binds, where somebody is named.
    pub admin: Option<String>,
}

/// Why the policy of an account is not known: in words for the requester.
pub type Why = &'static str;

/// The global policy cannot be read.
pub const GLOBAL_UNREADABLE: Why = "the password policy that applies cannot be read; give the operator's account read \
                                    access to the password policy attributes of cn=config";
/// The account's own policy cannot be read.
pub const LOCAL_UNREADABLE: Why =
    "the account's own password policy cannot be read; give the operator's account read access to it";

impl PasswordPolicy {
    /// Reads a policy entry, with the server's defaults for what it does not have.
    pub fn from_entry(entry: &Entry) -> Self {
        PasswordPolicy {
            lockout: is_on(entry, policy::LOCKOUT, false),
            max_failure: entry
                .first(policy::MAX_FAILURE)
                .and_then(|text| text.parse().ok())
                .unwrap_or(3),
            unlock: is_on(entry, policy::UNLOCK, true),
            must_change: is_on(entry, policy::MUST_CHANGE, false),
            track_update_time: is_on(entry, policy::TRACK_UPDATE_TIME, false),
        }
    }
}

impl Global {
    /// Reads cn=config, which shows each of these attributes, set or not; `None` where one is hidden.
    pub fn from_entry(entry: &Entry) -> Option<Self> {
        let shown = policy::RULES.iter().all(|(name, _)| entry.has(name)) && entry.has(policy::LOCAL);
        shown.then(|| Global {
            policy: PasswordPolicy::from_entry(entry),
            local: is_on(entry, policy::LOCAL, false),
            replicated: is_on(entry, policy::IS_GLOBAL, false),
            admin: entry
                .first(policy::ADMIN_DN)
                .filter(|dn| !dn.trim().is_empty())
                .map(str::to_owned),
        })
    }
}

/// The server reads `on` and `off` only, without regard to case.
fn is_on(entry: &Entry, attribute: &str, default: bool) -> bool {
    entry
        .first(attribute)
        .map_or(default, |value| value.eq_ignore_ascii_case("on"))
}

/// Reads cn=config; `None` where the operator may not.
///
/// # Errors
/// The look-up failed.
pub async fn global(connection: &Connection) -> Result<Option<Global>, Failure> {
    // Not by objectClass, on which nobody needs a right here.
    let filter = filter::present(policy::MAX_FAILURE);
    let entry = lookup::entry(connection, "cn=config", &filter, &policy::GLOBAL).await?;
    Ok(entry.as_ref().and_then(Global::from_entry))
}

/// The policy for this account.
///
/// # Errors
/// Why it is not known.
pub async fn effective(
    connection: &Connection,
    account: &Entry,
    hidden: &[&str],
    global: Option<&Global>,
) -> Result<PasswordPolicy, Why> {
    let global = global.ok_or(GLOBAL_UNREADABLE)?;
    if !global.local {
        return Ok(global.policy.clone());
    }
    match account.first(POLICY_SUBENTRY) {
        Some(dn) => local(connection, dn).await.ok_or(LOCAL_UNREADABLE),
        None if hidden.contains(&POLICY_SUBENTRY) => Err(LOCAL_UNREADABLE),
        None => Ok(global.policy.clone()),
    }
}

/// Reads a local policy; `None` where that failed for whatever reason, or a part of it is hidden.
async fn local(connection: &Connection, dn: &str) -> Option<PasswordPolicy> {
    // Searches leave out subentries unless they are asked for.
    let filter = filter::or(&[
        filter::equals("objectClass", "ldapsubentry"),
        filter::present("objectClass"),
    ]);
    let attributes = policy::RULES.map(|(name, _)| name);
    let entry = lookup::entry(connection, dn, &filter, &attributes).await;
    let entry = entry
        .inspect_err(|failure| tracing::debug!(detail = failure.private, "a password policy could not be read"))
        .ok()??;
    let hidden = lookup::hidden(connection, &entry, &policy::RULES).await.ok()?;
    hidden.is_empty().then(|| PasswordPolicy::from_entry(&entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: [(&str, &[&str]); 8] = [
        ("passwordLockout", &["on"]),
        ("passwordMaxFailure", &["5"]),
        ("passwordUnlock", &["off"]),
        ("passwordMustChange", &["ON"]),
        ("passwordTrackUpdateTime", &["off"]),
        ("passwordIsGlobalPolicy", &["off"]),
        ("nsslapd-pwpolicy-local", &["on"]),
        ("passwordAdminDN", &[""]),
    ];

    #[test]
    fn the_global_policy_is_read_or_unreadable() {
        let global = Global::from_entry(&Entry::of("cn=config", &CONFIG)).unwrap();
        assert_eq!(
            global,
            Global {
                policy: PasswordPolicy {
                    lockout: true,
                    max_failure: 5,
                    unlock: false,
                    must_change: true,
                    track_update_time: false,
                },
                local: true,
                replicated: false,
                admin: None,
            }
        );
        for hidden in 0..5 {
            let rest: Vec<_> = CONFIG
                .iter()
                .enumerate()
                .filter(|(place, _)| *place != hidden)
                .map(|(_, attribute)| *attribute)
                .collect();
            assert_eq!(Global::from_entry(&Entry::of("cn=config", &rest)), None, "{hidden}");
        }
    }

    #[test]
    fn what_a_local_policy_does_not_say_has_the_servers_default() {
        let policy = PasswordPolicy::from_entry(&Entry::of("cn=p", &[("passwordMinLength", &["8"])]));
        assert!(!policy.lockout && policy.unlock && !policy.must_change && !policy.track_update_time);
        assert_eq!(policy.max_failure, 3);
    }
}
