//! From what CXone says of a person to the facts that are decided on. Pure.

use super::{
    Cxone,
    model::{Agent, HubUser},
    userhub::Hub,
};
use crate::{
    clock,
    domain::account::{AccountRead, Lock, LockState, Protection, Remedy, Step},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, time::Duration};

/// What policies may use below `account.profile`, by CXone's names.
const PROFILE: &[&str] = &[
    "userName",
    "emailAddress",
    "firstName",
    "lastName",
    "isActive",
    "lastLogin",
    "lastUpdated",
    "teamId",
    "teamName",
    "profileId",
    "LoginAuthenticatorId",
];
/// The longest text of a profile field, in bytes.
const LONGEST_TEXT: usize = 1024;
/// Without a sign-in for so long, inactivity is what is guessed: the least that a tenant can set is 7 days, its default 90.
const IDLE: SignedDuration = SignedDuration::from_hours(90 * 24);
const MAYBE_IDLE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Where passwords are reset by hand.
pub(super) const RESET_BY_HAND: &str =
    "reset it by hand: in CXone, Admin > Employees, the person's Security tab, Reset P/W";

impl Cxone {
    /// The account that an agent is, as a list shows it. `lock` says why its lock is not known; `hub` is absent in lists.
    pub(super) fn account(
        &self,
        agent: &Agent,
        lock: Result<(), String>,
        hub: Option<&Hub>,
        protection: Protection,
    ) -> Option<AccountRead> {
        let user = hub.and_then(|hub| hub.as_ref().ok());
        let is_external = self.is_external(agent, user);
        let (profile, unreadable) = profile(agent, user);
        let text = |name: &str| agent.text(name).map(str::to_owned);
        Some(AccountRead {
            id: agent.id()?,
            login: text("userName"),
            email: text("emailAddress"),
            aliases: Vec::new(),
            lock: match lock {
                Ok(()) => lock_state(agent, user, self.spec.poll.get(), clock::now()),
                Err(why) => LockState::Unknown(why),
            },
            disabled: disabled(agent, user),
            // Nothing shows it.
            must_change: None,
            protection,
            foreign_source: is_external.then(|| "SSO".to_owned()),
            profile,
            unreadable,
            groups: Err("CXone has no groups; use account.profile.teamName or role".into()),
            password_marker: None,
            password_changed: None,
            lock_stamp: None,
            obstacles: obstacles(user, is_external),
            server: None,
        })
    }

    /// Whether the person signs in elsewhere.
    fn is_external(&self, agent: &Agent, user: Option<&HubUser>) -> bool {
        let authenticators = [
            agent.text("LoginAuthenticatorId"),
            user.and_then(|user| user.authenticator.as_deref()),
        ];
        let listed = |id: &str| self.spec.external_authenticators.iter().any(|listed| listed == id);
        agent.text("issuer").is_some()
            || agent.text("federatedId").is_some()
            || authenticators.into_iter().flatten().any(listed)
    }
}

fn disabled(agent: &Agent, user: Option<&HubUser>) -> Option<bool> {
    match (agent.flag("isActive"), user.and_then(|user| user.status.as_deref())) {
        (Some(false), _) | (_, Some("DELETED")) => Some(true),
        (active, _) => active.map(|active| !active),
    }
}

/// The flag of the list. UserHub's BLOCKED is no lock by any document, and yet keeps people out: it is told, and only
/// somebody in the console can say more.
fn lock_state(agent: &Agent, user: Option<&HubUser>, poll: Duration, now: Timestamp) -> LockState {
    let name = agent.text("userName").unwrap_or("the person");
    let locked = |cause: Option<String>, scope: Option<&str>, what: String| {
        LockState::Locked(Lock {
            since: None,
            until: None,
            cause,
            scope: scope.map(str::to_owned),
            remedy: Remedy::Manual { what, poll },
        })
    };
    match agent.flag("locked") {
        None => LockState::Unknown(
            "CXone's list does not show whether agents are locked; check the Directory's apiVersion and the rights of the \
             operator's user"
                .into(),
        ),
        Some(true) => locked(
            Some(guess(agent.time("lastLogin"), now).to_owned()),
            None,
            format!(
                "CXone has no call that unlocks: an administrator opens Admin > Security Settings > Locked Employees in CXone, \
                 and in the row of {name} chooses Actions > Unlock User"
            ),
        ),
        Some(false) if user.and_then(|user| user.status.as_deref()) == Some("BLOCKED") => locked(
            Some("UserHub shows the status BLOCKED, which is not the lock of a sign-in".into()),
            Some("UserHub"),
            format!(
                "CXone lists {name} as not locked, and UserHub as BLOCKED, for which it has no call: an administrator looks at \
                 Admin > Employees in CXone"
            ),
        ),
        Some(false) => LockState::NotLocked,
    }
}

/// Nothing tells why somebody is locked.
fn guess(last_login: Option<Timestamp>, now: Timestamp) -> &'static str {
    match last_login.map(|last| now.duration_since(last)) {
        Some(idle) if idle >= IDLE => "a guess by the last sign-in: inactivity",
        Some(idle) if idle >= MAYBE_IDLE => "a guess by the last sign-in: inactivity or wrong passwords",
        Some(_) => "a guess by the last sign-in: wrong passwords",
        None => "not told",
    }
}

/// What cannot be done to this person as it stands.
fn obstacles(user: Option<&HubUser>, is_external: bool) -> BTreeMap<Step, String> {
    const INVITE: &str = "the person has not registered with CXone yet, so that there is no sign-in to help with; invite them \
                          again in CXone";
    let steps: &[(Step, &str)] = match user.and_then(|user| user.status.as_deref()) {
        Some("PENDING" | "UNREGISTERED") => &[(Step::Unlock, INVITE), (Step::SetPassword, INVITE)],
        _ if is_external => &[(
            Step::SetPassword,
            "the person signs in by single sign-on: the password is the identity provider's; reset it there",
        )],
        _ => &[],
    };
    steps.iter().map(|(step, why)| (*step, (*why).to_owned())).collect()
}

/// Texts, and the names of what is not shown, so that a rule which uses one is an error and not a guess.
fn profile(agent: &Agent, user: Option<&HubUser>) -> (Map<String, Value>, Vec<String>) {
    let (mut plain, mut unreadable) = (Map::new(), Vec::new());
    for name in PROFILE {
        let short = |value: &&Value| match value {
            Value::String(text) => text.len() <= LONGEST_TEXT,
            other => other.is_number() || other.is_boolean(),
        };
        match agent.field(name).filter(short) {
            Some(value) => drop(plain.insert((*name).to_owned(), value.clone())),
            None => unreadable.push((*name).to_owned()),
        }
    }
    let hub = [
        (
            "userHubStatus",
            user.and_then(|user| user.status.clone()).map(Value::from),
        ),
        ("roles", user.and_then(|user| user.roles.clone()).map(Value::from)),
    ];
    for (name, value) in hub {
        match value {
            Some(value) => drop(plain.insert(name.to_owned(), value)),
            None => unreadable.push(name.to_owned()),
        }
    }
    (plain, unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn agent(more: Value) -> Agent {
        let mut value = json!({"agentId": 1, "userName": "ada@example.com", "isActive": true});
        for (name, member) in more.as_object().unwrap() {
            value[name] = member.clone();
        }
        Agent::of(&value).unwrap()
    }

    fn user(status: &str) -> HubUser {
        HubUser {
            status: Some(status.to_owned()),
            ..HubUser::default()
        }
    }

    fn state(agent: &Agent, user: Option<&HubUser>) -> LockState {
        lock_state(
            agent,
            user,
            Duration::from_secs(60),
            "2026-03-02T00:00:00Z".parse().unwrap(),
        )
    }

    #[test]
    fn the_lock_is_the_flag_and_a_missing_flag_is_unknown() {
        assert!(matches!(
            state(&agent(json!({"locked": true})), None),
            LockState::Locked(_)
        ));
        assert_eq!(state(&agent(json!({"locked": false})), None), LockState::NotLocked);
        for missing in [json!({}), json!({"locked": null}), json!({"locked": "true"})] {
            assert!(matches!(state(&agent(missing), None), LockState::Unknown(_)));
        }
    }

    #[test]
    fn blocked_is_told_and_is_not_the_lock() {
        let LockState::Locked(lock) = state(&agent(json!({"locked": false})), Some(&user("BLOCKED"))) else {
            panic!("somebody must look at it")
        };
        assert_eq!(lock.scope.as_deref(), Some("UserHub"));
        let LockState::Locked(lock) = state(&agent(json!({"locked": true})), Some(&user("BLOCKED"))) else {
            panic!("it is locked")
        };
        assert_eq!(lock.scope, None);
    }

    #[test]
    fn the_reason_of_a_lock_is_a_guess_and_says_so() {
        let now = "2026-03-02T00:00:00Z".parse().unwrap();
        for (last, word) in [
            ("2025-11-01T00:00:00Z", "inactivity"),
            ("2026-02-01T00:00:00Z", "inactivity or wrong"),
            ("2026-03-01T00:00:00Z", ": wrong passwords"),
        ] {
            let text = guess(Some(last.parse().unwrap()), now);
            assert!(text.starts_with("a guess") && text.contains(word), "{last}: {text}");
        }
    }

    #[test]
    fn the_state_table() {
        for (active, status, off) in [
            (json!(true), "ACTIVE", Some(true)),
            (json!(false), "ACTIVE", Some(false)),
            (json!(true), "DELETED", Some(false)),
            (json!(null), "ACTIVE", None),
        ] {
            let read = disabled(&agent(json!({"isActive": active})), Some(&user(status)));
            assert_eq!(read, off.map(|on| !on), "{active} {status}");
        }
        for status in ["PENDING", "UNREGISTERED"] {
            let steps: Vec<_> = obstacles(Some(&user(status)), false).into_keys().collect();
            assert_eq!(steps, [Step::Unlock, Step::SetPassword], "{status}");
        }
        let steps: Vec<_> = obstacles(Some(&user("ACTIVE")), true).into_keys().collect();
        assert_eq!(
            steps,
            [Step::SetPassword],
            "a lock for inactivity is cleared in CXone all the same"
        );
        assert!(obstacles(Some(&user("ACTIVE")), false).is_empty());
    }
}
